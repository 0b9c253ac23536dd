"""Who watches starts an attempt where none runs, joins one that does, and gives up in the end."""

from collections.abc import Iterator

import pytest

from infra.migrations.progress import Progress
from infra.migrations.watching import watch
from shared.errors import DatabaseUnavailable, SettingsError

IDLE = Progress(remaining=["0001_a", "0002_b"])
BUSY = IDLE._replace(running=True, doing="0001_a", seconds=2)
DONE = Progress(begun=True, ended=True, logins=["me"])


class Watching:
    """Watches what is seen in this order, the last for ever."""

    def __init__(self, *seen: Progress) -> None:
        self._seen: Iterator[Progress] = iter(seen)
        self._last = IDLE
        self.started: list[str] = []
        self.said: list[str] = []
        self.waited = 0.0

    def _look(self, id: str) -> Progress:
        self._last = next(self._seen, self._last)
        return self._last

    def _pause(self, seconds: float) -> None:
        self.waited += seconds

    def run(self) -> tuple[list[str], list[str], list[str]]:
        return watch(self.started.append, self._look, self.said.append, self._pause)


def test_it_starts_one_attempt_and_tells_what_came_of_it() -> None:
    half = BUSY._replace(remaining=["0002_b"], doing="0002_b", begun=True)
    watching = Watching(IDLE, IDLE, BUSY, BUSY, half, DONE)
    assert watching.run() == (["0001_a", "0002_b"], ["me"], [])
    assert len(watching.started) == 1
    assert watching.said == [
        "0001_a: 2 s; 2 to come",
        "applied 0001_a",
        "0002_b: 2 s; 1 to come",
        "applied 0002_b",
    ]


def test_it_joins_an_attempt_and_then_looks_itself() -> None:
    watching = Watching(BUSY, BUSY, DONE)
    assert watching.run()[0] == ["0001_a", "0002_b"]
    assert len(watching.started) == 1


def test_an_attempt_without_time_or_without_life_is_followed_by_another() -> None:
    late = Progress(remaining=["0002_b"], begun=True, ended=True)
    dead = Progress(remaining=["0002_b"], begun=True, died=True)
    watching = Watching(IDLE, late, dead, DONE)
    assert watching.run()[0] == ["0001_a", "0002_b"]
    assert len({*watching.started}) == 3


@pytest.mark.parametrize(
    "end", [IDLE._replace(begun=True, died=True), IDLE._replace(begun=True, ended=True)]
)
def test_attempts_that_do_not_get_on_are_given_up(end: Progress) -> None:
    watching = Watching(end)
    with pytest.raises(DatabaseUnavailable, match="4 attempts to migrate ended without getting on"):
        watching.run()
    assert len(watching.started) == 4


def test_an_attempt_that_never_begins_is_waited_for_before_the_next() -> None:
    watching = Watching(IDLE)
    with pytest.raises(DatabaseUnavailable):
        watching.run()
    assert len(watching.started) == 4
    assert watching.waited >= 4 * 180


def test_one_that_failed_is_told_with_its_reason_and_not_tried_again() -> None:
    watching = Watching(IDLE, IDLE._replace(begun=True, ended=True, failed="0001_a: no"))
    with pytest.raises(SettingsError, match="0001_a: no"):
        watching.run()
    assert len(watching.started) == 1


def test_a_failure_of_somebody_before_does_not_stop_it() -> None:
    failed = IDLE._replace(begun=True, ended=True, failed="0001_a: no")
    assert Watching(failed, BUSY, DONE).run()[0] == ["0001_a", "0002_b"]


def test_what_lasts_is_said_again_now_and_then() -> None:
    watching = Watching(IDLE, *[BUSY] * 40, DONE)
    watching.run()
    assert 3 <= sum(line.startswith("0001_a: ") for line in watching.said) <= 8


def test_what_waits_for_a_later_deployment_is_handed_on() -> None:
    assert Watching(IDLE, DONE._replace(held=["0003_c"])).run()[2] == ["0003_c"]
