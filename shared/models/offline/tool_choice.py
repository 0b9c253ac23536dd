"""Decides on a tool to call, and on its arguments."""

import re
from collections.abc import Iterable
from typing import Any

from shared.events import Json
from shared.models import ToolCall, ToolSpec
from shared.models.offline.filling import fill
from shared.models.offline.parsed_request import ParsedRequest
from shared.models.offline.proposing import PROPOSES, proposal
from shared.models.offline.similarity import terms
from shared.models.offline.word_lists import TOOL_VERBS, listed
from shared.patterns import lazily

_WHOLE = frozenset(listed("query, text, question, q, search, message, topic, term, phrase"))
_IDENTIFIERS = frozenset(listed("id, number, ref, key, issue, order, ticket"))
_LAST = lazily(r"\b(?:in|for|of|about|at|on|to)\s+([^?.!]+?)\s*[?.!]*$", re.I)


def choose(tools: Iterable[ToolSpec], parsed: ParsedRequest) -> ToolCall | None:
    """Return a call of the tool that the question clearly asks for, if any; each at most once."""
    tools = list(tools)
    if wanted := proposal(tools, parsed):
        return wanted
    asked = set(terms(" ".join(parsed.lines)))
    for tool in tools:
        if tool.name in parsed.called or not _fits(tool, asked):
            continue
        arguments = _arguments(tool.parameters, parsed)
        if arguments is not None:
            return ToolCall(f"offline_{len(parsed.called) + 1}", tool.name, arguments)
    return None


def _fits(tool: ToolSpec, asked: set[str]) -> bool:
    """Tell whether the question has all words of the name, or two of the description's start. What
    a tool proposes to people must be asked for, which likeness does not tell."""
    if tool.name.startswith(PROPOSES):
        return False
    name = [word for word in tool.name.lower().split("_") if word not in TOOL_VERBS]
    named = set(terms(" ".join(name)))
    described = set(terms(tool.description.split("\n\n")[0]))
    return (bool(named) and named <= asked) or len(described & asked) >= 2


def _arguments(schema: Json, parsed: ParsedRequest) -> Json | None:
    """Return the required arguments, or None when the question does not give one of them."""
    properties = schema.get("properties", {})
    required = schema.get("required", ())
    found = {name: _argument(name, properties.get(name, {}), parsed) for name in required}
    return None if None in found.values() else found


def _argument(name: str, schema: Json, parsed: ParsedRequest) -> Any:
    question = " ".join(parsed.lines)
    kind = schema.get("type")
    words = set(name.lower().split("_"))
    if kind in {"integer", "number"}:
        digits = re.search(r"\d{1,12}(?:\.\d+)?", question)
        return None if digits is None else (int if kind == "integer" else float)(float(digits[0]))
    if kind != "string" or "enum" in schema:
        return fill(schema, parsed, name)
    quoted = re.search(r"[\"“‘'`「]([^\"”’'`」]+)[\"”’'`」]", question)
    if quoted:
        return quoted[1]
    if words & _WHOLE:
        return question
    if words & {"repository", "repo"}:
        path = re.search(r"[\w.-]+/[\w.-]+", question)
        return path[0] if path else None
    if words & _IDENTIFIERS:
        token = re.search(r"[\w#/-]*\d[\w-]*", question)
        return token[0] if token else None
    last = _LAST.search(question)
    return last[1] if last else None
