"""The states of the machine in infra/planner.asl.json, each a function of one call.

- runner         calls a state with the plan as it stands, and lives its run
- plan_validate  Plan and Validate: make a version, check it before it runs
- approve        Approve: ask a person, and wait for the answer
- tool_choice    which tools a policy lets the planner think of first
- act_verify     Act and Verify: do a step of a wave, check what it gave
- reflect        Reflect: close a wave, decide about its failures
- report         Report: end the plan and tell the person
- lesson         what a plan teaches the next one of its kind
- consent        which writes need a person's approval, and what exactly is approved
- answering      which question an answer is about, and whether it counts
- show           edits the plan's messages while it runs
"""
