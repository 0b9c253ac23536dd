"""A plan as data: its steps, and their references to the outputs of earlier steps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from shared.events import Json
from shared.frozen import frozen
from shared.patterns import lazily

#: The form of a step's id: short, because references and tables repeat it.
STEP_ID = lazily(r"[a-z][a-z0-9_-]{0,23}")
_REFERENCE_KEYS = ({"$from"}, {"$from", "path"})


class Reference(NamedTuple):
    """`{"$from": "s1", "path": "items[0].number"}`: the value at `path` in the output of a step."""

    step: str
    path: str


@frozen
class PlanStep:
    """One step: its goal, the tool that does it, and the steps that it waits for.

    `arguments` may hold references in place of values. `expected` describes the result, and
    `verify` how it is checked: empty accepts any answer of the tool, `not empty` one that holds
    something, anything else is a condition that a model judges. With `approve` a person is asked
    first, even if the tool's own rule would not ask.
    """

    id: str
    goal: str
    tool: str
    arguments: Json
    depends_on: tuple[str, ...] = ()
    expected: str = ""
    verify: str = ""
    approve: bool = False

    @property
    def references(self) -> list[Reference]:
        return list(references(self.arguments))

    @property
    def waits_for(self) -> frozenset[str]:
        """The steps whose outputs it needs, declared or referred to."""
        return frozenset(self.depends_on) | {reference.step for reference in self.references}

    def to_json(self) -> Json:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "PlanStep":
        return cls(**{**fields, "depends_on": tuple(fields.get("depends_on", ()))})


@frozen
class Plan:
    steps: tuple[PlanStep, ...]

    def to_json(self) -> list[Json]:
        return [step.to_json() for step in self.steps]

    @classmethod
    def from_json(cls, steps: Sequence[Mapping[str, Any]]) -> "Plan":
        return cls(tuple(PlanStep.from_json(step) for step in steps))


def is_reference(value: object) -> bool:
    return isinstance(value, dict) and set(value) in _REFERENCE_KEYS


def references(value: object) -> Iterator[Reference]:
    """Yield the references in arguments, however deep."""
    if isinstance(value, dict):
        if is_reference(value):
            yield Reference(str(value["$from"]), str(value.get("path", "")))
        else:
            for part in value.values():
                yield from references(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from references(part)
