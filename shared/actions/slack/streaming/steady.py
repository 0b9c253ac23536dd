"""How much of a growing text a stream may show: what it shows cannot be taken back."""

from collections.abc import Collection

from shared.actions.slack.text import pieces
from shared.patterns import lazily

#: What the next characters may still turn into a mention, a link, a command, or a whole emoji.
_OPEN = lazily("[!-~＠\ud800-\udbff]+\\Z")


def steady(markdown: str, hosts: Collection[str] = ()) -> str:
    """Return the first piece of a text that still grows, harmless, without its last word."""
    whole = _OPEN.sub("", markdown).rstrip()
    return pieces(whole, hosts=hosts)[0] if whole else ""
