"""A process that spends: `threads` threads reserve and commit until a budget refuses them.

Prints what was committed, in millionths of a dollar. With `crash` it dies right after its first
reservation, as a function does that is killed in the middle of a call.
"""

import os
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from shared.database import Database
from shared.errors import BudgetExceeded
from shared.models import Payer
from shared.models.guards.budgets import Budgets


def spend(url: str, budgets: str, caller: Payer, now: datetime) -> int:
    """Make calls that reserve 2 cents and cost up to that; return what they cost."""
    total = 0
    with Database(url) as database:
        own = Budgets(database, budgets, now=lambda: now)
        while True:
            try:
                reservation = own.reserve(caller, "openai:m", 0.02, 60)
            except BudgetExceeded:
                return total
            cost = random.randint(5_000, 20_000)
            own.commit(reservation, cost / 1_000_000)
            total += cost


def callers_of(threads: int) -> list[Payer]:
    """Return who pays in each thread: three flows and five people, in all pairs."""
    return [Payer("acme", f"flow{n % 3}", f"U{n % 5}") for n in range(threads)]


def main(url: str, budgets: str, mode: str, threads: int, now: datetime) -> None:
    if mode == "crash":
        own = Budgets(Database(url), budgets, now=lambda: now)
        own.reserve(Payer("acme", "chat", "U1"), "openai:m", 0.5, 60)
        os._exit(9)
    with ThreadPoolExecutor(threads) as pool:
        spent = list(pool.map(lambda one: spend(url, budgets, one, now), callers_of(threads)))
    print(sum(spent))


if __name__ == "__main__":
    _, url, budgets, mode, threads, now = sys.argv
    main(url, budgets, mode, int(threads), datetime.fromisoformat(now))
