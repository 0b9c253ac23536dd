"""The infrastructure: everything that builds, deploys, runs and operates the flows.

local/        the whole system on this machine: ./scripts/dev
cli/          ./scripts/flows, a file per command
certify/      kills flows everywhere and compares what they leave
bench/        the test bench: one prompt over many rows
bundle/       builds a function's bundle from what it imports
deploy/       ./scripts/deploy: secrets, stack, migrations
migrations/   the numbered SQL files and the function that applies them
apps/         manifests of the GitHub and Slack apps
project       the project's folder and its .env file
"""
