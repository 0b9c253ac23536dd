"""Reads whom to remind, when, and of what."""

import re
from typing import Literal, NamedTuple

from shared.errors import RequestUnclear
from shared.patterns import lazily
from shared.reminding.grammar import Spoken
from shared.reminding.moments import find_time

_PERSON, _CHANNEL = r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>", r"<#([CG][A-Z0-9]+)(?:\|([^>]*))?>"
_ME = r"(?:me|myself|mich|mir|我)"
_HERE = r"(?:us|everyone|everybody|here|this channel|the team|uns|alle|我们|大家)"
_WHOM = lazily(
    rf"\s*(?:{_PERSON}|{_CHANNEL}|(?P<me>{_ME})(?![a-z])|(?P<here>{_HERE})(?![a-z]))[\s,:]*", re.I
)
_HAN_VERB = lazily(rf"提醒(?={_PERSON}|{_CHANNEL}|我|大家)")
#: What stands between a time and what it is for.
_LINK = lazily(
    r"^[\s:,.，：。–-]*(?:(?:to|that|about|of|daran|dass|zu|去|要)\b[\s,:]*)*(?:dass\b\s*)?", re.I
)
_VAGUE = frozenset({"", "this", "it", "that", "about it", "daran", "this thread", "这个", "这件事"})

Where = Literal["me", "here", "person", "channel"]


class Wish(NamedTuple):
    """A reminder that somebody wants. `to` is the id of a person or a channel, `label` the name
    that Slack gives a channel. Without a text it is about the conversation."""

    where: Where
    to: str
    spoken: Spoken
    text: str
    label: str = ""


def wish(words: str) -> Wish:
    """Read `me on Monday at 10 to check the deploy`; raises RequestUnclear."""
    before = ""
    if verb := _HAN_VERB.search(words):
        before, words = words[: verb.start()].removeprefix("请"), words[verb.end() :]
    if not (whom := _WHOM.match(words)):
        raise RequestUnclear(
            "Whom should I remind? Say `remind me …`, or mention a person or a channel, so that I"
            " know which."
        )
    found = find_time(f"{before}{words[whom.end() :]}".strip())
    text = _LINK.sub("", found.rest).strip(" \t\n,，")
    if text.lower().rstrip(".!?") in _VAGUE:
        text = ""
    if whom[1] or whom[2]:
        where: Where = "person" if whom[1] else "channel"
        return Wish(where, whom[1] or whom[2], found.spoken, text, whom[3] or "")
    return Wish("me" if whom["me"] else "here", "", found.spoken, text)
