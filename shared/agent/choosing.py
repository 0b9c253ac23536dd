"""Chooses among arms by the policy in use, and records the choice with its probability."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from shared.canonical import canonical
from shared.choosing import Arm, Context, checked, drawn
from shared.journal import Outcome, Run

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def choose(run: Run, name: str, arms: Sequence[Arm], context: Context = _NOTHING) -> int:
    """Choose one of the arms, and return its place: the first where there is no policy. It makes no
    round trip: the claim has told the policy, and the record travels with the next write. A retry
    chooses the same.

    Raises ValueError without arms, or for a context with long texts.
    """
    if not arms:
        raise ValueError(f"the choice {name!r} has no arms")
    checked(context)
    arms, policy = [*arms], run.policies.get(name)
    about = {"name": name, "arms": arms, "context": dict(context)}
    content = canonical(about)
    times, run.choices[content] = run.choices[content], run.choices[content] + 1

    def work() -> Outcome:
        chances = policy.chances.of(context, arms) if policy else (1.0, *(0.0 for _ in arms[1:]))
        place = drawn(chances, f"{run.id} {times} {content}")
        version = policy.version if policy else 0
        return recorded(name, arms, place, chances, context=context, version=version)

    place: int = run.step("choice", about, work, defer=True)["place"]
    return place


def recorded(
    name: str,
    arms: Sequence[Arm],
    place: int,
    chances: Sequence[float],
    *,
    context: Context = _NOTHING,
    version: int = 0,
) -> Outcome:
    """Return the outcome of a step that chose the arm at `place` with these chances."""
    choice = {
        "name": name,
        "chosen": arms[place],
        "options": [*arms],
        "probability": chances[place],
        "chances": [*chances],
        "context": dict(context),
        "version": version,
    }
    return Outcome({"chosen": arms[place], "place": place}, choice=choice)
