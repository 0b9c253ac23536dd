"""Fills a JSON schema from a parsed request: choices by similarity, text by quoting."""

import re
from collections.abc import Sequence
from typing import Any

from shared.events import Json
from shared.models.offline import answering, choosing
from shared.models.offline.choosing import Name
from shared.models.offline.declared_facts import declared_facts
from shared.models.offline.parsed_request import ParsedRequest
from shared.models.offline.similarity import coverage, joined, terms
from shared.models.offline.word_lists import NEUTRAL, listed

_ANSWERS = frozenset(listed("answer, reply, response, comment, message, text, body, content"))
_TITLES = frozenset(listed("title, subject, headline, name, topic"))
_SUMMARIES = frozenset(listed("summary, description, abstract, gist, overview"))
_RECAPS = frozenset(listed("recap, digest"))
_REASONS = frozenset(listed("reason, why, rationale, explanation, justification, because"))
#: Such claims are not made: most of them would be wrong.
_SAME = frozenset(listed("duplicate, duplicates, dupe, dupes, same"))
_REASON = "The words are closest to this (offline model)."
#: The keys of a plan's step, whoever asks for a plan.
_STEP = frozenset({"id", "tool", "arguments", "depends_on"})
_MANY = 3
_RECAP_SENTENCES = 12


def fill(schema: Json, parsed: ParsedRequest, name: str = "") -> Any:
    """Return a value that fits `schema`; `name` is its key."""
    if "enum" in schema or "const" in schema:
        return _choice(schema, parsed, name)
    if "anyOf" in schema or "oneOf" in schema:
        return _optional(schema, parsed, name)
    kind = schema.get("type")
    if kind == "object":
        properties = schema.get("properties", {})
        return {key: fill(part, parsed, key) for key, part in properties.items()}
    if kind == "array":
        return _items(schema, parsed, name)
    if kind == "boolean":
        return _flag(schema, parsed, name)
    if kind in {"integer", "number"}:
        return _number(schema, parsed, name)
    return _text(schema, parsed, name) if kind == "string" else None


def _names(schema: Json) -> list[Name]:
    """Return the choices with their meanings, which are `name: meaning` lines in the
    description."""
    values = schema.get("enum", [schema.get("const")])
    said = dict(
        line.split(": ", 1) for line in schema.get("description", "").split("\n") if ": " in line
    )
    return [Name(str(value), said.get(str(value), "")) for value in values]


def _choice(schema: Json, parsed: ParsedRequest, name: str) -> Any:
    values: Sequence[Any] = schema.get("enum", [schema.get("const")])
    neutral = [value for value in values if str(value).lower() in NEUTRAL]
    if neutral and _words(name) & _SAME:
        return neutral[0]
    return values[choosing.best(_names(schema), parsed)[0]]


def _optional(schema: Json, parsed: ParsedRequest, name: str) -> Any:
    """Return null unless the text speaks for a value."""
    parts = schema.get("anyOf") or schema.get("oneOf") or []
    real = [part for part in parts if part.get("type") != "null"]
    nullable = len(real) < len(parts)
    if not real or (nullable and _words(name) & _SAME):
        return None
    part = {"description": schema.get("description", "")} | real[0]
    if not nullable:
        return fill(part, parsed, name)
    if "enum" in part:
        place, score = choosing.best(_names(part), parsed)
        return part["enum"][place] if score >= choosing.ENOUGH else None
    words = _words(name)
    if part.get("type") == "string" and words & _ANSWERS:
        known = answering.known_answer(parsed)
        return None if known is None else _cut(known, part)
    if part.get("type") in {"string", "number", "integer"} and not words & (_TITLES | _SUMMARIES):
        return None
    return fill(part, parsed, name)


def _items(schema: Json, parsed: ParsedRequest, name: str) -> list[Any]:
    of = schema.get("items", {})
    if of.get("type") == "object" and set(of.get("properties", {})) >= _STEP:
        # Its words and patterns take longer to load than all the rest, and few flows make plans.
        from shared.models.offline.plans.plan_steps import steps

        return steps(parsed, of)
    least = int(schema.get("minItems", 0))
    most = least if _words(name) & _SAME else int(schema.get("maxItems", max(_MANY, least)))
    if "enum" in of:
        chosen = choosing.several(_names(of), parsed, least, most)
        return [of["enum"][place] for place in chosen]
    if of.get("type") == "string":
        lines = [_cut(line, of) for line in dict.fromkeys(parsed.lines)][:most]
        return lines + [_text(of, parsed, name)] * (least - len(lines))
    if {"subject", "statement"} <= of.get("properties", {}).keys():
        return [declaration._asdict() for declaration in declared_facts(parsed)][:most]
    if {"text", "number", "words"} <= of.get("properties", {}).keys():
        return answering.copied_words(parsed)
    return [fill(of, parsed, name)] * least


def _flag(schema: Json, parsed: ParsedRequest, name: str) -> bool:
    if _words(name) & _SAME:
        return False
    label = re.sub(r"^(is|has|needs?|should|wants?|was|can)_", "", name)
    wanted = Name(label, schema.get("description", ""))
    return choosing.scores([wanted], parsed)[0] >= choosing.ENOUGH


def _number(schema: Json, parsed: ParsedRequest, name: str) -> float:
    """Return a number from a sentence with the key's word, else the middle of the range."""
    low, high = schema.get("minimum"), schema.get("maximum")
    whole = schema.get("type") == "integer"
    for line in parsed.lines:
        if set(terms(name.replace("_", " "))) & set(terms(line)):
            for digits in re.findall(r"(?<![\w.])\d{1,12}(?:\.\d+)?(?![\w.]*\w)", line):
                number = float(digits)
                fits = (low is None or number >= low) and (high is None or number <= high)
                if fits and (not whole or number.is_integer()):
                    return int(number) if whole else number
    if low is not None and high is not None:
        return int((low + high) // 2) if whole else (low + high) / 2
    bound = low if low is not None else min(high, 0) if high is not None else 0
    return int(bound) if whole else float(bound)


def _text(schema: Json, parsed: ParsedRequest, name: str) -> str:
    words = _words(name)
    lines = parsed.lines
    if words & _ANSWERS:
        return _cut(answering.answer(parsed), schema)
    if words & _RECAPS:
        longest = _longest(schema)
        return _cut(answering.summary(parsed, _RECAP_SENTENCES, longest), schema)
    if words & _REASONS:
        return _cut(_REASON, schema)
    if words & _SUMMARIES:
        return _cut(joined(lines[:2]), schema)
    if words & _TITLES or len(lines) < 2:
        return _cut(lines[0] if lines else "", schema)
    wanted = terms(f"{name.replace('_', ' ')} {schema.get('description', '')}")
    return _cut(max(lines, key=lambda line: coverage(wanted, terms(line), {})), schema)


def _words(name: str) -> set[str]:
    return set(name.lower().split("_"))


def _longest(schema: Json) -> int:
    """Return maxLength, or that of the description, or a length that no text reaches."""
    said = re.search(r"At most (\d+) characters", schema.get("description", ""))
    return int(schema.get("maxLength") or (said[1] if said else 1_000_000))


def _cut(text: str, schema: Json) -> str:
    limit = _longest(schema)
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"
