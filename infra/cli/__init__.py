"""The command-line tool, ./scripts/flows.

__main__         runs a command; `usage` has them all with their options
system           finds the system that the commands talk to
runs             lists runs, and shows one as a tree
budgets          lists what was spent on models
memory           shows, forgets and exports memory
consolidations   lists what consolidation changed, and undoes it
ingest           takes a folder or a repository into memory; `folder` reads it
certify          certifies a flow
bench            the test bench
deliveries       sends a saved delivery again; lists those of the GitHub App
schema           migrates the database
dead_letters     lists what was given up, and starts it again
table            plain-text tables
"""
