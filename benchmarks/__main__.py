"""Measure what the built functions and a run cost, beside what they cannot go below."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.bench_memory import measure_bench_memory
from benchmarks.budgets import measure_budgets
from benchmarks.bundles import Bundles, measure_sizes
from benchmarks.calls import measure_calls, measure_calls_cpu
from benchmarks.cold_start import measure_flows, measure_ingress
from benchmarks.imports import measure_imports
from benchmarks.memory_load import MEMORIES, Loaded, loaded
from benchmarks.memory_peers import measure_peers
from benchmarks.process import FunctionFailed
from benchmarks.prompt_cache import measure_cache
from benchmarks.recall_quality import OWN, measure_quality
from benchmarks.recall_scale import measure_scale
from benchmarks.redaction import measure_redaction
from benchmarks.runs import measure_overhead, measure_steps
from benchmarks.table import Findings
from benchmarks.world import World, opened
from shared.errors import AgentFlowsError

ROUNDS, QUICK_ROUNDS = 15, 3

_NOT_MEASURED = """\
Not measured: Lambda itself (fetching the zip, starting the sandbox, less CPU with less memory: a
function of 512 MB gets 0.3 of a core), the network to AWS, GitHub, Slack and models, TLS and
password authentication to Postgres, arm64."""


class Resources:
    """The bundles, servers and files that subjects share, each made when first needed."""

    def __init__(self, stack: ExitStack, asked: argparse.Namespace) -> None:
        self.rounds: int = asked.rounds
        self.conversations: Path = asked.conversations
        self.texts: Path | None = asked.texts
        self._memories: int = asked.memories
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
    "bench-memory": lambda have: measure_bench_memory(have.scratch, have.rounds),
}


def main(arguments: list[str]) -> int:
    """Measure what was asked for, print the tables, and write the samples where asked."""
    asked = _parse(arguments)
    if sys.platform != "linux":
        print("error: bundles and CPU clocks are for Linux; run it there", file=sys.stderr)
        return 2
    began = time.monotonic()
    for name, value in machine.described().items():
        print(f"{name:10} {value}")
    print(f"{'load':10} {machine.load()} at the start\n", flush=True)
    try:
        samples = _measure(asked)
    except (AgentFlowsError, FunctionFailed) as err:
        print(f"error: {err}", file=sys.stderr)
        return 1
    print(f"{'load':10} {machine.load()} at the end, {time.monotonic() - began:.0f} s later")
    print(_NOT_MEASURED)
    if asked.json:
        whole = {"machine": machine.described(), "subjects": samples}
        asked.json.write_text(json.dumps(whole), "utf-8")
    return 0


def _measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Print the tables of each subject as soon as it is measured; return all samples."""
    samples = {}
    with ExitStack() as stack:
        have = Resources(stack, asked)
        for name in asked.only or SUBJECTS:
            print(f"{name} …", file=sys.stderr, flush=True)
            findings = SUBJECTS[name](have)
            print(*findings.tables, sep="\n", flush=True)
            samples[name] = findings.samples
    return samples


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./scripts/benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=SUBJECTS, metavar="NAME", help=", ".join(SUBJECTS)
    )
    rounds = parser.add_mutually_exclusive_group()
    rounds.add_argument("--rounds", type=_count, default=ROUNDS, help="at least 1 (%(default)s)")
    rounds.add_argument(
        "--quick",
        action="store_const",
        dest="rounds",
        const=QUICK_ROUNDS,
        help=f"{QUICK_ROUNDS} rounds: to see that it works, not to quote",
    )
    parser.add_argument(
        "--conversations",
        type=Path,
        default=OWN,
        metavar="FILE",
        help="for recall-quality: questions on conversations, see docs/memory-benchmark.md",
    )
    parser.add_argument(
        "--memories",
        type=_count,
        default=MEMORIES,
        metavar="N",
        help="for recall-scale and memory-peers: of the largest tenant (%(default)s)",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        help="for the same: load there, go on with what is there, and leave it",
    )
    parser.add_argument(
        "--texts",
        type=Path,
        metavar="PATH",
        help="for secrets: a file or folder of real texts; lists what would be masked, by kind",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample to FILE")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
