"""Starts the migrations where nobody runs them, and shows how far they are until they end."""

import time
import uuid
from collections.abc import Callable
from typing import NamedTuple

from infra.migrations.progress import Progress
from shared.errors import DatabaseUnavailable, SettingsError

#: Seconds between two looks: at first short, as most migrations end at once.
_PAUSES = (0.2, 0.3, 0.5, 1.0, 2.0)
#: An attempt that has not begun by then never will: a cold start, and a database that wakes.
_BEGINS = 180.0
#: So many attempts in a row may die, or run out of time, without getting on.
_IDLE_ATTEMPTS = 4
#: Seconds after which the same is said again.
_AGAIN = 15.0


class Watched(NamedTuple):
    """What was applied and made meanwhile, by whomever, and what waits for a later deployment."""

    applied: list[str]
    logins: list[str]
    held: list[str]


def watch(
    start: Callable[[str], None],
    look: Callable[[str], Progress],
    say: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> Watched:
    """Watch until all is applied. `start` begins an attempt with an id, and does not wait for it.

    An attempt that runs already, perhaps of somebody else, is joined. One that ended before all was
    applied, as its time was up or its process died, is followed by another. Raises SettingsError
    when one failed, DatabaseUnavailable when they do not get on.
    """
    watching = _Watching(start, say)
    while True:
        now = look(watching.id)
        watching.see(now)
        if watching.is_over(now):
            return Watched(watching.applied, watching.logins, list(now.held))
        if not now.running:
            watching.go_on(now)
        pause(watching.next_pause())


class _Watching:
    def __init__(self, start: Callable[[str], None], say: Callable[[str], None]) -> None:
        self._start, self._say = start, say
        self.id = ""
        self.applied: list[str] = []
        self.logins: list[str] = []
        self._remaining: list[str] | None = None
        self._left: int | None = None
        self._idle = 0
        self._pauses = 0
        self._waited = 0.0
        self._said, self._silent = "", 0.0

    def next_pause(self) -> float:
        seconds = _PAUSES[min(self._pauses, len(_PAUSES) - 1)]
        self._pauses += 1
        self._waited += seconds
        self._silent += seconds
        return seconds

    def see(self, now: Progress) -> None:
        """Note what was applied since, and say what is new."""
        for title in self._remaining or ():
            if title not in now.remaining:
                self.applied.append(title)
                self._say(f"applied {title}")
        self._remaining = list(now.remaining)
        if self.id:
            self.logins += [login for login in now.logins if login not in self.logins]
        what = now.doing.partition(", building")[0] + now.waits
        if now.running and (what != self._said or self._silent > _AGAIN):
            self._said, self._silent = what, 0.0
            if now.seconds >= 1 or now.waits:
                self._say(now.line)

    def is_over(self, now: Progress) -> bool:
        """Is all applied, by an attempt of ours? Raises SettingsError when that failed."""
        ours = bool(self.id) and now.ended
        if ours and now.failed and not now.running:
            raise SettingsError(now.failed)
        return ours and not now.failed and not now.running and not now.remaining

    def go_on(self, now: Progress) -> None:
        """Start an attempt, unless ours is about to begin."""
        begun = now.ended or now.died
        if self.id and not begun and self._waited < _BEGINS:
            return
        left = len(now.remaining)
        self._idle = 0 if self._left is not None and left < self._left else self._idle + 1
        if self._idle > _IDLE_ATTEMPTS:
            raise DatabaseUnavailable(
                f"{_IDLE_ATTEMPTS} attempts to migrate ended without getting on; look at their log"
            )
        self._left = left
        self.id, self._waited, self._pauses = uuid.uuid4().hex, 0.0, 0
        self._start(self.id)
