"""The timeline of a run: its steps and effects as they began, with those that ran at once together,
and each told by what it is: a model call, a recall, a choice, an effect."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.database import Row
from shared.web.console.rendering import link

#: Characters of an input and of an output that are read; what is longer is shown cut.
ROOM = 60_000
#: The width of the picture of the times, in its own units.
WIDTH = 1000.0


@dataclass
class TimelineEntry:
    """One step or effect. `start`, since the run's first moment, and `length` are in seconds; `at`
    and `wide` are the same in the units of the picture."""

    kind: str
    name: str
    row: Row
    start: float
    length: float
    told: dict[str, Any] = field(default_factory=dict)
    at: float = 0.0
    wide: float = 0.0

    @property
    def tries(self) -> int:
        return int(self.row["attempts" if self.kind == "effect" else "attempt"])

    @property
    def end(self) -> float:
        return self.start + self.length


def timeline(steps: Iterable[Row], effects: Iterable[Row]) -> list[list[TimelineEntry]]:
    """Return the moments in groups: those of a group overlap in time."""
    moments = [*map(_step, steps), *map(_effect, effects)]
    moments.sort(key=lambda one: one.start)
    if not moments:
        return []
    begin, whole = moments[0].start, max(one.end for one in moments)
    scale = WIDTH / max(whole - begin, 0.001)
    for one in moments:
        one.start -= begin
        one.at, one.wide = one.start * scale, max(one.length * scale, 3.0)
        one.at = min(one.at, WIDTH - one.wide)
    return _groups(moments)


def _groups(moments: Sequence[TimelineEntry]) -> list[list[TimelineEntry]]:
    groups: list[list[TimelineEntry]] = []
    until = -1.0
    for one in moments:
        if groups and one.start < until - 0.0005:
            groups[-1].append(one)
        else:
            groups.append([one])
        until = max(until, one.end)
    return groups


def _step(row: Row) -> TimelineEntry:
    name = str(row["name"])
    given, output, choice = (read_json(row[key]) for key in ("input", "output", "choice"))
    kind, told = "step", {}
    if row["model"] and isinstance(given, dict):
        kind, told = "model", _model(given, output, choice)
    elif row["model"]:
        kind = "model"
    elif name == "recall" and isinstance(output, list):
        kind, told = "recall", {"asked": given, "memories": output}
    elif name in {"choice", "choose"} and isinstance(choice, dict):
        kind, told = "choice", choice
    length = (row["duration_ms"] or 0.0) / 1000
    return TimelineEntry(kind, name, row, row["started_at"].timestamp(), length, told)


def _model(given: dict[str, Any], output: Any, choice: Any) -> dict[str, Any]:
    request = given.get("request")
    request = request if isinstance(request, dict) else {}
    choice = choice if isinstance(choice, dict) else {}
    messages = [one for one in request.get("messages") or () if isinstance(one, dict)]
    return {
        "role": given.get("model", ""),
        "system": str(request.get("system") or ""),
        "messages": messages,
        "answer": output.get("text", "") if isinstance(output, dict) else output,
        "calls": output.get("calls", []) if isinstance(output, dict) else [],
        "source": choice.get("source", ""),
        "saved": choice.get("saved"),
    }


def _effect(row: Row) -> TimelineEntry:
    receipt, arguments = read_json(row["receipt"]), read_json(row["arguments"])
    receipt = receipt if isinstance(receipt, dict) else {}
    arguments = arguments if isinstance(arguments, dict) else {}
    words = next((arguments[key] for key in ("body", "text") if arguments.get(key)), "")
    told = {"link": link(receipt.get("url")), "words": words, "arguments": arguments}
    length = max(row["duration_ms"] or 0.0, 0.0) / 1000
    return TimelineEntry("effect", row["tool"], row, row["started_at"].timestamp(), length, told)


def read_json(text: str | None) -> Any:
    """Return the JSON of a text; one that was cut, or is none, stays a text."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text
