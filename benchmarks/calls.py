"""What many calls at once cost: against a server that refuses some, and in CPU."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import urllib3

from benchmarks.loopback import Loopback, ReceivedRequest
from benchmarks.table import Findings, Spread, Table
from shared.errors import ModelUnavailable
from shared.models import ChatMessage, ModelReply, ModelRequest, Provider, Usage
from shared.models.deadline import Deadline
from shared.models.guards.circuit_breaker import CircuitBreaker
from shared.models.guards.limiter import Limiter
from shared.models.routing import Models
from shared.settings import Settings
from tests.models.busy_server import ANSWER, BusyServer, Counts, busy_server

CALLS, SECONDS = 400, 0.05
#: Calls of one thread, for the CPU of one call.
SINGLE_CALLS = 300

ABOUT = ChatMessage("user", "What is this about? " * 40)
ASK = ModelRequest((ABOUT,), "You are brief.", max_tokens=64)

#: Makes one call, however often it must be tried.
CallModel = Callable[[Provider], ModelReply]


class CallRound(NamedTuple):
    """One round: seconds, what the server counted, and calls without an answer."""

    took: float
    counts: Counts
    lost: int

    @property
    def refused(self) -> float:
        return self.counts.refused / max(self.counts.answered + self.counts.refused, 1)


def limited() -> CallModel:
    """A cold limiter; what was refused waits for its next turn, and only the limiter paces it."""
    limiter = Limiter()

    def call(provider: Provider) -> ModelReply:
        deadline = Deadline(30.0)
        while True:
            try:
                with limiter.turn(deadline):
                    return provider.reply(ASK, deadline.left)
            except ModelUnavailable as err:
                if not err.overloaded or deadline.left <= (err.retry_after or 0.0):
                    raise

    return call


def fixed(calls: int) -> Callable[[], CallModel]:
    """So many at a time, and for each its own growing waits with jitter."""

    def fresh() -> CallModel:
        places = threading.BoundedSemaphore(calls)
        return lambda provider: _backing_off(places, provider)

    return fresh


def _backing_off(places: threading.BoundedSemaphore, provider: Provider) -> ModelReply:
    for attempt in range(12):
        try:
            with places:
                return provider.reply(ASK, 30.0)
        except ModelUnavailable as err:
            wait = err.retry_after or min(0.1 * 2**attempt, 2.0)
            time.sleep(random.uniform(wait / 2, wait) + (err.retry_after or 0.0) / 2)
    return provider.reply(ASK, 30.0)


def bare(calls: int, port: int) -> Callable[[], CallModel]:
    """So many at a time by urllib3 alone, unread: what the client's machine makes of the ideal."""
    pool = urllib3.HTTPConnectionPool("127.0.0.1", port, maxsize=calls, retries=False)
    body, headers = _body_of_a_call(), {"content-type": "application/json"}
    places = threading.BoundedSemaphore(calls)
    answer = ModelReply("ok", "stop", Usage(), "bare")

    def call(provider: Provider) -> ModelReply:
        with places:
            pool.urlopen("POST", "/v1/chat/completions", body, headers).read()
        return answer

    return lambda: call


class Scene(NamedTuple):
    """What the server does: how many calls it holds, and which Retry-After its 429 has."""

    held: int
    retry_after: int | None = None

    @property
    def ideal(self) -> float:
        """Seconds in which the server can answer all calls."""
        return CALLS / self.held * SECONDS

    @property
    def said(self) -> str:
        said = "" if self.retry_after is None else f", each with Retry-After: {self.retry_after}"
        return f"{CALLS} calls to a server that holds {self.held} and answers 429 to the rest{said}"


SCENES = (Scene(32), Scene(20), Scene(48), Scene(32, retry_after=1))


def measure_calls(rounds: int) -> Findings:
    """Make 400 calls at once to a server that holds fewer, in several ways."""
    tables, samples = [], {}
    for scene in SCENES:
        with busy_server(scene.held, SECONDS, scene.retry_after) as server:
            rounds_now = rounds if scene.retry_after is None else min(rounds, 3)
            found = _interleaved(scene, server, rounds_now)
        tables.append(_table(scene, found))
        samples[scene.said] = {
            name: [outcome._asdict() for outcome in outcomes] for name, outcomes in found.items()
        }
    return Findings(tables, samples)


def _interleaved(scene: Scene, server: BusyServer, rounds: int) -> dict[str, list[CallRound]]:
    contenders: dict[str, Callable[[], CallModel]] = {
        "adaptive, cold": limited,
        f"urllib3, bare, fixed {scene.held}": bare(scene.held, server.port),
        f"fixed {scene.held} (knows it)": fixed(scene.held),
        "fixed 8": fixed(8),
        "fixed 128": fixed(128),
    }
    found: dict[str, list[CallRound]] = {name: [] for name in contenders}
    provider = _provider(server)
    with ThreadPoolExecutor(CALLS) as threads:
        _round(threads, server, provider, fixed(scene.held)())  # connections, imports
        for _ in range(rounds):
            for name, fresh in contenders.items():
                found[name].append(_round(threads, server, provider, fresh()))
    return found


def _round(
    threads: ThreadPoolExecutor, server: BusyServer, provider: Provider, call: CallModel
) -> CallRound:
    server.counts()
    began = time.perf_counter()
    answers = [threads.submit(call, provider) for _ in range(CALLS)]
    good = sum(not answer.exception() and answer.result().text == "ok" for answer in answers)
    took = time.perf_counter() - began
    return CallRound(took, server.counts(), CALLS - good)


def _table(scene: Scene, found: dict[str, list[CallRound]]) -> Table:
    rows = [
        [
            name,
            Spread.of(one.took * 1e3 for one in outcomes).text(0),
            Spread.of(one.took / scene.ideal for one in outcomes).text(2),
            Spread.of(one.refused * 100 for one in outcomes).text(1),
            f"{max(one.counts.most for one in outcomes)}",
            f"{sum(one.lost for one in outcomes)}",
        ]
        for name, outcomes in found.items()
    ]
    return Table(
        scene.said,
        ("callers", "ms", "x ideal", "429s %", "most held", "lost"),
        rows,
        (
            f"Ideal: {CALLS} / {scene.held} x {SECONDS * 1e3:g} ms = {scene.ideal * 1e3:g} ms."
            f" Medians (p10-p90) of {len(next(iter(found.values())))} interleaved rounds.",
            "Target where it holds 32, without Retry-After: <= 1.15 x, <= 3 %, none lost. The"
            " server is a process of its own.",
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
    with busy_server(32, 0.0) as server:
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
    limiter, breaker = Limiter(), CircuitBreaker("busy")
    models = Models(Settings(model_small=provider.name, prompt_cache="off"))
    body = _body_of_a_call()
    pool = urllib3.HTTPConnectionPool("127.0.0.1", server.port, retries=False)
    headers = {"content-type": "application/json"}

    def guarded() -> ModelReply:
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

    def answer(delivery: ReceivedRequest) -> bytes:
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
