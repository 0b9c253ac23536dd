"""One process that spends from a tenant's budget: `python -m benchmarks.spenders URL MODE THREADS`.

It says "ready", waits for a line on its input, spends for SECONDS, and prints the number of calls.
MODE is `budgets`, or `row`, which only counts them in one row, as a floor.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from shared.database import BriefTransaction, Database, Statement
from shared.models import Payer
from shared.models.guards.budgets import Budgets

TENANT = "github:benchmark"
SECONDS = 4.0
_COUNT = "update benchmark_calls set calls = calls + 1"


def _budgets(database: Database, thread: int) -> Callable[[], None]:
    budgets, payer = Budgets(database, "tenant=1000000"), Payer(TENANT, "chat", f"U{thread}")

    def call() -> None:
        # As the model layer does it: the settlement goes along with the next reservation.
        reservation = budgets.reserve(payer, "openai:m", 0.02, 60)
        budgets.commit(reservation, 0.01, later=payer)

    return call


def _row(database: Database, thread: int) -> Callable[[], None]:
    return lambda: _nothing(database.run(TENANT, BriefTransaction([Statement(_COUNT, {})])))


def _nothing(_: object) -> None:
    """Drop the rows."""


def main(url: str, mode: str, threads: int) -> None:
    """Spend with so many threads, each with a connection of its own."""
    calls_of = {"budgets": _budgets, "row": _row}[mode]
    databases = [Database(url, patience=60) for _ in range(threads)]
    calls = [calls_of(database, thread) for thread, database in enumerate(databases)]
    for call in calls:
        call()  # connected, and all rows made
    print("ready", flush=True)
    sys.stdin.readline()
    ends = time.monotonic() + SECONDS

    def spend(call: Callable[[], None]) -> int:
        made = 0
        while time.monotonic() < ends:
            call()
            made += 1
        return made

    with ThreadPoolExecutor(threads) as pool:
        print(sum(pool.map(spend, calls)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
