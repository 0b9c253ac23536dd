"""The ceiling of a bench."""

import threading

import pytest

from infra.bench.budget import Budget
from shared.errors import SettingsError


def test_the_ceiling_holds_under_many_threads() -> None:
    budget, spent, lock = Budget(1.0), 0, threading.Lock()

    def work() -> None:
        nonlocal spent
        while budget.admit():
            with lock:
                spent += 3
            budget.settle(0.03, "openai:x")

    crew = [threading.Thread(target=work) for _ in range(16)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    assert budget.is_reached
    assert spent == 99


def test_what_was_spent_before_counts() -> None:
    assert not Budget(1.0, spent=1.0).admit()
    assert Budget(1.0, spent=0.99).admit()


def test_calls_that_cost_nothing_never_reach_it() -> None:
    budget = Budget(1.0)
    for _ in range(1000):
        assert budget.admit()
        budget.settle(0.0, "offline")


def test_a_call_of_unknown_price_ends_it() -> None:
    budget = Budget(1.0)
    assert budget.admit()
    with pytest.raises(SettingsError, match="MODEL_PRICES"):
        budget.settle(None, "ollama:x")
    assert not budget.admit()


def test_without_a_ceiling_prices_do_not_matter() -> None:
    budget = Budget(None)
    assert budget.admit()
    budget.settle(None, "ollama:x")
    assert budget.admit()
