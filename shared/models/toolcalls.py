"""Tool calls as models write them: read without failing, and judged against what was asked."""

import json

from shared.models import ToolCall


def read_call(identity: str, name: str, raw: str) -> ToolCall:
    """Return the call whose arguments a server sent as the text `raw`; nothing at all means none.

    Text that is no JSON object is kept as `malformed`: the model is told, and may do better.
    """
    if not raw.strip():
        return ToolCall(identity, name, {})
    try:
        arguments = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return ToolCall(identity, name, {}, malformed=raw)
    if not isinstance(arguments, dict):
        return ToolCall(identity, name, {}, malformed=raw)
    return ToolCall(identity, name, arguments)


def _refuse_constant(name: str) -> object:
    """json reads NaN and Infinity, which are no JSON and which no server takes back."""
    raise ValueError(name)
