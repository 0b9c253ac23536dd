"""The limiter's control, simulated: what it does to a server, on a clock of its own."""

import math
import random
from collections import Counter
from itertools import pairwise

import pytest

from shared.models.guards.congestion import Congestion
from tests.campaigns import size
from tests.models.simulated_server import Simulation

#: Jobs enough for any simulated time.
ENDLESS = 300_000


@pytest.fixture(autouse=True)
def same_chance() -> None:
    random.seed(7)


def _latency(low: float = 0.049, high: float = 0.055) -> float:
    return random.uniform(low, high)


def _simulated(capacity: int, retry_after: float | None = None) -> Simulation:
    return Simulation(
        Congestion(), lambda now: capacity, lambda now: _latency(), retry_after=retry_after
    )


@pytest.mark.parametrize("capacity", [20, 30, 32, 35, 40])
def test_a_cold_start_is_near_the_ideal_and_refused_seldom(capacity: int) -> None:
    server = _simulated(capacity)
    server.run(400)
    assert sorted(number for _, number in server.done) == list(range(400)), "none lost"
    assert server.now <= 1.15 * 400 / capacity * 0.052
    assert server.share_refused() <= 0.03


@pytest.mark.parametrize("capacity", [1, 2, 4, 8, 32, 100, 200])
def test_in_the_long_run_nearly_all_is_used_and_few_are_refused(capacity: int) -> None:
    server = _simulated(capacity)
    end = size(60, 20)
    server.run(ENDLESS, until=end)
    assert server.throughput(10, end) >= capacity / 0.052 / 1.15
    assert server.share_refused(since=10) <= 0.03


def test_it_grows_to_its_ceiling_where_nothing_is_refused() -> None:
    server = Simulation(Congestion(start=4, ceiling=50), lambda now: 1000)
    server.run(2000)
    assert server.congestion.limit == 50
    assert server.refused == []


def test_less_capacity_is_found_at_once_and_more_within_seconds() -> None:
    def capacity(now: float) -> int:
        return 8 if 10 <= now < 20 else 32

    server = Simulation(Congestion(), capacity, lambda now: _latency())
    server.run(ENDLESS, until=40)
    assert server.throughput(10.5, 20) >= 8 / 0.052 / 1.15
    assert server.throughput(23, 40) >= 32 / 0.052 / 1.15
    assert sum(10 <= at < 10.5 for at in server.refused) <= 12
    assert server.share_refused() <= 0.03


def test_answers_that_take_ten_times_as_long_do_not_change_how_many_are_in_flight() -> None:
    def latency(now: float) -> float:
        return _latency(0.4, 0.6) if 10 <= now < 30 else _latency()

    server = Simulation(Congestion(), lambda now: 32, latency)
    server.run(ENDLESS, until=50)
    assert server.throughput(12, 30) >= 32 / 0.5 / 1.15
    assert server.throughput(32, 50) >= 32 / 0.052 / 1.15
    assert server.share_refused() <= 0.03


def test_a_server_that_takes_nothing_is_left_alone_and_then_used_again() -> None:
    def capacity(now: float) -> int:
        return 0 if 10 <= now < 30 else 32

    server = Simulation(Congestion(), capacity, lambda now: _latency())
    server.run(ENDLESS, until=50)
    assert sum(11 <= at < 30 for at in server.refused) <= 20
    assert server.throughput(37, 50) >= 32 / 0.052 / 1.15


def test_nobody_begins_before_the_server_wants_to_be_called() -> None:
    server = _simulated(32, retry_after=2.0)
    server.run(2000)
    assert server.refused
    for refused in server.refused:
        assert not [at for at, _ in server.begun if refused < at < refused + 2]


def test_those_who_waited_do_not_begin_all_at_once() -> None:
    server = _simulated(32, retry_after=2.0)
    server.run(400)
    again = min(at for at, _ in server.begun if at > server.refused[0])
    assert sum(at < again + 0.04 for at, _ in server.begun if at >= again) <= 2
    within = [at for at, _ in server.begun if again <= at < again + 0.5]
    assert len(within) > 32, "it is soon back where it was"


def test_where_a_refusal_costs_seconds_another_is_seldom_risked() -> None:
    server = _simulated(32, retry_after=1.0)
    server.run(ENDLESS, until=60)
    assert server.throughput(0, 60) >= 32 / 0.052 / 1.15


def test_calls_are_begun_in_order_and_nobody_starves() -> None:
    server = _simulated(32)
    server.run(3000)
    assert list(dict.fromkeys(number for _, number in server.begun)) == list(range(3000))
    tries = Counter(number for _, number in server.begun)
    assert max(tries.values()) <= 2


def test_calls_that_could_begin_at_once_are_spread_over_half_the_time_of_an_answer() -> None:
    congestion = Congestion(start=10)
    congestion.succeeded(congestion.begin(0.0), 1.0)
    congestion.begin(2.0)
    assert congestion.ready_at(2.0) == pytest.approx(2.05)
    congestion.begin(2.05)
    assert congestion.ready_at(3.0) == 3.0


def test_one_burst_of_refusals_is_one_cut() -> None:
    congestion = Congestion(start=40)
    calls = [congestion.begin(0.0) for _ in range(40)]
    for call in calls[32:]:
        congestion.refused(call, 0.01)
    assert congestion.in_flight == 32
    assert congestion.limit == 30


def test_a_limit_that_is_not_in_use_does_not_grow() -> None:
    congestion = Congestion(start=8)
    for second in range(100):
        call = congestion.begin(float(second))
        congestion.succeeded(call, second + 0.5)
    now = 150.0
    for _ in range(8):
        now = congestion.ready_at(now)
        congestion.begin(now)
    assert now < 150.5
    assert congestion.ready_at(now) == math.inf


def test_neutral_ends_change_nothing() -> None:
    congestion = Congestion(start=2)
    for second in range(100):
        calls = [congestion.begin(float(second)) for _ in range(2)]
        assert congestion.ready_at(float(second)) == math.inf
        for _ in calls:
            congestion.ended(float(second))
    assert (congestion.limit, congestion.in_flight) == (2, 0)


def test_after_a_long_silence_the_limit_is_learnt_anew() -> None:
    server = _simulated(200)
    server.run(4000)
    grown = server.congestion.limit
    server.congestion.begin(server.now + 61)
    assert server.congestion.limit == 32 < grown


def test_growth_is_spread_over_the_time_of_an_answer() -> None:
    server = Simulation(Congestion(start=16), lambda now: 1000)
    server.run(200)
    new = [at for at, _ in server.begun if 0.05 <= at < 0.1]
    gaps = [later - earlier for earlier, later in pairwise(new[17:])]
    assert min(gaps) > 0.0005
