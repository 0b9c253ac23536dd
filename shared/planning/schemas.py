"""JSON schemas as far as tools use them: does a value fit, and what lies at a path of an output."""

from collections.abc import Iterator
from typing import Any

from shared.events import Json
from shared.planning.plan import is_reference

_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
    "null": (type(None),),
}


def misfits(schema: Json, value: Any, at: str) -> Iterator[str]:
    """Yield what is wrong with `value`, as sentences that begin with the place `at`.

    A reference fits everywhere: what it gives is known only later.
    """
    if is_reference(value):
        return
    if options := schema.get("anyOf") or schema.get("oneOf"):
        found = [list(misfits(option, value, at)) for option in options]
        if all(found):
            yield min(found, key=len)[0]
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at} is not one of {', '.join(map(str, schema['enum']))}"
        return
    kind = schema.get("type")
    if kind in _KINDS and not _is(kind, value):
        yield f"{at} is not of type {kind}"
    elif kind == "object":
        yield from _object(schema, value, at)
    elif kind == "array":
        yield from _array(schema, value, at)
    elif kind in {"integer", "number"}:
        yield from _bounds(value, schema.get("minimum"), schema.get("maximum"), f"{at} is {value}")


def _is(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS[kind])


def _object(schema: Json, value: Json, at: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at} lacks {name}"
    for name, part in value.items():
        if name in properties:
            yield from misfits(properties[name], part, f"{at}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{at} has no {name}; it takes {', '.join(properties) or 'nothing'}"


def _array(schema: Json, value: Any, at: str) -> Iterator[str]:
    low, high = schema.get("minItems"), schema.get("maxItems")
    yield from _bounds(len(value), low, high, f"{at} has {len(value)} items")
    for index, item in enumerate(value):
        yield from misfits(schema.get("items", {}), item, f"{at}[{index}]")


def _bounds(value: float, low: float | None, high: float | None, said: str) -> Iterator[str]:
    if low is not None and value < low:
        yield f"{said}, less than {low}"
    if high is not None and value > high:
        yield f"{said}, more than {high}"


def schema_at(schema: Json, path: list[str | int]) -> Json | None:
    """Return the schema of what lies at `path`; None when nothing can, {} when nobody knows."""
    for place, part in enumerate(path):
        if not schema or "anyOf" in schema:
            return {}
        if isinstance(part, int) or part == "*":
            if schema.get("type") != "array":
                return None
            schema = schema.get("items", {})
            if part == "*":
                inner = schema_at(schema, path[place + 1 :])
                return None if inner is None else {"type": "array", "items": inner}
        else:
            if schema.get("type") != "object":
                return None
            properties = schema.get("properties", {})
            if part not in properties:
                return {} if schema.get("additionalProperties", True) else None
            schema = properties[part]
    return schema


def takes(wanted: Json, given: Json) -> bool:
    """May a value of the schema `given` stand where `wanted` is? True as long as nobody knows."""
    if not wanted or not given:
        return True
    for schema, other, flip in ((wanted, given, False), (given, wanted, True)):
        if options := schema.get("anyOf") or schema.get("oneOf"):
            return any(takes(other, o) if flip else takes(o, other) for o in options)
    kinds = wanted.get("type"), given.get("type")
    if None in kinds or kinds == ("number", "integer"):
        return True
    if kinds == ("array", "array"):
        return takes(wanted.get("items", {}), given.get("items", {}))
    return kinds[0] == kinds[1]
