"""What many calls at once cost: against a server that refuses some, and in CPU."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import urllib3

from benchmarks.loopback import Delivery, Loopback
from benchmarks.table import Findings, Spread, Table
from shared.errors import ModelUnavailable
from shared.models import Message, Provider, Reply, Request
from shared.models.breaker import Breaker
from shared.models.deadline import Deadline
from shared.models.limiter import Limiter
from shared.models.routing import Models
from shared.settings import Settings
from tests.models.busy_server import ANSWER, BusyServer, Counts, busy_server

CALLS, HELD, SECONDS = 400, 32, 0.05
IDEAL = CALLS / HELD * SECONDS
RETRY_AFTER = 1
#: Calls of one thread, for the CPU of one call.
SINGLE_CALLS = 300

ASK = Request((Message("user", "What is this about? " * 40),), "You are brief.", max_tokens=64)

#: Makes one call, however often it must be tried.
Caller = Callable[[Provider], Reply]


class Outcome(NamedTuple):
    """One round: seconds, what the server counted, and calls without an answer."""

    took: float
    counts: Counts
    lost: int

    @property
    def refused(self) -> float:
        return self.counts.refused / max(self.counts.answered + self.counts.refused, 1)


def limited() -> Caller:
    """A cold limiter; what was refused waits for its next turn, and only the limiter paces it."""
    limiter = Limiter()

    def call(provider: Provider) -> Reply:
        deadline = Deadline(30.0)
        while True:
            try:
                with limiter.turn(deadline):
                    return provider.reply(ASK, deadline.left)
            except ModelUnavailable as err:
                if not err.overloaded or deadline.left <= (err.retry_after or 0.0):
                    raise

    return call


def fixed(calls: int) -> Callable[[], Caller]:
    """So many at a time, and for each its own growing waits with jitter."""

    def fresh() -> Caller:
        places = threading.BoundedSemaphore(calls)
        return lambda provider: _backing_off(places, provider)

    return fresh


def _backing_off(places: threading.BoundedSemaphore, provider: Provider) -> Reply:
    for attempt in range(12):
        try:
            with places:
                return provider.reply(ASK, 30.0)
        except ModelUnavailable as err:
            wait = err.retry_after or min(0.1 * 2**attempt, 2.0)
            time.sleep(random.uniform(wait / 2, wait) + (err.retry_after or 0.0) / 2)
    return provider.reply(ASK, 30.0)


CONTENDERS: dict[str, Callable[[], Caller]] = {
    "adaptive, cold": limited,
    "fixed 8": fixed(8),
    f"fixed {HELD} (knows it)": fixed(HELD),
    "fixed 128": fixed(128),
}


def measure_calls(rounds: int) -> Findings:
    """Make 400 calls at once to a server that holds 32, in several ways."""
    tables, samples = [], {}
    for retry_after in (None, RETRY_AFTER):
        with busy_server(HELD, SECONDS, retry_after) as server:
            found = _interleaved(server, rounds if retry_after is None else min(rounds, 3))
        said = "" if retry_after is None else f", each with Retry-After: {retry_after}"
        tables.append(_table(said, found))
        samples[f"retry-after {retry_after}"] = {
            name: [outcome._asdict() for outcome in outcomes] for name, outcomes in found.items()
        }
    return Findings(tables, samples)


def _interleaved(server: BusyServer, rounds: int) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = {name: [] for name in CONTENDERS}
    provider = _provider(server)
    with ThreadPoolExecutor(CALLS) as threads:
        _round(threads, server, provider, fixed(HELD)())  # connections, imports
        for _ in range(rounds):
            for name, fresh in CONTENDERS.items():
                found[name].append(_round(threads, server, provider, fresh()))
    return found


def _round(
    threads: ThreadPoolExecutor, server: BusyServer, provider: Provider, call: Caller
) -> Outcome:
    server.counts()
    began = time.perf_counter()
    answers = [threads.submit(call, provider) for _ in range(CALLS)]
    good = sum(not answer.exception() and answer.result().text == "ok" for answer in answers)
    took = time.perf_counter() - began
    return Outcome(took, server.counts(), CALLS - good)


def _table(said: str, found: dict[str, list[Outcome]]) -> Table:
    rows = [
        [
            name,
            Spread.of(one.took * 1e3 for one in outcomes).text(0),
            Spread.of(one.took / IDEAL for one in outcomes).text(2),
            Spread.of(one.refused * 100 for one in outcomes).text(1),
            f"{max(one.counts.most for one in outcomes)}",
            f"{sum(one.lost for one in outcomes)}",
        ]
        for name, outcomes in found.items()
    ]
    return Table(
        f"{CALLS} calls to a server that holds {HELD} for {SECONDS * 1e3:g} ms and answers 429 to"
        f" the rest{said}",
        ("callers", "ms", "x ideal", "429s %", "most held", "lost"),
        rows,
        (
            f"Ideal: {CALLS} / {HELD} x {SECONDS * 1e3:g} ms = {IDEAL * 1e3:g} ms. Medians"
            f" (p10-p90) of {len(next(iter(found.values())))} interleaved rounds.",
            "Target: <= 1.15 x and <= 3 % without Retry-After, none lost. The server is a process"
            " of its own.",
        ),
    )


def _provider(server: BusyServer) -> Provider:
    return Models(Settings()).provider(f"{server.url}#busy")


class Cpu(NamedTuple):
    """Milliseconds of CPU per call: of the calling thread, and of the whole process."""

    thread: float
    process: float


def measure_calls_cpu(rounds: int) -> Findings:
    """Compare the CPU of a call through the model layer to that of a bare POST of its body."""
    found: dict[str, list[Cpu]] = defaultdict(list)
    with busy_server(HELD, 0.0) as server:
        calls = _layers(server)
        for call in calls.values():
            _cpu(call)
        for _ in range(rounds):
            for name, call in calls.items():
                found[name].append(_cpu(call))
    bare = found["urllib3, bare"]
    rows = [
        [
            name,
            Spread.of(one.thread for one in samples).text(3),
            Spread.of(one.process for one in samples).text(3),
            Spread.of(a.process / b.process for a, b in zip(samples, bare, strict=True)).text(2),
        ]
        for name, samples in found.items()
    ]
    table = Table(
        f"CPU per call, {SINGLE_CALLS} calls one after the other",
        ("what", "thread ms", "process ms", "x bare"),
        rows,
        (
            f"Medians (p10-p90) of {rounds} interleaved rounds. All send the same body and read"
            " the answer; bare does not parse it.",
        ),
    )
    samples = {name: [one._asdict() for one in own] for name, own in found.items()}
    return Findings([table], samples)


def _layers(server: BusyServer) -> dict[str, Callable[[], object]]:
    provider = _provider(server)
    limiter, breaker = Limiter(), Breaker("busy")
    models = Models(Settings(model_small=provider.name, prompt_cache="off"))
    body = _body_of_a_call()
    pool = urllib3.HTTPConnectionPool("127.0.0.1", server.port, retries=False)
    headers = {"content-type": "application/json"}

    def guarded() -> Reply:
        with limiter.turn(Deadline(30.0)), breaker.guard():
            return provider.reply(ASK, 30.0)

    return {
        "urllib3, bare": lambda: pool.urlopen("POST", "/v1/chat/completions", body, headers).data,
        "provider.reply": lambda: provider.reply(ASK, 30.0),
        "limiter, breaker, provider.reply": guarded,
        "Models.reply": lambda: models.reply("small", ASK, timeout=30.0),
    }


def _body_of_a_call() -> bytes:
    """Return what the layer sends, so that the bare call sends the same."""
    seen: list[bytes] = []

    def answer(delivery: Delivery) -> bytes:
        seen.append(delivery.body)
        return ANSWER

    with Loopback(answer) as loopback:
        Models(Settings()).provider(f"{loopback.url}/v1#busy").reply(ASK, 30.0)
    return seen[0]


def _cpu(call: Callable[[], object]) -> Cpu:
    thread, process = time.thread_time(), time.process_time()
    for _ in range(SINGLE_CALLS):
        call()
    thread, process = time.thread_time() - thread, time.process_time() - process
    return Cpu(thread / SINGLE_CALLS * 1e3, process / SINGLE_CALLS * 1e3)
