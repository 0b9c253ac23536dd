"""Reads the tool calls that models write, and checks them against the tools of the request."""

import json
import math
from collections.abc import Sequence
from typing import NamedTuple

from shared.models import ModelReply, ModelRequest, ToolCall
from shared.models.answers.json_schema import misfit

#: At most so many calls of one reply are made. A model that repeats itself writes hundreds.
MOST_CALLS = 16

_CUT_OFF = "(cut off)"
_NAME_SHOWN = 64


class Judged(NamedTuple):
    """A call and, when it cannot be made, the `error` to give the model as its result."""

    call: ToolCall
    error: str = ""


def read_calls(calls: Sequence[tuple[str, str, str]], *, cut_off: bool) -> tuple[ToolCall, ...]:
    """Return the calls that a server sent as (id, name, arguments as text).

    The last call of a reply that was cut off is malformed even when it looks whole: some servers
    close a half object.
    """
    read = [
        _read(identity or f"call_{number}", name, raw)
        for number, (identity, name, raw) in enumerate(calls)
    ]
    if cut_off and read:
        identity, name, raw = read[-1].id, read[-1].name, calls[-1][2]
        read[-1] = ToolCall(identity, name, {}, malformed=raw or _CUT_OFF)
    return tuple(read)


def _read(identity: str, name: str, raw: str) -> ToolCall:
    """Return the call; text that is no JSON object is kept as `malformed`, no text means none."""
    try:
        arguments = _DECODER.decode(raw) if raw.strip() else {}
        if isinstance(arguments, str):  # some servers write JSON in a string in a string
            arguments = _DECODER.decode(arguments)
    except (ValueError, RecursionError):
        return ToolCall(identity, name, {}, malformed=raw)
    if not isinstance(arguments, dict):
        return ToolCall(identity, name, {}, malformed=raw)
    return ToolCall(identity, name, arguments)


def _finite(number: str) -> float:
    """Read a number; raises ValueError for what cannot be written as JSON again, as 1e999."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(number)
    return value


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)


def judged(request: ModelRequest, reply: ModelReply) -> list[Judged]:
    """Check each call of `reply`, in order."""
    cut_off = reply.finish == "length"
    return [
        Judged(call, f"error: {problem}" if problem else "")
        for number, call in enumerate(reply.calls)
        for problem in [_too_many(number, reply) or _problem(request, call, cut_off)]
    ]


def _too_many(number: int, reply: ModelReply) -> str:
    if number < MOST_CALLS:
        return ""
    return f"{len(reply.calls)} calls at once are too many; only the first {MOST_CALLS} were made"


def _problem(request: ModelRequest, call: ToolCall, cut_off: bool) -> str:
    schemas = {tool.name: tool.parameters for tool in request.tools}
    if call.name not in schemas:
        name, known = call.name[:_NAME_SHOWN], ", ".join(sorted(schemas)) or "none"
        return f"there is no tool {name}; there are: {known}"
    if call.malformed and cut_off:
        return f"the call was cut off at {request.max_tokens} tokens; write shorter arguments"
    if call.malformed:
        schema = json.dumps(schemas[call.name], ensure_ascii=False)
        return f"the arguments are no JSON object; write one that fits this JSON schema: {schema}"
    wrong = misfit(schemas[call.name], call.arguments)
    return f"{call.name} cannot take these arguments: {wrong}" if wrong else ""
