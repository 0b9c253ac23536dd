"""The planner: what each state of infra/planner.asl.json does when Step Functions calls it."""
