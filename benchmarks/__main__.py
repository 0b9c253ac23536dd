"""Measure what the built functions and a run cost, beside what they cannot go below."""

import argparse
import json
import os
import sys
import time
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from typing import Any

from shared.errors import AgentFlowsError

ROUNDS, QUICK_ROUNDS = 15, 3

_NOT_MEASURED = """\
Not measured: Lambda itself (fetching the zip, starting the sandbox, less CPU with less memory: a
function of 512 MB gets 0.3 of a core), the network to AWS, GitHub, Slack and models, TLS and
password authentication to Postgres, arm64."""

#: The keys of SUBJECTS: the usage needs no environment.
NAMES = (
    *(
        "sizes",
        "ingress",
        "flows",
        "slack",
        "overhead",
        "steps",
        "plans",
        "cache",
        "budgets",
        "calls",
    ),
    *("calls-cpu", "imports", "recall-quality", "recall-scale", "memory-peers", "secrets"),
    *("reviews", "choices", "bench-memory"),
)


def main(arguments: list[str]) -> int:
    """Measure what was asked for, print the tables, and write the samples where asked."""
    asked = _parse(arguments)
    if sys.platform != "linux":
        print("error: bundles and CPU clocks are for Linux; run it there", file=sys.stderr)
        return 2
    from benchmarks import machine
    from benchmarks.process import FunctionFailed

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
    from benchmarks.subjects import SUBJECTS, Resources

    samples, terminal = {}, sys.stdout
    with ExitStack() as stack:
        # Code that is measured in this process logs as in Lambda; those lines are no result.
        log = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
        stack.enter_context(redirect_stdout(log))
        have = Resources(stack, asked)
        for name in asked.only or SUBJECTS:
            print(f"{name} …", file=sys.stderr, flush=True)
            findings = SUBJECTS[name](have)
            print(*findings.tables, sep="\n", file=terminal, flush=True)
            samples[name] = findings.samples
    return samples


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./scripts/benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=NAMES, metavar="NAME", help=", ".join(NAMES)
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
        metavar="FILE",
        help="for recall-quality: questions on conversations, see docs/memory-benchmark.md",
    )
    parser.add_argument(
        "--memories",
        type=_count,
        metavar="N",
        help="for recall-scale and memory-peers: of the largest tenant",
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
