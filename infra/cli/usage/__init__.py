"""The commands of ./scripts/flows and their options, without what does the work: the usage needs
no environment.

parser    the commands
commands  their options; `bench` and `learn` have those of theirs
"""
