"""References from a step's arguments to the outputs of earlier steps: paths, and what they give."""

import re
from collections.abc import Mapping
from typing import Any

from shared.planning.plan import Reference, is_reference

_PART = re.compile(r"\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d{1,6}|\*)\]")


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
