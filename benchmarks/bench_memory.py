"""What the test bench needs for a huge input beside a small one: peak memory, and rows a second."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.process import FunctionFailed
from benchmarks.table import Findings, Spread, Table
from infra.project import ROOT

SMALL, HUGE = 1_000, 100_000
_THREADS = 8
#: More rounds say nothing new about memory, and take long.
_ROUNDS = 3
_COLUMNS = ("bench", "max RSS MB", "x small", "rows/s", "CPU ms a row")


def measure_bench_memory(scratch: Path, rounds: int) -> Findings:
    """Run inputs of both sizes through the bench, each start in a process of its own."""
    rounds = min(rounds, _ROUNDS)
    samples: dict[str, list[dict[str, float]]] = {}
    folder = scratch / "bench-memory"
    folder.mkdir()
    for number in range(rounds):
        print(f"\r  round {number + 1} of {rounds}  ", end="", file=sys.stderr, flush=True)
        for rows in (SMALL, HUGE):
            source, out = folder / f"{rows}.jsonl", folder / f"{rows}-{number}.jsonl"
            _write(source, rows)
            for name in (f"{rows:,} rows", f"{rows:,} rows, all done before"):
                samples.setdefault(name, []).append(_start(source, out, rows))
    print(file=sys.stderr)
    small = samples[f"{SMALL:,} rows"]
    table = Table(
        "The test bench, with a model that answers at once",
        _COLUMNS,
        [_row(name, own, small) for name, own in samples.items()],
        (
            f"Medians (p10-p90) of {rounds} interleaved rounds, each start a fresh process.",
            f"{_THREADS} threads; rows of about 300 bytes with a label to meet; results in a file.",
            "Not measured: a real model's answers, --batch, --sample, which reads twice.",
        ),
    )
    return Findings([table], samples)


def _write(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            text = f"Issue {number}: the checkout crashes. " + "It did not do so before. " * 8
            label = ("bug", "feature")[number % 2]
            file.write(json.dumps({"text": text, "expect": label}) + "\n")


def _start(source: Path, out: Path, rows: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.bench_start"]
    arguments = [str(source), str(out), str(_THREADS)]
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise FunctionFailed(f"the bench failed:\n{done.stderr[-2000:]}")
    sample: dict[str, Any] = json.loads(done.stdout)
    if sample["rows"] != rows:
        raise FunctionFailed(f"the bench answered {sample['rows']} of {rows} rows")
    return sample


def _row(
    name: str, own: Sequence[dict[str, float]], small: Sequence[dict[str, float]]
) -> list[str]:
    pairs = list(zip(own, small, strict=True))
    return [
        name,
        Spread.of(one["rss"] for one in own).text(),
        Spread.of(one["rss"] / base["rss"] for one, base in pairs).text(2),
        Spread.of(one["rows"] / one["wall"] for one in own).text(0),
        Spread.of(1e3 * one["cpu"] / one["rows"] for one in own).text(3),
    ]
