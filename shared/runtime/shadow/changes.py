"""What a shadow changes, and at which step of the recorded run."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from shared.database import Row
from shared.errors import SettingsError

#: What goes on after the changed step: the records of equal steps, or each step once more.
FOLLOWING = ("replayed", "anew")


class StepChange(NamedTuple):
    """A change of one step. Fields that are None keep what was recorded.

    `model` is a role or the full name of a model, `prompt` the orders to it, `input` the last text
    that it is shown. With an `output`, plain JSON, the step is not done: this is its result, such
    as other memories for a `recall`.
    """

    model: str | None = None
    prompt: str | None = None
    input: str | None = None
    output: Any = None

    @property
    def asks_a_model(self) -> bool:
        return any(one is not None for one in self[:3])


def find_step(rows: Sequence[Row], wanted: str) -> Row:
    """Return the step that `wanted` names: the start of its key, or its name and how many of that
    name came before it, from 1: `ask` is the first, `ask:2` the second.

    `rows` are in the order in which they began. Raises SettingsError when it names none.
    """
    name, _, number = wanted.partition(":")
    same = [row for row in rows if row["name"] == name]
    if same and (number or "1").isdecimal() and 0 < int(number or 1) <= len(same):
        return same[int(number or 1) - 1]
    starting = [row for row in rows if len(wanted) >= 6 and row["key"].startswith(wanted)]
    if len(starting) == 1:
        return starting[0]
    raise SettingsError(f"the run has no step {wanted!r}; it has {', '.join(step_names(rows))}")


def step_names(rows: Sequence[Row]) -> list[str]:
    """Name each step as `find_step` takes it."""
    seen: dict[str, int] = {}
    names = []
    for row in rows:
        count = seen[row["name"]] = seen.get(row["name"], 0) + 1
        names.append(row["name"] if count == 1 else f"{row['name']}:{count}")
    return names


def check_fits(change: StepChange, row: Row) -> None:
    """Raise SettingsError when the step cannot be changed so."""
    if change.asks_a_model and not row["model"]:
        raise SettingsError(
            f"{row['name']} asks no model, so it has no model, prompt or input to change; give it"
            " another output"
        )
    if change.asks_a_model and change.output is not None:
        raise SettingsError("with another output no model is asked; change one or the other")
    if change.output is not None:
        json.dumps(change.output)
