"""The pace at which a growing text is shown, and what ends that."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from shared.actions.drafts import PACE, Pace, Sink
from shared.errors import ActionRejected, ActionUnavailable


@dataclass
class Screen:
    """Keeps what was shown and when, on a clock that the test moves."""

    now: float = 100.0
    remaining: float = 60.0
    shown: list[tuple[float, str]] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)

    def show(self, text: str) -> None:
        self.shown.append((self.now, text))
        if self.fails:
            raise self.fails.pop(0)

    def sink(self, pace: Pace = PACE) -> Callable[[str], None]:
        return Sink(self.show, lambda: self.remaining, pace, lambda: self.now)

    def stream(self, sink: Callable[[str], None], seconds: float, step: float = 0.1) -> None:
        """Call `sink` with a text that grows, for so many seconds."""
        for n in range(round(seconds / step)):
            sink("x" * (n + 1))
            self.now += step


def pauses(screen: Screen) -> list[float]:
    at = [moment for moment, _ in screen.shown]
    return [later - earlier for earlier, later in pairwise(at)]


def test_the_first_text_waits_for_a_few_words_only() -> None:
    screen = Screen()
    screen.stream(screen.sink(), 0.6)
    assert screen.shown == []
    screen.stream(screen.sink(), 1.0)
    [(moment, text)] = screen.shown
    assert 0.6 < moment - 100.6 < 0.9
    assert len(text) > 5


def test_each_pause_is_longer_than_the_last() -> None:
    screen = Screen()
    screen.stream(screen.sink(), 60)
    found = pauses(screen)
    assert min(found) >= 1.19
    assert found[0] < 1.4
    assert found[-1] > 3
    assert 15 < len(screen.shown) < 20


def test_a_blank_text_is_not_shown() -> None:
    screen = Screen()
    sink = screen.sink(Pace(0, 0, 1))
    for text in ("", " ", "\n"):
        sink(text)
    assert screen.shown == []


def test_a_rate_limit_is_kept_and_then_it_goes_on_more_slowly() -> None:
    screen = Screen(fails=[ActionUnavailable("slack: slow down", 7.0, sent=False)])
    screen.stream(screen.sink(Pace(0, 1.0, 1.0)), 12)
    found = pauses(screen)
    assert 7.0 <= found[0] < 7.2
    assert 2.0 <= found[1] < 2.2


@pytest.mark.parametrize(
    "err",
    [
        ActionUnavailable("slack: down", sent=True),
        ActionUnavailable("slack: down", 1.0, sent=True),
        ActionUnavailable("slack: away", sent=False),
        ActionRejected("slack: no"),
    ],
)
def test_any_other_failure_ends_the_draft_and_nothing_else(err: Exception) -> None:
    screen = Screen(fails=[err])
    screen.stream(screen.sink(), 20)
    assert len(screen.shown) == 1


def test_nothing_is_shown_when_the_function_has_little_time_left() -> None:
    screen = Screen(remaining=10)
    screen.stream(screen.sink(), 20)
    assert screen.shown == []
