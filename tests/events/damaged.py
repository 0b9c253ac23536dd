"""Damages payloads systematically: at each place, at each depth, a key goes missing or its value
is null or of another type."""

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

_MISSING = object()
_VALUES: tuple[Any, ...] = (_MISSING, None, 7, "text", [], {}, True)
#: Lists are alike from their first element on.
_ELEMENTS = 1


class Damage(NamedTuple):
    """A value put at a path of a payload; `_MISSING` takes the key away."""

    path: tuple[str | int, ...]
    value: Any

    def of(self, payload: Any) -> Any:
        """Return a copy of the payload with this damage."""
        broken = copy.deepcopy(payload)
        parent = broken
        for key in self.path[:-1]:
            parent = parent[key]
        if self.value is _MISSING:
            del parent[self.path[-1]]
        else:
            parent[self.path[-1]] = copy.deepcopy(self.value)
        return broken


def damages(payload: Any, deepest: int = 6) -> Iterator[Damage]:
    """Yield each damage of a payload, down to so many levels."""
    for path in _paths(payload, (), deepest):
        for value in _VALUES:
            yield Damage(path, value)


def _paths(value: Any, at: tuple[str | int, ...], left: int) -> Iterator[tuple[str | int, ...]]:
    if not left:
        return
    keys: list[Any] = list(value) if isinstance(value, dict) else []
    keys = list(range(min(len(value), _ELEMENTS))) if isinstance(value, list) else keys
    for key in keys:
        yield (*at, key)
        yield from _paths(value[key], (*at, key), left - 1)
