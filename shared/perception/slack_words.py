"""Reads the words of a Slack message: its escapes, the mentions of our bot, commands."""

import re

from shared.events import Json
from shared.perception import commands

#: The pattern that nothing matches.
NOBODY = r"(?!)"


def plain(text: str, mention: str = NOBODY) -> str:
    """Undo Slack's escapes and drop the mentions of our own bot, where it has one."""
    text = re.sub(mention, "", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def whole(text: str, message: Json, mention: str = NOBODY) -> str:
    """Return the plain text of a message with what came along: a forward, files, blocks."""
    text = plain(text, mention)
    if not text or message.get("attachments") or message.get("files"):
        # Most messages are their text, and a cold start loads no more than it needs.
        from shared.perception.slack_content import with_content

        return with_content(text, message, mention)
    return text


def mention_of(bots: set[str]) -> str:
    """Return the pattern that names one of our `bots` in a text."""
    names = "|".join(sorted(map(re.escape, bots)))
    return rf"<@(?:{names})(?:\|[^>]*)?>" if names else NOBODY


def said_after(text: str, mention: str, channel_type: str) -> commands.Said:
    """Read what follows a mention that opens the message, or a direct message."""
    if found := re.match(rf"\s*{mention}[\s,:]*", text):
        return commands.after_mention(plain(text[found.end() :], mention))
    if channel_type != "im":
        return commands.Said()
    alone = plain(text, mention)
    return commands.Said(commands.whispered(alone), None, commands.mistaken(alone))


def commanded(name: str, text: str) -> commands.Said:
    """Read a slash command: `/forget …`, or the app's own before the name of one, or alone."""
    if name == "agent" and not text.strip():
        return commands.Said(commands.Order("help", ""))
    order = commands.named(f"{name} {text}") or commands.named(text)
    return commands.Said(order, None, commands.mistaken(f"/{text.lstrip('/')}"))
