"""What can be measured, by name, and the bundles, servers and files that it shares."""

import argparse
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from benchmarks.bench_memory import measure_bench_memory
from benchmarks.budgets import measure_budgets
from benchmarks.bundles import Bundles, measure_sizes
from benchmarks.calls import measure_calls, measure_calls_cpu
from benchmarks.choosing import measure_choosing
from benchmarks.cold_start import measure_flows, measure_ingress
from benchmarks.imports import measure_imports
from benchmarks.memory_load import MEMORIES, Loaded, loaded
from benchmarks.memory_peers import measure_peers
from benchmarks.prompt_cache import measure_cache
from benchmarks.recall_quality import OWN, measure_quality
from benchmarks.recall_scale import measure_scale
from benchmarks.redaction import measure_redaction
from benchmarks.reviews import measure_reviews
from benchmarks.runs import measure_overhead, measure_steps
from benchmarks.slack_answers import measure_slack
from benchmarks.table import Findings
from benchmarks.world import World, opened


class Resources:
    """The bundles, servers and files that subjects share, each made when first needed."""

    def __init__(self, stack: ExitStack, asked: argparse.Namespace) -> None:
        self.rounds: int = asked.rounds
        self.conversations: Path = asked.conversations or OWN
        self.texts: Path | None = asked.texts
        self._memories: int = asked.memories or MEMORIES
        self._keep: Path | None = asked.keep
        self._stack = stack

    @cached_property
    def scratch(self) -> Path:
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory()))

    @cached_property
    def bundles(self) -> Bundles:
        return Bundles(self.scratch / "bundles")

    @cached_property
    def world(self) -> World:
        return self._stack.enter_context(opened())

    @cached_property
    def memories(self) -> Loaded:
        return self._stack.enter_context(loaded(self._memories, self._keep))


def _plans(have: Resources) -> Findings:
    from benchmarks.plans import measure_plans  # the interpreter of plans takes seconds to load

    return measure_plans(have.world.database_url, have.rounds)


SUBJECTS: dict[str, Callable[[Resources], Findings]] = {
    "sizes": lambda have: measure_sizes(have.bundles, have.scratch),
    "ingress": lambda have: measure_ingress(have.bundles, have.scratch, have.world, have.rounds),
    "flows": lambda have: measure_flows(have.bundles, have.scratch, have.world, have.rounds),
    "slack": lambda have: measure_slack(have.bundles, have.scratch, have.world, have.rounds),
    "overhead": lambda have: measure_overhead(have.world, have.rounds),
    "steps": lambda have: measure_steps(have.world, have.rounds),
    "plans": _plans,
    "cache": lambda have: measure_cache(have.world.database_url, have.rounds),
    "budgets": lambda have: measure_budgets(have.world.database_url, have.rounds),
    "calls": lambda have: measure_calls(have.rounds),
    "calls-cpu": lambda have: measure_calls_cpu(have.rounds),
    "imports": lambda have: measure_imports(have.scratch, have.rounds),
    "recall-quality": lambda have: measure_quality(have.world.database_url, have.conversations),
    "recall-scale": lambda have: measure_scale(have.memories, have.rounds),
    "memory-peers": lambda have: measure_peers(have.memories, have.scratch, have.rounds),
    "secrets": lambda have: measure_redaction(have.rounds, have.texts),
    "reviews": lambda have: measure_reviews(have.world, have.rounds),
    "choices": lambda have: measure_choosing(have.rounds),
    "bench-memory": lambda have: measure_bench_memory(have.scratch, have.rounds),
}
