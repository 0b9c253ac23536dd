"""Measure what a choice costs in a run, beside a recorded step that decides nothing."""

import time
from collections.abc import Callable

from benchmarks.table import Findings, Spread, Table
from shared.choosing import Chances, PolicyInUse, bucket_of
from shared.database import Database
from shared.fakes.events import github_event
from shared.journal import Outcome, Run
from shared.learning.choices.desk import choose

#: Choices of each sample, and contexts that the policy knows.
_CHOICES, _CONTEXTS = 200, 300
_ARMS = (5, 3, 8)


def measure_choosing(rounds: int) -> Findings:
    """Choose among three arms with a policy that knows 300 contexts; without a round trip."""
    samples: dict[str, list[float]] = {}
    for _ in range(rounds):
        samples.setdefault("a choice", []).append(_milliseconds(_chosen))
        samples.setdefault("a step that decides nothing", []).append(_milliseconds(_stepped))
    rows = [[name, Spread.of(values).text(3)] for name, values in samples.items()]
    return Findings([Table("A choice in a run", ("what", "CPU ms"), rows)], samples)


def _run() -> Run:
    """A run that never writes: what it records waits for the next write."""
    event = github_event("issues.opened", title="Pay crashes")
    key = {"tenant": "acme", "run": "r1", "owner": "benchmark"}
    run = Run(
        Database("host=nowhere"),
        event,
        "triage",
        key,
        attempt=1,
        failures=0,
        pauses=0,
        steps=(),
        effects=(),
    )
    even = (0.2, 0.3, 0.5)
    buckets = {bucket_of({"repository": f"acme/shop-{n}"}): even for n in range(_CONTEXTS)}
    run.policies = {"related issues": PolicyInUse(1, Chances(_ARMS, even, buckets))}
    return run


def _chosen(run: Run, number: int) -> None:
    choose(run, "related issues", _ARMS, {"repository": f"acme/shop-{number % _CONTEXTS}"})


def _stepped(run: Run, number: int) -> None:
    run.step("nothing", {"number": number}, lambda: Outcome({"number": number}), defer=True)


def _milliseconds(work: Callable[[Run, int], None]) -> float:
    run = _run()
    began = time.process_time_ns()
    for number in range(_CHOICES):
        work(run, number)
    return (time.process_time_ns() - began) / 1e6 / _CHOICES
