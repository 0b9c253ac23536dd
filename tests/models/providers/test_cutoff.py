"""What takes too long is stopped, by one thread for all."""

import threading
import time
from functools import partial

import pytest

from shared.models.providers.cutoff import Cutoff
from tests.waiting import wait_for


@pytest.fixture
def cutoff() -> Cutoff:
    return Cutoff()


def test_a_block_that_takes_too_long_is_stopped_once(cutoff: Cutoff) -> None:
    stops: list[float] = []
    began = time.monotonic()
    with cutoff.after(0.1, lambda: stops.append(time.monotonic() - began)):
        wait_for(lambda: stops)
        time.sleep(0.2)
    [stopped] = stops
    assert stopped >= 0.1


def test_an_earlier_moment_is_kept_though_a_later_one_is_waited_for(cutoff: Cutoff) -> None:
    stopped = threading.Event()
    with cutoff.after(60, stopped.set):
        time.sleep(0.05)
        with cutoff.after(0.05, stopped.set):
            assert stopped.wait(5)


def test_a_block_that_has_ended_is_never_stopped(cutoff: Cutoff) -> None:
    stopped, late = list[int](), 0
    for number in range(50):
        began = time.monotonic()
        with cutoff.after(0.05, partial(stopped.append, number)):
            pass
        late += time.monotonic() - began >= 0.05  # on a busy machine
    time.sleep(0.2)
    assert len(stopped) <= late


def test_what_is_over_holds_no_memory(cutoff: Cutoff) -> None:
    for _ in range(5000):
        with cutoff.after(60, lambda: None):
            pass
    assert len(cutoff._alarms) < 600


def test_all_blocks_share_one_thread(cutoff: Cutoff) -> None:
    before = threading.active_count()
    with cutoff.after(60, lambda: None), cutoff.after(50, lambda: None):
        assert threading.active_count() == before + 1
