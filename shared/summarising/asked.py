"""Reads what should be summed up: `this thread`, `#channel since Monday`, a link to a message."""

import re
from typing import NamedTuple

from shared.events import Event
from shared.patterns import lazily

_LINK = lazily(
    r"<?https://[\w.-]{1,100}\.slack\.com/archives/(?P<channel>[CDG][A-Z0-9]{2,})"
    r"/p(?P<seconds>\d{10})(?P<rest>\d{6})(?:\?(?:[^#\s>|]*&)?thread_ts=(?P<root>\d{10}\.\d{6}))?"
    r"[^\s>|]*(?:\|[^>]*)?>?"
)
_OURS = lazily(
    r"<?https://slack\.com/app_redirect\?(?=[^\s>|]*\bchannel=(?P<channel>[CDG][A-Z0-9]{2,}))"
    r"(?=[^\s>|]*\bmessage_ts=(?P<root>\d{10}\.\d{6}))[^\s>|]*(?:\|[^>]*)?>?"
)
_CHANNEL = lazily(r"<#(?P<id>[CDG][A-Z0-9]{2,})(?:\|[^>]*)?>|(?P<name>#[^\s<>#,]{1,80})")
_HERE = lazily(
    r"(?:(?:this|the|that|diese[nrsm]?|de[nmr]|das|die|这个?|本)\s*)?"
    r"(?P<what>thread|channel|conversation|discussion|kanal|unterhaltung|diskussion|gespräch|chat"
    r"|讨论串?|对话|频道|消息列)(?![\w])|(?:this|it|here|everything|all|hier|alles)(?![\w])",
    re.I,
)
_CHANNELS = ("channel", "kanal", "频道")
#: What may stand around a place and a time.
_BETWEEN = " \t\n,.:!?。！？"
_LEADING = lazily(r"(?:^|\s+)(?:in|of|from|on|für|von|im|aus)\s*$", re.I)
_FILLERS = lazily(r"^(?:(?:of|in|from|on|what happened|for|von|im|aus)\s+)+(?=[<#]|https|th)", re.I)


class Asked(NamedTuple):
    """A thread, by its first message, or else a channel, by its id or `#name`; `since` are
    the words of a time, '' for none."""

    channel: str
    thread: str
    since: str


def asked(event: Event, words: str) -> Asked:
    """Read the words behind `summarize`. Without a place a thread that goes on is meant, else the
    channel."""
    words = _FILLERS.sub("", words.strip(_BETWEEN))
    if found := _LINK.search(words) or _OURS.search(words):
        parts = found.groupdict()
        root = parts["root"] or f"{parts['seconds']}.{parts['rest']}"
        return Asked(parts["channel"], root, _without(words, found))
    if found := _CHANNEL.search(words):
        return Asked(found["id"] or found["name"], "", _without(words, found))
    thread = _thread(event)
    if found := _HERE.match(words):
        if (found["what"] or "").lower() in _CHANNELS:
            thread = ""
        words = _without(words, found)
    return Asked(event.channel, thread, words)


def _thread(event: Event) -> str:
    """Return the thread that the event goes on with; '' where it begins one, or is in none."""
    thread, message = event.thread_target, event.message_target
    begins = thread is None or (message is not None and message.ts == thread.ts)
    return "" if thread is None or begins else thread.ts


def _without(words: str, found: "re.Match[str]") -> str:
    before = _LEADING.sub("", words[: found.start()])
    return f"{before} {words[found.end() :]}".strip(_BETWEEN)
