"""The policy of one run: it may take the actions that `may=` names, so often, in the places of its
event, of its plans, or of the permission."""

import threading
from collections import Counter
from collections.abc import Collection, Sequence

from shared.actions import Action, Permission, Query
from shared.errors import PolicyError
from shared.events import Event


class Policy:
    """Counts the actions of a run against its flow's permissions. `scope` is the event's place;
    the run may also read and act in those of `beyond`."""

    def __init__(self, may: Sequence[Permission], scope: str, beyond: Collection[str] = ()) -> None:
        self._limits = {permission.action: permission.limit for permission in may}
        self._places = {permission.action: permission.places for permission in may}
        self._scope = scope
        self._scopes = {scope, *beyond}
        self._used: Counter[type[Action]] = Counter()
        self._lock = threading.Lock()

    def spend(self, action: Action) -> None:
        """Count `action`; raises PolicyError when the flow may not do it, there, or that often."""
        kind = type(action)
        limit = self._limits.get(kind)
        if limit is None:
            raise PolicyError(f"{kind.__name__} is not in the flow's may=[…]; add it there")
        places = self._places[kind]
        if places is not None and action.target.scope not in places:
            self.confine(kind.__name__, action.target.scope)
        with self._lock:
            used = self._used[kind] + action.weight
            if used > limit:
                raise PolicyError(
                    f"{kind.__name__} may be used {limit} times in a run; this is {used}"
                )
            self._used[kind] = used

    def answer_to(self, event: Event) -> Action | None:
        """Return the action, still without its text, with which the flow may answer `event` in a
        way that people can watch grow; None if there is none."""
        for kind in self._limits:
            action = kind.notice(event, "")
            if action and action.drafted("") and action.target.scope == self._scope:
                return action
        return None

    def has_room_for(self, action: Action) -> bool:
        """Could `action` be spent now?"""
        kind = type(action)
        with self._lock:
            return self._used[kind] + action.weight <= self._limits.get(kind, 0)

    def read(self, query: Query) -> None:
        """Allow `query`; raises PolicyError when it leaves the places of the run."""
        self.confine(type(query).__name__, query.scope)

    def lend(self, name: str) -> None:
        """Allow a desk, by its name; raises PolicyError in a run that only reads."""

    def confine(self, name: str, scope: str) -> None:
        if scope not in self._scopes:
            raise PolicyError(
                f"{name} names {scope}, but the event came from {self._scope or 'nowhere'}"
            )


class ReadingPolicy(Policy):
    """The policy of a run that only reads, whatever its flow may do."""

    def __init__(self, scope: str, beyond: Collection[str] = ()) -> None:
        super().__init__((), scope, beyond)

    def spend(self, action: Action) -> None:
        raise _only_reads(f"take the action {type(action).__name__}")

    def lend(self, name: str) -> None:
        raise _only_reads(f"use {name}")


def _only_reads(wish: str) -> PolicyError:
    return PolicyError(
        f"a part of a plan that only reads wanted to {wish}; declare a tool with @writes for it"
    )
