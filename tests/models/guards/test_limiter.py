"""Turns at a model: real threads that wait for them."""

import threading
import time
from collections.abc import Callable

import pytest

from shared.errors import ModelRejected, ModelUnavailable
from shared.models.deadline import Deadline
from shared.models.guards.limiter import Limiter
from tests.waiting import wait_for

BUSY = ModelUnavailable("busy", overloaded=True)


def _thread(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call)
    thread.start()
    return thread


class Crowd:
    """Threads that take a turn in the order they were made, and hold it until they are told."""

    def __init__(self, limiter: Limiter) -> None:
        self.begun: list[int] = []
        self.failed: list[ModelUnavailable] = []
        self.over = threading.Event()
        self._limiter = limiter
        self._threads: list[threading.Thread] = []

    def add(self, number: int, seconds: float = 30.0) -> None:
        self._threads.append(_thread(lambda: self._call(number, seconds)))
        waiting = len(self._threads)
        wait_for(lambda: self._seen() >= waiting)

    def end(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _seen(self) -> int:
        return len(self.begun) + len(self.failed) + len(self._limiter._waiting)

    def _call(self, number: int, seconds: float) -> None:
        try:
            with self._limiter.turn(Deadline(seconds)):
                self.begun.append(number)
                self.over.wait(10)
        except ModelUnavailable as err:
            self.failed.append(err)


def test_no_more_are_in_flight_than_the_limit() -> None:
    limiter = Limiter(start=2, ceiling=2)
    crowd = Crowd(limiter)
    for number in range(30):
        crowd.add(number)
    assert crowd.begun == [0, 1]
    crowd.end()
    assert sorted(crowd.begun) == list(range(30))


def test_one_at_a_time_is_strictly_first_come_first_served() -> None:
    limiter = Limiter(start=1, ceiling=1)
    crowd = Crowd(limiter)
    for number in range(40):
        crowd.add(number)
    crowd.end()
    assert crowd.begun == list(range(40))


def test_who_waits_too_long_is_told_so_and_leaves_the_line() -> None:
    limiter = Limiter(name="openai:x", start=1, ceiling=1)
    with limiter.turn(Deadline(1)):
        with pytest.raises(ModelUnavailable, match="no turn within 0") as late:
            limiter.begin(Deadline(0.1))
        assert str(late.value).startswith("openai:x: no turn within 0.1 s, 1 of at most 1")
        assert late.value.overloaded
        assert not limiter._waiting
    with limiter.turn(Deadline(1)):
        pass


@pytest.mark.parametrize(
    "err", [ModelUnavailable("broke"), ModelRejected("bad key"), KeyboardInterrupt()]
)
def test_other_failures_give_the_turn_back_and_cut_nothing(err: BaseException) -> None:
    limiter = Limiter(start=2)
    for _ in range(5):
        with pytest.raises(type(err)), limiter.turn(Deadline(1)):
            raise err
    assert limiter.limit == 2
    with limiter.turn(Deadline(1)), limiter.turn(Deadline(1)):
        pass


def test_an_overload_cuts_the_limit() -> None:
    limiter = Limiter(start=10)
    turns = [limiter.begin(Deadline(1)) for _ in range(10)]
    limiter.end(turns.pop(), BUSY)
    assert limiter.limit == 8


def test_nobody_begins_before_the_server_wants_to_be_called() -> None:
    limiter = Limiter(start=4)
    began: list[float] = []

    def call() -> None:
        with limiter.turn(Deadline(10)):
            began.append(time.monotonic())

    with pytest.raises(ModelUnavailable), limiter.turn(Deadline(1)):
        raise ModelUnavailable("busy", 0.3, overloaded=True)
    closed = time.monotonic()
    threads = [_thread(call) for _ in range(20)]
    for thread in threads:
        thread.join(10)
    assert len(began) == 20
    assert min(began) >= closed + 0.29


def test_who_cannot_wait_for_that_is_sent_away_at_once() -> None:
    limiter = Limiter(start=1, ceiling=1)
    crowd = Crowd(limiter)
    call = limiter.begin(Deadline(1))
    crowd.add(1, seconds=5)
    crowd.add(2, seconds=500)
    limiter.end(call, ModelUnavailable("busy", 60.0, overloaded=True))
    wait_for(lambda: crowd.failed)
    assert len(limiter._waiting) == 1
    [err] = crowd.failed
    assert err.retry_after is not None
    assert 59 < err.retry_after <= 61
    with pytest.raises(ModelUnavailable, match="takes no calls for 6"):
        limiter.begin(Deadline(5))
    [waiter] = limiter._waiting
    with limiter._lock:
        waiter.hopeless = True
        waiter.wake()
        limiter._waiting.clear()
    crowd.end()


def test_hundreds_of_threads_all_get_their_turn() -> None:
    limiter = Limiter(start=8)
    lock = threading.Lock()
    counts = {"now": 0, "done": 0, "refused": 0}

    def call() -> None:
        while True:
            try:
                with limiter.turn(Deadline(30)):
                    _held(lock, counts)
            except ModelUnavailable:
                continue
            return

    threads = [_thread(call) for _ in range(300)]
    for thread in threads:
        thread.join(30)
    assert counts["done"] == 300
    assert counts["refused"] > 0
    assert not limiter._waiting
    assert limiter._congestion.in_flight == 0


def _held(lock: threading.Lock, counts: dict[str, int]) -> None:
    """A server that holds 20."""
    with lock:
        if counts["now"] >= 20:
            counts["refused"] += 1
            raise BUSY
        counts["now"] += 1
    time.sleep(0.02)
    with lock:
        counts["now"] -= 1
        counts["done"] += 1


def test_who_waits_does_not_look_all_the_time() -> None:
    looks = 0

    def clock() -> float:
        nonlocal looks
        looks += 1
        return time.monotonic()

    limiter = Limiter(start=1, ceiling=1, clock=clock)
    crowd = Crowd(limiter)
    for number in range(20):
        crowd.add(number)
    before = looks
    time.sleep(0.3)
    assert looks == before
    crowd.end()
    assert looks - before < 20 * 8
