"""What carrying out a plan costs around its steps: time per step and per wave, transitions, and
executions per second on this machine."""

import contextlib
import io
import math
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from benchmarks.process import FunctionFailed
from benchmarks.table import Findings, Spread, Table
from shared.agent.agent import Agent
from shared.database import Database
from shared.planning.declaration import reads
from shared.planning.plan import Plan, PlanStep
from tests.planning.plan_runner import PlanRunner, plan_runner
from tests.planning.plans import Drafts, planned, says, transitions

#: Seconds that a step takes by itself.
WORK = 0.1
#: How many steps of a wave run at the same time; see infra/planner.asl.json.
AT_ONCE = 5
#: Steps and waves of the plans that are measured.
SHAPES = ((1, 1), (5, 1), (4, 4), (12, 4), (12, 12), (20, 4))
#: How many plans are started at once.
CROWD = 20


class PlanShape(NamedTuple):
    """`steps` in `waves`, spread as evenly as they go."""

    steps: int
    waves: int

    def sizes(self) -> list[int]:
        least, more = divmod(self.steps, self.waves)
        return [least + (wave < more) for wave in range(self.waves)]

    @property
    def own(self) -> float:
        """Milliseconds of the steps' own work, as far as it is not done at the same time."""
        return sum(math.ceil(size / AT_ONCE) for size in self.sizes()) * WORK * 1e3

    def plan(self, seconds: float) -> Plan:
        before: tuple[str, ...] = ()
        steps: list[PlanStep] = []
        for wave, size in enumerate(self.sizes()):
            ids = tuple(f"w{wave}s{number}" for number in range(size))
            steps += [PlanStep(id, id, "work", {"seconds": seconds}, before) for id in ids]
            before = ids
        return Plan(tuple(steps))


class Measured(NamedTuple):
    """Milliseconds from the first state to the end, and how many states were entered."""

    wall: float
    transitions: int


@reads()
def work(agent: Agent, seconds: float) -> float:
    """Take as long as that."""
    time.sleep(seconds)
    return seconds


def measure_plans(url: str, rounds: int) -> Findings:
    """Run plans of several shapes in turn, then many at once."""
    shapes = [PlanShape(*shape) for shape in SHAPES]
    found: dict[PlanShape, list[Measured]] = {shape: [] for shape in shapes}
    for number in range(rounds + 1):
        for shape in shapes:
            measured = _one(url, shape)
            if number:  # a round before the first loads and connects
                found[shape].append(measured)
    rates = [_crowd(url) for _ in range(rounds)]
    samples = {f"{s.steps}/{s.waves}": [m._asdict() for m in own] for s, own in found.items()}
    tables = [_shapes_table(found, rounds), _parts_table(found), _crowd_table(rates)]
    return Findings(tables, {"shapes": samples, "plans_per_second": rates})


def _one(url: str, shape: PlanShape) -> Measured:
    with _staged(url, shape.plan(WORK)) as it:
        plan = it.ask(says("/plan it", f"github:{uuid.uuid4()}"))
        _ended(it, [plan])
        return Measured(_took(it, plan), it.transitions(plan))


def _took(it: PlanRunner, plan: str) -> float:
    """Milliseconds from the first state to the end: not what moto takes to read the definition,
    which AWS has read before."""
    times = [
        datetime.fromisoformat(event["timestamp"])
        for event in it.execution(plan).events()
        if event["type"] != "ExecutionStarted"
    ]
    return (times[-1] - times[0]).total_seconds() * 1e3


def _crowd(url: str) -> float:
    """Start many plans of one step that takes no time; return how many end per second."""
    with _staged(url, PlanShape(1, 1).plan(0.0)) as it:
        began = time.perf_counter()
        asked = [says("/plan it", f"github:{uuid.uuid4()}") for _ in range(CROWD)]
        _ended(it, [it.ask(event) for event in asked])
        return CROWD / (time.perf_counter() - began)


@contextmanager
def _staged(url: str, plan: Plan) -> Iterator[PlanRunner]:
    """Start a runner whose planner makes `plan` at once; what its functions log is dropped."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        Database(url) as database,
        plan_runner(database, planned(Drafts(plan), work)) as it,
    ):
        yield it


def _ended(it: PlanRunner, plans: Sequence[str]) -> None:
    for plan in plans:
        if it.ended(plan).state != "done":
            raise FunctionFailed(f"plan {plan} did not end well: {it.situation(plan).reason}")


def _shapes_table(found: dict[PlanShape, list[Measured]], rounds: int) -> Table:
    rows = [
        [
            f"{shape.steps} in {shape.waves}",
            Spread.of(m.wall for m in own).text(0),
            f"{shape.own:.0f}",
            Spread.of(m.wall - shape.own for m in own).text(0),
            f"{own[0].transitions}",
            f"{transitions(shape.steps, shape.waves)}",
        ]
        for shape, own in found.items()
    ]
    return Table(
        "What the machine adds to the steps of a plan",
        ("steps in waves", "plan ms", "own ms", "added ms", "transitions", "4 + 3w + 2n"),
        rows,
        (
            f"Medians (p10-p90) of {rounds} interleaved rounds, warm: the interpreter, the API of"
            " Step Functions, the handlers in this process, Postgres.",
            f"A step works for {WORK * 1e3:g} ms, {AT_ONCE} of a wave at the same time: `own` is"
            " what that alone comes to.",
            "AWS bills transitions; it adds one per retry. An approval takes 3 more, so does a"
            " revision.",
        ),
    )


def _parts_table(found: dict[PlanShape, list[Measured]]) -> Table:
    added = {
        shape: Spread.of(measured.wall - shape.own for measured in own).median
        for shape, own in found.items()
    }
    one, few, wide, narrow = (
        added[PlanShape(*shape)] for shape in ((1, 1), (4, 4), (12, 4), (12, 12))
    )
    rows = [
        ["a plan of one step", f"{one:.0f}"],
        ["one more wave, the steps the same", f"{(narrow - wide) / 8:.0f}"],
        ["one more step, the waves the same", f"{(wide - few) / 8:.0f}"],
    ]
    return Table("What of it is whose", ("", "added ms"), rows, ("From the medians above.",))


def _crowd_table(rates: Sequence[float]) -> Table:
    states = transitions(1, 1)
    rows: list[list[Any]] = [
        ["plans of one step", Spread.of(rates).text()],
        ["state transitions", Spread.of(rate * states for rate in rates).text(0)],
    ]
    return Table(
        f"{CROWD} plans at once",
        ("", "per second"),
        rows,
        (
            "From the first request to the last report, in one process: Lambda has many. Here each"
            " execution also reads the definition anew.",
        ),
    )
