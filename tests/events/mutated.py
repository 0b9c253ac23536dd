"""Breaks payloads at random: keys go missing, values become null, another type, or strange text."""

import copy
import json
from random import Random
from typing import Any

_REPLACEMENTS: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 7, 2**70, 0.5, [], {}, [None], {"id": None}, {"login": 7}),
    *("", " ", "..", "a/b", "a/b/c", "中文 🎉", "\x00", "\ud800", "[bot]", "x" * 70_000),
)


def mutated(payload: Any, random: Random) -> Any:
    """Return a copy of `payload` with one to six places broken, most of them near its root."""
    broken = json.loads(json.dumps(payload))
    for _ in range(random.randint(1, 6)):
        _break_one(broken, random)
    return broken


def _break_one(payload: Any, random: Random) -> None:
    parent = payload
    while True:
        keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
        if not keys:
            return
        key = random.choice(keys)
        child = parent[key]
        if not isinstance(child, dict | list) or random.random() < 0.4:
            break
        parent = child
    action = random.randrange(4)
    if action == 0:
        del parent[key]
    elif action == 1:
        parent[key] = _nested(random.randint(1, 300))
    else:
        parent[key] = copy.deepcopy(random.choice(_REPLACEMENTS))


def _nested(levels: int) -> Any:
    value: Any = "end"
    for _ in range(levels):
        value = {"user": [value]}
    return value
