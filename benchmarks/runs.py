"""What a run adds around its model calls, and where its time goes."""

import contextlib
import io
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from benchmarks.loopback import ReceivedRequest
from benchmarks.postgres_proxy import PostgresProxy
from benchmarks.process import FunctionFailed
from benchmarks.recorder import DATABASE, Recorder, Span, recorded
from benchmarks.table import Findings, Spread, Table
from benchmarks.world import World, github_event, queue_event, slack_event
from flows.chat import chat
from flows.triage import TriageVerdict, triage
from shared.actions.github.actions import Comment
from shared.agent.agent import Agent
from shared.agent.flow import Flow, flow
from shared.events import Event
from shared.runtime.composition import compose
from shared.runtime.worker import LambdaHandler
from shared.settings import Settings

#: Seconds that each model call takes, and that are added to each round trip to Postgres.
THINKING = 0.5
DELAYS = (0.0, 0.001, 0.005)
TARGET = 1.05


@flow("github.issues.opened")
def two_answers(event: Event, agent: Agent) -> None:
    """Two model calls and nothing else: what the journal itself costs."""
    agent.ask("Say what this is about.", event, returns=TriageVerdict)
    agent.ask("Say how bad it is.", event, returns=TriageVerdict)


@flow("github.issues.opened", may=[Comment.at_most(1)])
def usual_run(event: Event, agent: Agent) -> None:
    """Two model calls in what flows do around them."""
    related = agent.recall(event.text, limit=5)
    first = agent.ask("Say what this is about.", event, related, returns=TriageVerdict)
    second = agent.ask("Check this.", event, first.summary, returns=TriageVerdict)
    agent.act(Comment(event.issue, second.summary, sticky=True))
    agent.remember(event.text, kind="issue", ref=event.issue.ref)


class _Context:
    """Lambda's context, as far as the worker asks."""

    def get_remaining_time_in_millis(self) -> int:
        return 120_000


class MeasuredRun(NamedTuple):
    """One run: milliseconds, the round trips to Postgres, and where the time went."""

    wall: float
    thinking: float
    turns: int
    spans: Sequence[Span]

    @property
    def between(self) -> float:
        return self.wall - sum(span.took for span in self.spans)

    @property
    def transactions(self) -> int:
        return sum(span.name.startswith(DATABASE) for span in self.spans)


class Stand(NamedTuple):
    """A flow's worker with a Postgres of its own delay, and what wakes it."""

    flow: Flow
    proxy: PostgresProxy
    worker: LambdaHandler
    recorder: Recorder
    wake: Callable[[], Event]


def measure_overhead(world: World, rounds: int) -> Findings:
    """Compare runs with two model calls of half a second to the sum of those calls."""
    with ExitStack() as stack:
        stands = [
            _stand(stack, world, flow, delay, compose_as_deployed=True)
            for flow in (two_answers, usual_run)
            for delay in DELAYS
        ]
        with _thinking(world, THINKING):
            runs = _rounds(world, stands, rounds)
    rows = [
        [
            stand.flow.name,
            f"+{stand.proxy.delay * 1e3:g} ms",
            Spread.of(run.thinking for run in own).text(),
            Spread.of(run.wall for run in own).text(),
            Spread.of(run.wall - run.thinking for run in own).text(),
            Spread.of(run.wall / run.thinking for run in own).text(3),
            f"{Spread.of(run.turns for run in own).median:.0f}",
        ]
        for stand, own in zip(stands, runs, strict=True)
    ]
    table = Table(
        "Time that a run adds around its model calls",
        ("flow", "a round trip", "models ms", "run ms", "added ms", "x models", "round trips"),
        rows,
        (
            f"Medians (p10-p90) of {rounds} interleaved rounds, warm. Target: <= {TARGET:g} x.",
            "The worker as shared.runtime.composition builds it, a real SQS record, Postgres over a"
            " TCP proxy that adds the delay and counts,",
            f"a model server on loopback that takes {THINKING * 1e3:g} ms a call: `models` is what"
            " it took by its own clock.",
            "two_answers only asks twice. usual_run recalls, asks twice, comments and remembers:"
            " what GitHub takes",
            "is in its time, here two requests to the sandbox; `steps` shows such a share.",
        ),
    )
    return Findings([table], _raw(stands, runs))


def measure_steps(world: World, rounds: int) -> Findings:
    """Split the runs of triage and chat by what they wait for; the model answers at once."""
    with ExitStack() as stack:
        stands = [
            _stand(stack, world, flow, delay, compose_as_deployed=False)
            for flow in (triage, chat)
            for delay in DELAYS
        ]
        runs = _rounds(world, stands, rounds)
    tables = []
    for split in (triage, chat):
        own = {
            f"+{stand.proxy.delay * 1e3:g} ms": found
            for stand, found in zip(stands, runs, strict=True)
            if stand.flow is split
        }
        tables.append(_split(split, own, rounds))
    return Findings(tables, _raw(stands, runs))


def _stand(
    stack: ExitStack, world: World, flow: Flow, delay: float, *, compose_as_deployed: bool
) -> Stand:
    proxy = stack.enter_context(PostgresProxy(world.function_url, delay))
    variables = world.variables("openai") | {"DATABASE_URL": proxy.url}
    settings, recorder = Settings.from_environment(variables), Recorder()
    worker = compose(flow, settings) if compose_as_deployed else recorded(flow, settings, recorder)

    def read(delivery: ReceivedRequest) -> Event:
        return slack_event(delivery) if flow is chat else github_event(delivery)

    def wake() -> Event:
        return read(world.mention() if flow is chat else world.issue_opened())

    return Stand(flow, proxy, worker, recorder, wake)


@contextmanager
def _thinking(world: World, seconds: float) -> Iterator[None]:
    world.models.delay = seconds
    try:
        yield
    finally:
        world.models.delay = 0.0


def _rounds(world: World, stands: Sequence[Stand], rounds: int) -> list[list[MeasuredRun]]:
    """Run each once per round. A round before the first connects, and is not counted."""
    runs: list[list[MeasuredRun]] = [[] for _ in stands]
    for number in range(rounds + 1):
        print(f"\r  round {number} of {rounds}  ", end="", file=sys.stderr, flush=True)
        for stand, own in zip(stands, runs, strict=True):
            run = _run(world, stand)
            if number:
                own.append(run)
    print(file=sys.stderr)
    return runs


def _run(world: World, stand: Stand) -> MeasuredRun:
    batch = queue_event(stand.wake())
    turns, calls = stand.proxy.turns, len(world.models.took)
    stand.recorder.spans.clear()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        began = time.perf_counter()
        answer = stand.worker(batch, _Context())
        wall = (time.perf_counter() - began) * 1e3
    if answer["batchItemFailures"] or '"end": "done"' not in said.getvalue():
        raise FunctionFailed(f"{stand.flow.name} did not end well: {said.getvalue()[-2000:]}")
    thinking = sum(world.models.took[calls:]) * 1e3
    return MeasuredRun(wall, thinking, stand.proxy.turns - turns, tuple(stand.recorder.spans))


def _split(flow: Flow, own: Mapping[str, Sequence[MeasuredRun]], rounds: int) -> Table:
    """A row for each thing that a run waits for, a column for each delay of Postgres."""
    columns = {delay: _by_step(runs) for delay, runs in own.items()}
    steps = list(dict.fromkeys(step for spans in columns.values() for step in spans))
    rows = [
        [name, *(_cell(spans.get((name, number))) for spans in columns.values())]
        for name, number in steps
    ]
    runs = list(own.values())
    rows += [
        ["between these: our own code", *(_cell([run.between for run in one]) for one in runs)],
        ["the whole run", *(_cell([run.wall for run in one]) for one in runs)],
        ["round trips to Postgres", *(_count([run.turns for run in one]) for one in runs)],
        ["transactions", *(_count([run.transactions for run in one]) for one in runs)],
    ]
    return Table(
        f"Where the time of {flow.name} goes, ms",
        ("in order", *(f"a round trip {delay}" for delay in own)),
        rows,
        (
            f"Medians (p10-p90) of {rounds} interleaved rounds, warm; the sandboxes, and a model on"
            " loopback that answers at once.",
        ),
    )


def _by_step(runs: Sequence[MeasuredRun]) -> dict[tuple[str, int], list[float]]:
    """The samples of each step; the second of the same name in a run is another step."""
    found: dict[tuple[str, int], list[float]] = defaultdict(list)
    for run in runs:
        numbers: Counter[str] = Counter()
        for span in run.spans:
            found[span.name, numbers[span.name]].append(span.took)
            numbers[span.name] += 1
    return found


def _cell(samples: Sequence[float] | None) -> str:
    return Spread.of(samples).text() if samples else "-"


def _count(samples: Sequence[int]) -> str:
    return f"{Spread.of(samples).median:.0f}"


def _raw(stands: Sequence[Stand], runs: Sequence[Sequence[MeasuredRun]]) -> dict[str, Any]:
    return {
        f"{stand.flow.name} +{stand.proxy.delay * 1e3:g} ms": [run._asdict() for run in own]
        for stand, own in zip(stands, runs, strict=True)
    }
