"""Everything that a flow runs on.

web/          answers HTTP: the ingress, and the endpoint that reads runs
perception/   webhooks and commands of GitHub and Slack, read into events
runtime/      what Lambda calls: composes a flow's parts and runs it
agent/        what a flow's author imports: Agent, @flow, context, tools
planning/     plans: tools, validation, and the states of planner.asl.json
memory/       facts, conversations and documents: store, recall, control, upkeep
actions/      effects on GitHub and Slack: policy, drafts, one room per platform
models/       language models: routing, guards, cache, batches, providers
aws/          the bus, state machines, signed requests, cold starts

events        what happened, in one shape for all sources
desk          the desks that an agent lends to the flows that need one
canonical     one JSON text for one value, to compare and to hash
journal       the record of runs, steps and effects
database      one connection to Postgres
settings      the environment variables
errors        every error
log           a JSON line each
metrics       counts, for CloudWatch
"""

__version__ = "0.1.0"
