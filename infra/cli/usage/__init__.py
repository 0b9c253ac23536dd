"""The commands of ./scripts/flows and their options, without what does the work: the usage needs
no environment.

parser    the commands
commands  their options; `bench` has those of the bench
"""
