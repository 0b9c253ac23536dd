"""The desk that stops runs: all of a conversation, one by name, or those that a newer event makes
needless."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, NamedTuple, Self

from shared.aws.executions import Executions
from shared.aws.queue import Queue
from shared.database import Database, Row, Statement, queries
from shared.desk import Loan
from shared.errors import NotPermitted, PublishError
from shared.events import MENTION, Event, Thread, run_id
from shared.journal import Outcome, Run
from shared.log import log
from shared.planning import store as planning
from shared.planning.desk import executions_of, report_end, wake
from shared.planning.store import PlanStore
from shared.settings import Settings

SQL = queries(__file__, "desk.sql")


class Halted(NamedTuple):
    """What a stop found open: the runs by id and flow, and the ids of the plans."""

    runs: Sequence[Row]
    plans: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.runs or self.plans)


class StopDesk:
    """Stops runs in the name of the actor of the run's event."""

    def __init__(
        self,
        run: Run,
        store: PlanStore,
        executions: Callable[[], Executions],
        may_write: Callable[[], bool],
        queue: Queue,
    ) -> None:
        self._run = run
        self._event = run.event
        self._store = store
        self._executions = executions
        self._may_write = may_write
        self._queue = queue

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        settings, store = loan.services[Settings], PlanStore(loan.services[Database])
        queue = loan.services.get(Queue, Queue)
        return cls(
            loan.run,
            store,
            lambda: loan.services.get(Executions, lambda: executions_of(settings)),
            loan.may_write,
            queue,
        )

    def stop(self, of: str = "", thread: Thread | None = None) -> Halted:
        """Stop what was asked for before the event in its conversation, or in the `thread`; outside
        of threads, what the actor asked for in the channel. With `of` stop that run or plan.

        Nothing of it starts any more, and what has not begun does not begin. Raises NotPermitted
        for a person who may not write.
        """
        if not self._may_write():
            raise NotPermitted("that needs write permission; somebody who has it must stop it")
        return self.halt(of, *where(self._event, thread))

    def halt(self, of: str, conversation: str = "", actor: str = "") -> Halted:
        """Stop as `stop` does, whoever the person is; without a conversation only the run or plan
        of this name."""
        by = self._event.actor.name
        found = self._made(
            "cancelled", f"Stopped by {by}.", conversation, actor=actor, named=of, by=by
        )
        for plan in found.plans:
            self._run.step("wake", {"plan": plan}, partial(self._wake, plan))
        return found

    def supersede(self, flow: str) -> Halted:
        """Stop what `flow` does for older events of the conversation: this one takes their place.

        Call it from a flow with a queue of its own, where the event does not wait behind them.
        """
        reason = "Something newer took its place."
        return self._made("superseded", reason, self._event.conversation, flow=flow)

    def withdraw(self, flow: str) -> None:
        """Stop what `flow` does for the Slack message that the event deletes."""
        said, reason = self._event.message, "What it answers was deleted."
        plain = f"slack:{said.team}:{said.channel}:{said.ts}"
        for id_ in (plain, plain + MENTION):
            run = run_id(self._event._replace(id=id_), flow)
            self._made("superseded", reason, self._event.conversation, flow=flow, named=run)

    def _made(
        self,
        state: Literal["cancelled", "superseded"],
        reason: str,
        conversation: str,
        *,
        flow: str = "",
        actor: str = "",
        named: str = "",
        by: str = "",
    ) -> Halted:
        """Make the stop in a step, in one transaction; return what it found open."""
        values = {
            "tenant": self._event.tenant,
            "stop": self._event.id,
            "run": self._run.id,
            "held": named or self._event.place,
            "at": self._event.received_at,
            "state": state,
            "reason": reason,
            "conversation": conversation,
            "flow": flow,
            "actor": actor,
            "named": named,
            "by": by,
        }
        making = [Statement(SQL[name], values) for name in ("hold_stops", "keep_stop", "mark_runs")]
        if state == "cancelled":
            making.append(Statement(planning.SQL["cancel"], values))

        def work() -> Outcome:
            _, _, runs, *plans = self._run.write(making)
            return Outcome({"runs": runs, "plans": [row["id"] for rows in plans for row in rows]})

        about = {"state": state, "flow": flow, "of": named}
        found = Halted(**self._run.step("stop", about, work))
        for run in found.runs:
            if run["message"]:
                self._run.step("uncover", {"run": run["id"]}, partial(self._uncover, run))
        return found

    def _uncover(self, run: Row) -> Outcome:
        """Let the hidden message of a run that waited come now: later ones wait behind it."""
        try:
            self._queue.hide(run["message"], 0)
        except PublishError as err:
            log("message not uncovered", run=run["id"], reason=str(err))
            return Outcome(False)
        return Outcome(True)

    def _wake(self, plan: str) -> Outcome:
        """Let the plan report its end: wake its execution, or start one that does nothing else."""
        about = (self._store, self._executions(), self._event.tenant, plan)
        return Outcome(wake(*about) or report_end(*about))


def where(event: Event, thread: Thread | None = None) -> tuple[str, str]:
    """Return the conversation that a stop is about, and whose events there. A request to the API
    names its run, wherever that is."""
    if event.source == "api":
        return "", ""
    if thread:
        return f"{thread.scope}:{thread.ts}", ""
    root, said = event.thread_target, event.message_target
    if event.source == "slack" and (root is None or (said and said.ts == root.ts)):
        return event.scope, event.actor.id
    return event.conversation, ""
