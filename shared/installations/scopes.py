"""The rights that the Slack app asks for, and what does not work without one.

infra/apps/slack.yaml asks for the same; tests/infra/apps/test_slack_manifest.py holds them equal.
"""

from collections.abc import Iterable, Mapping

#: What the bot cannot do without each. https://docs.slack.dev/reference/scopes
BOT: Mapping[str, str] = {
    "app_mentions:read": "hear when somebody mentions it",
    "channels:history": "read threads in public channels",
    "channels:read": "tell who is in public channels",
    "chat:write": "answer",
    "commands": "take slash commands",
    "files:read": "read what people attach",
    "groups:history": "read threads in private channels",
    "groups:read": "tell who is in private channels",
    "im:history": "read direct messages",
    "im:read": "tell who is in direct messages",
    "im:write": "open direct messages, for reminders",
    "mpim:history": "read group messages",
    "mpim:read": "tell who is in group messages",
    "reactions:read": "hear the emoji that stops it",
    "reactions:write": "show by an emoji that it is at work",
    "search:read.public": "search public channels for who asks",
    "users:read": "tell who is a full member",
}


def lacking(granted: Iterable[str]) -> dict[str, str]:
    """Return the rights that an installation lacks, with what it cannot do without each."""
    held = {*granted}
    return {name: why for name, why in BOT.items() if name not in held}
