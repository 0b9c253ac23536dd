"""The policy of one run: it may take the actions that `may=` names, so often, in the places of its
event, of its plans, or of the permission."""

import threading
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from shared.actions import Action, Permission, Query, Reading
from shared.actions.places import holds
from shared.errors import PolicyError
from shared.events import Event


class Places(NamedTuple):
    """Where a run acts and reads. `scope` is the event's place, which `other_names` name too, and
    `beyond` are those of its plans. A run that is `confined` goes into no other place of the
    platform of its event, whatever its flow names: that has an event of its own."""

    scope: str
    beyond: Collection[str] = ()
    other_names: Collection[str] = ()
    confined: bool = False

    def allow(self, places: Collection[str] | None, scope: str) -> bool:
        """Is the scope allowed to a permission of these places?"""
        here = {self.scope, *self.other_names}
        if places is None:
            return True
        if not places:
            return scope in here or scope in self.beyond
        if scope in here:
            return any(holds(places, one) for one in here)
        return holds(places, scope) and not (self.confined and self._is_beside(scope))

    def _is_beside(self, scope: str) -> bool:
        return scope.partition(":")[0] == self.scope.partition(":")[0]


class Policy:
    """Counts the actions of a run against its flow's permissions, each line of `may` by itself."""

    def __init__(
        self,
        may: Sequence[Permission],
        places: Places,
        readings: Sequence[Reading] = (),
        types: Collection[str] = (),
    ) -> None:
        """`types` are the event types that the flow takes."""
        self._may = tuple(may)
        self._types = types
        self._places = places
        self._readings = tuple(readings)
        self._used: Counter[Permission] = Counter()
        self._lock = threading.Lock()

    def spend(self, action: Action) -> None:
        """Count `action`; raises PolicyError when the flow may not do it, there, or that often."""
        kind = type(action).__name__
        line = self._line(action)
        if line is None:
            if not any(one.action is type(action) for one in self._may):
                raise PolicyError(f"{kind} is not in the flow's may=[…]; add it there")
            raise self._elsewhere(kind, action.target.scope)
        timers = [one for one in self._types if one.startswith("timer.")]
        if action.wakes is not None and action.wakes not in timers:
            known = ", ".join(timers) or "no timer.<name>"
            raise PolicyError(f"{kind} names no timer of the flow; @flow takes {known}")
        with self._lock:
            used = self._used[line] + action.weight
            if used > line.limit:
                raise PolicyError(f"{kind} may be used {line.limit} times in a run; this is {used}")
            self._used[line] = used

    def answer_to(self, event: Event) -> Action | None:
        """Return the action, still without its text, with which the flow may answer `event` in a
        way that people can watch grow; None if there is none."""
        for permission in self._may:
            action = permission.action.notice(event, "")
            if action and action.drafted("") and action.target.scope == self._places.scope:
                return action
        return None

    def has_room_for(self, action: Action) -> bool:
        """Could `action` be spent now?"""
        line = self._line(action)
        with self._lock:
            return line is not None and self._used[line] + action.weight <= line.limit

    def read(self, query: Query) -> None:
        """Allow `query`; raises PolicyError when it leaves the places of the run."""
        named = (one.places for one in self._readings if one.query is type(query))
        if not any(self._places.allow(places, query.scope) for places in ((), *named)):
            raise self._elsewhere(type(query).__name__, query.scope)

    def lend(self, name: str) -> None:
        """Allow a desk, by its name; raises PolicyError in a run that only reads."""

    def _line(self, action: Action) -> Permission | None:
        """Return the first line that allows the action at its target."""
        lines = (one for one in self._may if one.action is type(action))
        where = action.target.scope
        return next((one for one in lines if self._places.allow(one.places, where)), None)

    def _elsewhere(self, name: str, scope: str) -> PolicyError:
        place = self._places.scope or "nowhere"
        return PolicyError(f"{name} names {scope}, but the event came from {place}")


class ReadingPolicy(Policy):
    """The policy of a run that only reads, whatever its flow may do."""

    def __init__(self, places: Places, readings: Sequence[Reading] = ()) -> None:
        super().__init__((), places, readings)

    def spend(self, action: Action) -> None:
        raise _only_reads(f"take the action {type(action).__name__}")

    def lend(self, name: str) -> None:
        raise _only_reads(f"use {name}")


def _only_reads(wish: str) -> PolicyError:
    return PolicyError(
        f"a part of a plan that only reads wanted to {wish}; declare a tool with @writes for it"
    )
