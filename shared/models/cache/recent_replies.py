"""Replies in a prompt cache: which are worth keeping, their JSON, and the most recently used ones
in this process."""

import json
import time
from collections import OrderedDict
from copy import deepcopy
from dataclasses import asdict, replace
from typing import Any, Literal, NamedTuple

from shared.models import ModelReply
from shared.models.answers.judging import Judge
from shared.models.stored_json import reply_of

#: The longest reply that is cached, in bytes of its JSON.
LONGEST = 256 * 1024

_FINISHED = ("stop", "tools")


def written(reply: ModelReply, longest: int = LONGEST) -> str | None:
    """Return the JSON of a reply that is worth keeping, else None.

    The model must have finished it, JSON must give it back exactly, in at most `longest` bytes.
    """
    if reply.finish not in _FINISHED:
        return None
    plain = asdict(reply)
    try:
        text = _dumped(plain)
        same = read(json.loads(text)) == reply
    except (TypeError, ValueError):  # arguments that JSON cannot hold, such as infinity
        return None
    return text if same and len(text.encode()) <= longest else None


def read(value: Any) -> ModelReply | None:
    """Return the reply of parsed JSON, or None when it is not one that `written` wrote."""
    try:
        reply = reply_of(value)
    except (TypeError, KeyError, AttributeError):
        return None
    usage = (reply.usage.input, reply.usage.output, reply.usage.cached)
    known = (
        isinstance(reply.text, str)
        and isinstance(reply.model, str)
        and reply.finish in _FINISHED
        and all(type(tokens) is int for tokens in usage)
        and (reply.cost is None or type(reply.cost) in (int, float))
        and all(isinstance(one, str) for call in reply.calls for one in (call.id, call.name))
        and all(isinstance(call.arguments, dict) for call in reply.calls)
    )
    return reply if known else None


def served(reply: ModelReply, source: Literal["process", "shared"]) -> ModelReply:
    """Return `reply` as served from a cache; the receiver may change its calls."""
    return replace(reply, source=source, cost=0.0, saved=reply.cost, calls=deepcopy(reply.calls))


def _dumped(plain: dict[str, Any]) -> str:
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: only an escape keeps it
        return json.dumps(plain, allow_nan=False)
    return text


class _Cached(NamedTuple):
    reply: ModelReply
    bytes: int
    until: float


class RecentReplies:
    """The most recently used replies, bounded in number and bytes. Not thread-safe: its owner holds
    a lock."""

    def __init__(self, entries: int, bytes: int) -> None:
        self._most_entries = entries
        self._most_bytes = bytes
        self._kept: OrderedDict[tuple[str, str], _Cached] = OrderedDict()
        self._bytes = 0

    def get(self, place: tuple[str, str], is_valid: Judge) -> ModelReply | None:
        """Return the reply at `place` while it is fresh, if it is valid."""
        kept = self._kept.get(place)
        if kept is None:
            return None
        if kept.until <= time.monotonic() or not is_valid(kept.reply):
            self._drop(place)
            return None
        self._kept.move_to_end(place)
        return kept.reply

    def put(self, place: tuple[str, str], reply: ModelReply, bytes: int, seconds: float) -> None:
        """Keep `reply` for `seconds`, and drop the least recently used ones beyond the bounds."""
        self._drop(place)
        self._kept[place] = _Cached(reply, bytes, time.monotonic() + seconds)
        self._bytes += bytes
        while len(self._kept) > self._most_entries or self._bytes > self._most_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, place: tuple[str, str]) -> None:
        if kept := self._kept.pop(place, None):
            self._bytes -= kept.bytes
