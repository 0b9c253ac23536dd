"""The circuit breaker: when it opens, whom it lets through, and what closes it."""

import threading

import pytest

from shared.errors import ModelRejected, ModelUnavailable
from shared.models.guards.circuit_breaker import CircuitBreaker


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker("openai:x", failures=3, clock=clock)


def fails(breaker: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(ModelUnavailable, match="broke"), breaker.guard():
            raise ModelUnavailable("broke")


def test_it_opens_after_so_many_failures_in_a_row(breaker: CircuitBreaker, clock: Clock) -> None:
    fails(breaker, 2)
    with breaker.guard():
        pass
    fails(breaker, 3)
    clock.now += 0.25
    with pytest.raises(ModelUnavailable, match=r"openai:x: not called.* 3 calls") as caught:
        breaker.guard().__enter__()
    assert caught.value.retry_after is not None
    assert 0.25 <= caught.value.retry_after <= 0.75
    assert not caught.value.overloaded


@pytest.mark.parametrize(
    "answer", [ModelUnavailable("busy", overloaded=True), ModelRejected("bad key")]
)
def test_a_server_that_says_no_is_there(breaker: CircuitBreaker, answer: Exception) -> None:
    for _ in range(9):
        with pytest.raises(type(answer)), breaker.guard():
            raise answer
    fails(breaker, 2)
    with pytest.raises(type(answer)), breaker.guard():
        raise answer
    fails(breaker, 2)
    with breaker.guard():
        pass


def test_after_a_pause_one_caller_tries_it(breaker: CircuitBreaker, clock: Clock) -> None:
    fails(breaker, 3)
    clock.now += 1.0
    with breaker.guard(), pytest.raises(ModelUnavailable, match="not called"):
        breaker.guard().__enter__()
    with breaker.guard(), breaker.guard():
        pass


def test_pauses_grow_until_it_answers(breaker: CircuitBreaker, clock: Clock) -> None:
    fails(breaker, 3)
    for pause in (1, 2, 4, 8, 16, 32, 60, 60):
        clock.now += pause / 2 - 0.01
        with pytest.raises(ModelUnavailable, match="not called"):
            breaker.guard().__enter__()
        clock.now += pause / 2 + 0.01
        fails(breaker)
    clock.now += 60
    with breaker.guard():
        pass
    fails(breaker, 3)
    clock.now += 1
    with breaker.guard():
        pass


def test_failures_that_were_under_way_do_not_lengthen_the_pause(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    begun = [breaker.guard() for _ in range(9)]
    for call in begun:
        call.__enter__()
    for call in begun:
        call.__exit__(ModelUnavailable, ModelUnavailable("broke"), None)
    clock.now += 1.0
    with breaker.guard():
        pass


def test_a_success_that_was_under_way_closes_it(breaker: CircuitBreaker) -> None:
    slow = breaker.guard()
    slow.__enter__()
    fails(breaker, 3)
    slow.__exit__(None, None, None)
    with breaker.guard():
        pass


def test_a_probe_that_ends_in_another_way_leaves_the_door_to_the_next(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    fails(breaker, 3)
    clock.now += 1.0
    with pytest.raises(KeyboardInterrupt), breaker.guard():
        raise KeyboardInterrupt
    with breaker.guard():
        pass


def test_many_threads_make_one_probe(breaker: CircuitBreaker, clock: Clock) -> None:
    fails(breaker, 3)
    clock.now += 1.0
    refused = threading.Semaphore(0)
    all_others_refused = threading.Event()
    through = []

    def call() -> None:
        try:
            with breaker.guard():
                through.append(1)
                assert all_others_refused.wait(5)
        except ModelUnavailable:
            refused.release()

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for _ in range(19):
        assert refused.acquire(timeout=5)
    all_others_refused.set()
    for thread in threads:
        thread.join()
    assert len(through) == 1
