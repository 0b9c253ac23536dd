"""Chances: how probable each arm of a choice is in a context, and which one a draw gives.

What learns writes them into a version of a policy; a run only looks them up and draws. The context
is a few words and numbers of the author's: `{"category": "bug"}`. It is never a person's text.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Self

from shared.canonical import canonical
from shared.events import Json

Arm = str | int | float | bool
Context = Mapping[str, str | int | float | bool]

#: Keys of a context, and characters of each word in it.
_KEYS, _WORD = 8, 100


class Experience(NamedTuple):
    """An arm that was taken, the reward that followed, and the situation after it with its arms;
    none at the end."""

    context: Context
    arm: Arm
    reward: float
    after: Context | None = None
    arms: Sequence[Arm] = ()


class Chances(NamedTuple):
    """The probability of each of `arms`: in the contexts of `buckets`, and in all others."""

    arms: tuple[Arm, ...]
    otherwise: tuple[float, ...]
    buckets: Mapping[str, tuple[float, ...]] = {}

    @classmethod
    def of_json(cls, found: Json) -> Self:
        """Read what `to_json` wrote."""
        buckets = {bucket: tuple(row) for bucket, row in found["buckets"].items()}
        return cls(tuple(found["arms"]), tuple(found["otherwise"]), buckets)

    def to_json(self) -> Json:
        """Write it as plain JSON."""
        return {"arms": [*self.arms], "otherwise": [*self.otherwise], "buckets": {**self.buckets}}

    def of(self, context: Context, offered: Sequence[Arm]) -> tuple[float, ...]:
        """Return the probability of each offered arm, together 1. An arm that it does not know has
        none; where it knows none of them, the first has all."""
        row = self.buckets.get(bucket_of(context), self.otherwise)
        known = {named(arm): chance for arm, chance in zip(self.arms, row, strict=True)}
        found = [known.get(named(arm), 0.0) for arm in offered]
        total = sum(found)
        if total <= 0:
            return (1.0, *(0.0 for _ in offered[1:]))
        return tuple(chance / total for chance in found)


class PolicyInUse(NamedTuple):
    """The version of a policy by which a run chooses, and its chances."""

    version: int
    chances: Chances


class KnownPolicies:
    """The policies that a process knows, so that a claim need not bring them again. Threads may
    share it."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], dict[str, Chances]] = {}

    def versions(self, tenant: str, flow: str) -> Mapping[str, Chances]:
        """Return the chances that are known now, by the names of their versions."""
        return self._known.get((tenant, flow), {})

    def told(
        self,
        tenant: str,
        flow: str,
        said: Mapping[str, tuple[int, Any]],
        known: Mapping[str, Chances],
    ) -> Mapping[str, PolicyInUse]:
        """Return the policies in use by the name of their choice: `said` has the number of each
        version, and the chances of those that were not `known` when it was asked for."""
        now = {
            choice: known[f"{choice} {number}"] if chances is None else Chances.of_json(chances)
            for choice, (number, chances) in said.items()
        }
        if said or known:
            self._known[tenant, flow] = {f"{one} {said[one][0]}": now[one] for one in said}
        return {choice: PolicyInUse(said[choice][0], found) for choice, found in now.items()}


@lru_cache(maxsize=1_000, typed=True)
def named(arm: Arm) -> str:
    """Return the text by which an arm is known: 1 and True are two, 1 and 1.0 are one."""
    whole = isinstance(arm, float) and arm.is_integer()
    return canonical(int(arm) if whole else arm)


def bucket_of(context: Context) -> str:
    """Return the name of a context."""
    return canonical(dict(context))


def checked(context: Context) -> None:
    """Raise ValueError for a context that holds more than a few words and numbers."""
    if len(context) > _KEYS or any(len(str(value)) > _WORD for value in context.values()):
        raise ValueError(
            f"a context has at most {_KEYS} keys, with words of at most {_WORD} characters: name"
            " kinds, and no texts"
        )


def drawn(chances: Sequence[float], seed: str) -> int:
    """Draw a place with just these probabilities. The same seed, such as the id of a run, draws the
    same, so a retry does; over many seeds the draws are uniform."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    left = number / 2**64
    last = 0
    for place, chance in enumerate(chances):
        if chance <= 0:
            continue
        last = place
        left -= chance
        if left < 0:
            return place
    return last


def recorded(
    name: str,
    arms: Sequence[Arm],
    place: int,
    chances: Sequence[float],
    *,
    context: Context | None = None,
    version: int = 0,
) -> Json:
    """Return the record of a choice: the arm at `place`, with these chances."""
    return {
        "name": name,
        "chosen": arms[place],
        "options": [*arms],
        "probability": chances[place],
        "chances": [*chances],
        "context": dict(context or {}),
        "version": version,
    }
