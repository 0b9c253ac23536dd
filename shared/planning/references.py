"""References from a step's arguments to the outputs of earlier steps: their paths, the values that
they give, and the schemas of these."""

from collections.abc import Mapping
from typing import Any

from shared.events import Json
from shared.patterns import lazily
from shared.planning.plan import Reference, is_reference

_PART = lazily(r"\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d{1,6}|\*)\]")


class Unresolved(ValueError):
    """A path that leads nowhere. The message names the place, never what lies there."""


def parts(path: str) -> list[str | int]:
    """Split `items[0].number` into `["items", 0, "number"]`; `[*]` becomes `"*"`, all of a list.

    Raises Unresolved when it is no path.
    """
    found: list[str | int] = []
    position = 0
    while position < len(path):
        match = _PART.match(path, position)
        if match is None or (position == 0 and path.startswith(".")):
            raise Unresolved(f"{path!r} is no path; expected such as items[0].number")
        index = match[2]
        found.append(match[1] or (int(index) if index != "*" else "*"))
        position = match.end()
    return found


def resolve(arguments: Any, outputs: Mapping[str, Any]) -> Any:
    """Return `arguments` with each reference replaced by what it names; raises Unresolved."""
    if is_reference(arguments):
        reference = Reference(arguments["$from"], arguments.get("path", ""))
        if reference.step not in outputs:
            raise Unresolved(f"step {reference.step} has no output yet")
        return _at(outputs[reference.step], parts(reference.path), reference)
    if isinstance(arguments, dict):
        return {key: resolve(value, outputs) for key, value in arguments.items()}
    if isinstance(arguments, list | tuple):
        return [resolve(value, outputs) for value in arguments]
    return arguments


def _at(value: Any, path: list[str | int], reference: Reference) -> Any:
    for place, part in enumerate(path):
        if part == "*":
            if not isinstance(value, list):
                raise _nothing(reference)
            return [_at(item, path[place + 1 :], reference) for item in value]
        try:
            value = value[part]
        except (LookupError, TypeError) as err:
            raise _nothing(reference) from err
    return value


def _nothing(reference: Reference) -> Unresolved:
    return Unresolved(f"step {reference.step} gave nothing at {reference.path!r}")


def schema_at(schema: Json, path: list[str | int]) -> Json | None:
    """Return the schema of what lies at `path`: None when nothing can lie there, {} when that is
    not known."""
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
    """Return True unless a value of the schema `given` is known not to fit the schema `wanted`."""
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
