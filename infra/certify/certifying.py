"""Disturbs a flow in every way that it should survive, and compares what it leaves with a calm run.

Each trial is in the same world, wound back, on the same event: only the disturbance differs. A
later attempt runs in a process whose sets have another order.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from infra.certify.handing import Order, flow_at
from infra.certify.process import KillableProcesses
from infra.certify.report import Fault, Report, Trial, Wrong, differences, unequal
from infra.certify.story import happened
from infra.certify.world import World
from shared.errors import SettingsError
from shared.events import Event, Json

_MODULE = "infra.certify.handing"
#: Deliveries after which a run that has not ended is lost.
_DELIVERIES = 8
#: Seconds that a lease lasts where two deliveries meet.
_LEASE = 60.0
#: Boundaries at which a delivery is held while the second comes, and pairs that race.
_MEETINGS, _RACES = 5, 2

#: Chooses which of the boundaries to try.
Choose = Callable[[Sequence[int]], Sequence[int]]
#: Makes the event in a world; see `infra/certify/story.py`.
Happen = Callable[[World], Event]


def certify(
    name: str,
    database_url: str,
    log: Path,
    *,
    happen: Happen | None = None,
    choose: Choose = lambda boundaries: boundaries,
    workers: Sequence[KillableProcesses] = (),
) -> Report:
    """Certify the flow `name`, see `flow_at`, on a migrated database of its own. What its functions
    say goes to `log`. `workers` are of `two_orders`, where some are there already. Raises
    SettingsError when it fails without any disturbance."""
    flow = flow_at(name)
    log.touch()
    with ExitStack() as stack:
        world = stack.enter_context(World(flow, database_url))
        event = happen(world) if happen else happened(world, flow.types)
        workers = workers or stack.enter_context(two_orders())
        report = Report(flow.name, event.type)
        order = Order(name, str(log), event.to_json(), world.settings, world.environment)
        if world.flow.spreads(event):
            event = _spread(world, order, workers[0]) or event
            order = order._replace(event=event.to_json())
            report.event = f"{event.type} in {event.place}"
        trials = _Trials(world, order, workers, report)
        trials.calm()
        trials.killed(choose(range(1, len(report.boundaries) + 1)))
        trials.twice(choose)
        trials.unanswered(choose)
        return report


@contextmanager
def two_orders() -> Iterator[Sequence[KillableProcesses]]:
    """Start the processes in which a delivery and the next one are handed to flows: their sets have
    different orders."""
    with ExitStack() as stack:
        yield [stack.enter_context(KillableProcesses(_MODULE, seed=seed)) for seed in (1, 2)]


def _spread(world: World, tick: Order, worker: KillableProcesses) -> Event | None:
    """Return the first event that a tick of a schedule becomes: the flow's code runs on that."""
    worker.do(tick._asdict())
    wanted = Event.from_json(tick.event).type
    events = [event for event in world.published() if event.type == wanted]
    world.rewind()
    return next(iter(events), None)


class _Calm(NamedTuple):
    """What a calm run left, and the answers from outside that it got."""

    seen: Any
    answers: Sequence[str]


class _Trials:
    def __init__(
        self,
        world: World,
        order: Order,
        workers: Sequence[KillableProcesses],
        report: Report,
    ) -> None:
        self._world = world
        self._first, self._second = workers
        self._report = report
        self._order = order
        self._calm = _Calm(None, ())

    def calm(self) -> None:
        """Run undisturbed, watched, and a second time in the other process."""
        told = self._first.do(self._ordered(watch=True))
        states = self._world.ends()
        if told["end"] != "done" or [state for state, _ in states] != ["done"]:
            raise SettingsError(
                f"{self._report.flow} does not end well on {self._report.event}, though nothing"
                f" disturbs it: {self._reason(states)}"
            )
        self._report.boundaries, self._report.asked = told["boundaries"], told["asked"]
        self._calm = _Calm(self._world.seen(), told["answers"])
        self._world.rewind()
        self._settled("calm", "in a second run", self._second.do(self._ordered()))

    def killed(self, boundaries: Iterable[int]) -> None:
        """Kill the process at each of the boundaries, and deliver the event again."""
        for number in boundaries:
            self._world.rewind()
            where = f"at {self._boundary(number)}"
            self._settled("killed", where, self._first.do(self._ordered(end=number)))

    def twice(self, choose: Choose) -> None:
        """Let a second delivery come while the first is under way, and let two race."""
        last = len(self._report.boundaries) - 1
        meetings = sorted({1 + n * last // (_MEETINGS - 1) for n in range(_MEETINGS)})
        for number in choose(meetings):
            self._world.rewind()
            held = self._first.do(self._ordered(held=number, lease=_LEASE))
            second = self._second.do(self._ordered(lease=_LEASE))
            if held["end"] == "held":
                held = self._first.do({"resume": True})
            label = f"the second at {self._boundary(number)}"
            self._settled("twice", label, held, second, lease=_LEASE)
        for number in choose(range(1, _RACES + 1)):
            self._world.rewind()
            for worker in (self._first, self._second):
                worker.begin(self._ordered(lease=_LEASE))
            both = [worker.wait() for worker in (self._first, self._second)]
            self._settled("twice", f"in race {number}", *both, lease=_LEASE)

    def unanswered(self, choose: Choose) -> None:
        """Lose each answer of a model or a platform once, after the call was carried out."""
        for number in choose(range(1, len(self._calm.answers) + 1)):
            self._world.rewind()
            where = f"{number}, of {self._calm.answers[number - 1]}"
            self._settled("answer lost", where, self._first.do(self._ordered(lost=number)))

    def _boundary(self, number: int) -> str:
        return f"boundary {number}, {self._report.boundaries[number - 1]}"

    def _ordered(self, **changes: Any) -> Json:
        return self._order._replace(**changes)._asdict()

    def _settled(self, trial: Trial, where: str, *answers: Json, lease: float = 0) -> None:
        """Deliver again until the run has ended, and judge what is left."""
        told = [*answers]
        while told[-1]["end"] != "done" and len(told) < _DELIVERIES:
            again = self._ordered(receives=len(told) + 1, lease=lease)
            told.append(self._second.do(again))
        # The message is deleted once; if it was not, it comes once more and nothing may happen.
        told.append(self._second.do(self._ordered(receives=len(told) + 1, lease=lease)))
        self._report.trials[trial] += 1
        for wrong, what in self._faults(told):
            self._report.faults.append(Fault(trial, where, wrong, what))

    def _faults(self, told: Sequence[Json]) -> Iterator[tuple[Wrong, str]]:
        states = self._world.ends()
        if [state for state, _ in states] != ["done"]:
            reason = self._reason(states)
            yield ("otherwise" if "earlier attempt" in reason else "lost"), f"the run: {reason}"
        else:
            yield from unequal(step for one in told for step in one.get("unasked", ()))
        yield from differences(self._calm.seen, self._world.seen())

    def _reason(self, states: Sequence[tuple[str, str]]) -> str:
        """Say how the runs ended, or what the log says where there is none."""
        if said := "; ".join(f"{state}: {reason}" for state, reason in states):
            return f"{said}{self._place()}"
        return f"no run{self._place()}"

    def _place(self) -> str:
        """Find the last error in the log; it holds nobody's words."""
        for line in reversed(Path(self._order.log).read_text("utf-8", "replace").splitlines()):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict) and found.get("message") in _TELLING:
                fields = (found.get("error"), found.get("place"))
                return f" ({' at '.join(str(field) for field in fields if field)})"
        return ""


_TELLING = {"run failed", "record failed", "event declined"}
