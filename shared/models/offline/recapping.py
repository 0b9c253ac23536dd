"""Sums up a conversation by quoting it: what was said first and last, what was answered most, and
what sounds like a decision, a task or a question."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shared.events import Json
from shared.models.offline.parsed_request import SourceText
from shared.patterns import lazily

#: The names of the blocks of a message and of a point of an earlier part.
MESSAGE, POINT = "message", "point"
#: Quotations of one part, points of the whole, and characters of a quotation.
_QUOTED, _POINTS, _CHARACTERS = 6, 12, 220
_DECIDES = lazily(
    r"\b(?:decid\w+|agreed?|let['’]?s|we(?:['’]ll| will| should)|going with|settled|approved|done"
    r"|fixed|merged|beschlossen|entschieden|einigen|machen wir|wir (?:nehmen|werden)|erledigt)\b"
    r"|决定|同意|确定|就这么|定了|完成",
    re.I,
)
_TASK = lazily(
    r"\b(?:i['’]?ll|i will|todo|to do|by (?:tomorrow|monday|tuesday|wednesday|thursday|friday)"
    r"|deadline|bis (?:morgen|montag|dienstag|mittwoch|donnerstag|freitag)|ich (?:mache|werde))\b"
    r"|待办|我来",
    re.I,
)
_REPLIES = lazily(r"(\d+) repl")


class _Quoted(NamedTuple):
    place: int
    weight: int
    why: str
    source: SourceText


def recapped(blocks: Sequence[SourceText]) -> Json:
    """Return sentences with the numbers of the messages that they quote."""
    points = [block for block in blocks if block.name == POINT]
    if points:
        chosen = [{"text": one.text, "messages": _numbers(one)} for one in points]
        return {"sentences": chosen[:_POINTS]}
    return {"sentences": [_sentence(one) for one in _chosen(blocks)]}


def _chosen(blocks: Iterable[SourceText]) -> list[_Quoted]:
    said = [one for one in blocks if one.name == MESSAGE and one.text.strip()]
    weighed = [_weighed(place, one) for place, one in enumerate(said)]
    best = sorted(weighed, key=lambda one: (-one.weight, one.place))[:_QUOTED]
    return sorted(best)


def _weighed(place: int, source: SourceText) -> _Quoted:
    replies = int(found[1]) if (found := _REPLIES.search(source.place)) else 0
    weight, why = min(replies, 20), ""
    if _DECIDES.search(source.text):
        weight, why = weight + 8, "Decision"
    elif _TASK.search(source.text):
        weight, why = weight + 6, "Task"
    elif source.text.rstrip().endswith(("?", "？")):
        weight, why = weight + 4, "Question"
    if place == 0:
        weight += 100
    return _Quoted(place, weight, why, source)


def _sentence(one: _Quoted) -> Json:
    plain = " ".join(re.sub("[“”„‟＂″]", '"', one.source.text).split())
    cut = plain if len(plain) <= _CHARACTERS else f"{plain[: _CHARACTERS - 1].rstrip()}…"
    label = f"{one.why}: " if one.why else ""
    text = f"{label}{one.source.author or 'Somebody'} wrote: “{cut}”"
    return {"text": text, "messages": _numbers(one.source)}


def _numbers(source: SourceText) -> list[int]:
    return [int(one) for one in source.cite.split() if one.isdigit()]
