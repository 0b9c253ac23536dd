"""How many model calls a second one tenant's budget takes, beside one row that only counts them."""

import subprocess
import sys
from collections.abc import Mapping, Sequence

import psycopg

from benchmarks.process import FunctionFailed
from benchmarks.spenders import SECONDS
from benchmarks.table import Findings, Spread, Table
from infra.project import ROOT

#: Processes and threads of each: a call alone, and as many at once as a busy workspace has.
_SIZES = ((1, 1), (2, 8), (4, 12))
_ROUNDS = 5
_MAKE = """
create table if not exists benchmark_calls (calls bigint not null);
insert into benchmark_calls select 0 where not exists (select from benchmark_calls);
grant select, update on benchmark_calls to agent_flows;
"""


def measure_budgets(url: str, rounds: int) -> Findings:
    """Let processes spend from one budget at once, and count in one row, in turns."""
    rounds = min(rounds, _ROUNDS)
    with psycopg.connect(url) as owner:
        owner.execute(_MAKE)
    samples: dict[str, list[float]] = {}
    for number in range(rounds):
        print(f"\r  round {number + 1} of {rounds}  ", end="", file=sys.stderr, flush=True)
        for size in _SIZES:
            for mode in ("budgets", "row"):
                samples.setdefault(_key(mode, size), []).append(_rate(url, mode, *size))
    print(file=sys.stderr)
    with psycopg.connect(url) as owner:
        owner.execute("drop table benchmark_calls")
    table = Table(
        "Model calls a second that one tenant's budget takes",
        ("callers at once", "calls/s", "one row", "budget / row"),
        [_line(size, samples) for size in _SIZES],
        (
            f"Medians (p10-p90) of {rounds} rounds of {SECONDS:g} s. A call is a reservation of one"
            " user, in which the last one is settled.",
            "One row: the same transaction with a single `update … set n = n + 1` of one row.",
            "Callers, and Postgres with its disk, share this machine.",
        ),
    )
    return Findings([table], samples)


def _key(mode: str, size: tuple[int, int]) -> str:
    return f"{mode} {size[0] * size[1]}"


def _rate(url: str, mode: str, processes: int, threads: int) -> float:
    command = [sys.executable, "-m", "benchmarks.spenders", url, mode, str(threads)]
    started = [
        subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(processes)
    ]
    for one in started:
        if one.stdout is None or one.stdout.readline() != "ready\n":
            raise FunctionFailed("a process could not spend")
    for one in started:
        if one.stdin is not None:
            one.stdin.write("\n")
            one.stdin.flush()
    return sum(int(one.communicate()[0]) for one in started) / SECONDS


def _line(size: tuple[int, int], samples: Mapping[str, Sequence[float]]) -> list[str]:
    own, floor = samples[_key("budgets", size)], samples[_key("row", size)]
    ratios = [one / other for one, other in zip(own, floor, strict=True)]
    return [
        str(size[0] * size[1]),
        Spread.of(own).text(0),
        Spread.of(floor).text(0),
        Spread.of(ratios).text(2),
    ]
