"""Why the agent did something, or did not: the console, `./scripts/flows why` and `why` in chat ask
here.

question      what a person points at: a run, a memory, an address, a delivery
explanation   finds the runs behind it and tells of each what caused it and what it saw
telling       an explanation as lines
desk          `why` for a flow, as far as the person who asks may see
"""
