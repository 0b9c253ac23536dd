"""Installing in the sandbox Slack: apps made of manifests, and the tokens of their installations.

apps       what api.slack.com keeps of one person's apps; OAuth
tokens     the bot tokens of workspaces and organisations: rotated, revoked
neighbours other workspaces of the same Slack
"""
