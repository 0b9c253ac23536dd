"""What the prompt cache saves, and what a hit costs beside the least that it could."""

import random
import statistics
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from benchmarks.table import Findings, Table
from shared.canonical import digest
from shared.database import Database, Statement
from shared.models import ChatMessage, ModelReply, ModelRequest, Usage
from shared.models.cache.prompt_cache import PromptCache
from shared.models.deadline import Deadline

REQUESTS, REPEATS, THREADS = 10_000, 3_000, 16
#: Seconds that a call takes.
THINKING = 0.005
#: Hits of each kind that one round times.
PER_ROUND = 100
MODEL = "openai:benchmark"
_SYSTEM = "You triage the issues of a shop. Answer with JSON. " * 20
_BODY = "Since this morning the app crashes as soon as I press Pay with an empty cart. " * 12
_REPLY = ModelReply(
    "The same crash as in the issue before. " * 20, "stop", Usage(450, 190), MODEL, cost=0.002
)
_BY_KEY = "select reply::text from prompt_cache where tenant = %(tenant)s and key = %(key)s"


class Traffic(NamedTuple):
    """What became of the requests: how often each was called, and how many seconds all took."""

    calls: Counter[int]
    seconds: float


def measure_cache(url: str, rounds: int) -> Findings:
    """Send requests of which three in ten repeat, then time hits and misses one by one."""
    with Database(url) as database:
        tenant = f"benchmark:{uuid.uuid4()}"
        cache = PromptCache(database, hours=1, megabytes=256)
        traffic = _send(cache, tenant)
        sent = _traffic_table(cache, tenant, traffic)
        times = _times(database, tenant, rounds)
    return Findings([sent, _times_table(times)], {"calls": traffic.calls.total(), "us": times})


def _asking(number: int) -> ModelRequest:
    return ModelRequest((ChatMessage("user", f"{_BODY}\n#{number}"),), system=_SYSTEM)


def _numbers() -> list[int]:
    """The requests in their order: half of the repeats come right after their first, as when one
    event wakes several flows; the others at any time."""
    chance = random.Random(7)
    distinct = REQUESTS - REPEATS
    numbers = list(range(distinct)) + chance.choices(range(distinct), k=REPEATS // 2)
    chance.shuffle(numbers)
    for number in chance.choices(range(distinct), k=REPEATS - REPEATS // 2):
        numbers.insert(numbers.index(number), number)
    return numbers


def _send(cache: PromptCache, tenant: str) -> Traffic:
    calls: list[int] = []

    def ask(number: int) -> None:
        def call() -> ModelReply:
            calls.append(number)
            time.sleep(THINKING)
            return _REPLY

        cache.get(tenant, MODEL, _asking(number), Deadline(60), call)

    numbers = _numbers()
    begun = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as threads:
        for done in [threads.submit(ask, number) for number in numbers]:
            done.result()
    return Traffic(Counter(calls), time.perf_counter() - begun)


def _times(database: Database, tenant: str, rounds: int) -> dict[str, list[float]]:
    """Time each way to an answer, interleaved, in microseconds."""
    request = _asking(-1)
    local = PromptCache(None, hours=1, megabytes=16)
    remote = PromptCache(database, hours=1, megabytes=256, entries=0)
    bare = {digest([MODEL, request]): _REPLY}
    key = {"tenant": tenant, "key": digest([MODEL, request])}
    fresh = iter(range(-2, -(10**9), -1))

    def through(cache: PromptCache, request: ModelRequest) -> ModelReply:
        return cache.get(tenant, MODEL, request, Deadline(60), lambda: _REPLY)

    ways: dict[str, Callable[[], object]] = {
        "dict lookup and digest": lambda: bare[digest([MODEL, request])],
        "hit in this process": lambda: through(local, request),
        "select by primary key": lambda: database.run(tenant, [Statement(_BY_KEY, key)]),
        "hit in Postgres": lambda: through(remote, request),
        "two empty transactions": lambda: (database.run(tenant, []), database.run(tenant, [])),
        "miss, without its call": lambda: through(remote, _asking(next(fresh))),
    }
    for way in ways.values():
        way()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds * PER_ROUND):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            times[name].append((time.perf_counter() - begun) * 1e6)
    return times


def _traffic_table(cache: PromptCache, tenant: str, traffic: Traffic) -> Table:
    counted, kept = cache.counters(), cache.savings(tenant)
    distinct = REQUESTS - REPEATS
    rows = [
        ["distinct requests", f"{distinct:,}"],
        ["calls made", f"{traffic.calls.total():,}"],
        ["requests called twice", f"{sum(n > 1 for n in traffic.calls.values()):,}"],
        ["hits in this process", f"{counted.process_hits:,}"],
        ["hits in Postgres", f"{counted.shared_hits:,}"],
        ["waited for another's call", f"{counted.waits:,}"],
        ["saved, US dollars", f"{counted.saved:.2f} of {REQUESTS * (_REPLY.cost or 0):.2f}"],
        ["saved, tokens", f"{counted.saved_tokens:,}"],
        ["held in Postgres, MB", f"{kept.bytes / 1e6:.1f}"],
        ["seconds for all", f"{traffic.seconds:.1f}"],
    ]
    notes = (
        f"{THREADS} threads, one connection to Postgres, calls of {THINKING * 1e3:g} ms,"
        " 512 replies kept in this process.",
        "Half of the repeats come right after the first, the others at any time."
        " Target: calls = distinct.",
    )
    title = f"{REQUESTS:,} requests of which {REPEATS / REQUESTS:.0%} repeat"
    return Table(title, ("what", "count"), rows, notes)


def _times_table(times: dict[str, list[float]]) -> Table:
    names = list(times)
    rows = []
    for floor, way in zip(names[::2], names[1::2], strict=True):
        least = statistics.median(times[floor])
        rows += [[name, *_cells(times[name], least)] for name in (floor, way)]
    notes = (
        f"Microseconds, {len(times[names[0]]):,} interleaved samples each, one thread. x: over the"
        " line above, the least it could take.",
        "A request of 2 KB, a reply of 1 KB. A miss finds nothing and claims, then keeps: two"
        " transactions around its call.",
    )
    return Table("Hits and misses", ("way", "median", "p99", "x"), rows, notes)


def _cells(samples: Sequence[float], least: float) -> list[str]:
    median = statistics.median(samples)
    p99 = statistics.quantiles(samples, n=100, method="inclusive")[-1]
    return [f"{median:.0f}", f"{p99:.0f}", f"{median / least:.1f}"]
