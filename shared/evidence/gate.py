"""The gate of a growing answer: people see whole units only, and those with sources once checked,
so that nothing that was shown is ever taken back."""

from collections.abc import Callable
from typing import Protocol

from shared.evidence.answer import CheckedAnswer


class Showing(Protocol):
    """Shows a growing text, and says what is waited for."""

    def __call__(self, text: str) -> None: ...

    def waits(self, what: str) -> None: ...


class Gate:
    """Stands before what shows a growing answer, and lets through what `make` keeps of it."""

    def __init__(self, shows: Showing, make: Callable[[], CheckedAnswer]) -> None:
        self._shows = shows
        self._answer = make()

    def __call__(self, text: str) -> None:
        """Take the whole text so far."""
        before = self._answer.shown
        self._answer.take(text, ended=False)
        if (shown := self._answer.shown) != before:
            self._shows(shown)

    def waits(self, what: str) -> None:
        self._shows.waits(what)
