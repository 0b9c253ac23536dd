"""The desk of plans: start, answer and click, each as journaled steps of the run that a person
caused."""

from collections.abc import Callable, Mapping
from typing import Literal, Self

from shared.aws.executions import Executions
from shared.database import Database, Row, Statement
from shared.desk import Loan, Preview
from shared.errors import NotPermitted, SettingsError, TurnedOff
from shared.events import Thread
from shared.journal import Outcome, Run, keeping
from shared.learning.signals.desk import DECIDED, SignalsDesk
from shared.learning.signals.store import Caused
from shared.perception.writers import in_thread
from shared.planning.messages import click
from shared.planning.states.answering import check_differs, identified, question_for
from shared.planning.store import SQL, PlanStore, statement
from shared.settings import Settings

ApprovalDecision = Literal["approved", "rejected", "changed"]
#: The decision that each answer of a person makes.
ANSWERS: Mapping[str, ApprovalDecision] = {
    "approve": "approved",
    "reject": "rejected",
    "change": "changed",
}
_SAY_WHAT = "Say what to change: mention me here with `change` and a sentence."


def executions_of(settings: Settings) -> Executions:
    """Return the executions of the state machine; raises SettingsError without PLANNER_ARN."""
    return Executions(settings.require("planner_arn"))


class PlanDesk:
    """Works on the plans of a conversation as the actor of the run's event."""

    def __init__(
        self,
        run: Run,
        store: PlanStore,
        executions: Callable[[], Executions],
        may_write: Callable[[], bool],
        *,
        differs: bool,
        preview: Preview,
        signals: SignalsDesk,
    ) -> None:
        """With `differs`, nobody approves a plan that they asked for."""
        self._preview = preview
        self._signals = signals
        self._run = run
        self._event = run.event
        self._store = store
        self._executions = executions
        self._may_write = may_write
        self._differs = differs

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the plans of the run's tenant."""
        settings, store = loan.services[Settings], PlanStore(loan.services[Database])
        # A misspelt setting is the strict one.
        differs = settings.approver_differs != "off"
        return cls(
            loan.run,
            store,
            lambda: loan.services.get(Executions, lambda: executions_of(settings)),
            loan.may_write,
            differs=differs,
            preview=loan.preview,
            signals=SignalsDesk.lend(loan),
        )

    def start(self, goal: str, thread: Thread | None = None) -> str:
        """Work towards `goal` in steps, and return the id of the plan; the same event starts it
        once.

        With a `thread` the plan goes on there, when the event itself is in none. For a person who
        may not write it can only read, and so it can in a preview. Raises SettingsError when the
        repository of the place belongs to another tenant.
        """
        place = self._event.workplace
        if place and place.tenant != self._event.tenant:
            raise _foreign()
        tenant, plan = self._event.tenant, self._run.id
        event = in_thread(self._event, thread) if thread else self._event
        may_write = self._may_write() and not self._preview.is_on
        values = {"event": event.id, "flow": self._run.flow, "goal": goal}
        kept = [statement("start_plan", tenant, plan, may_write=may_write, **values)]
        if thread:
            kept.insert(0, keeping(event))
        self._run.step("plan", {"goal": goal}, lambda: Outcome(plan, statements=kept))

        def begin() -> Outcome:
            self._executions().start(plan, {"tenant": tenant, "plan": plan})
            return Outcome(plan)

        self._run.step("start", {"plan": plan}, begin)
        return plan

    def answer(
        self, decision: ApprovalDecision, words: str = "", of: str = "", *, step: str = ""
    ) -> str:
        """Answer the only open question of the conversation, or the one that `of` names: a plan, a
        step, a question by the first characters of its digest, or a plan's question as
        `plan/digest`; it must be about `step`, if that is given.

        Returns the id of the plan, or nothing when no question is open. The first answer counts.
        Raises NotPermitted for a person who may not write, TurnedOff for an approval where the team
        wants only a preview by now, and AnswerRefused when it is not sure that they mean this
        question, or are another than who asked.
        """
        self._check_may_write()
        if self._preview.is_on and decision == "approved":
            raise TurnedOff("the plan began before its team wanted only a preview")
        asked = self._look_up("asked", of, named=self._plan_of_api(of))
        question = question_for(self._event, asked, of, step)
        if question is None:
            return ""
        if self._differs and decision == "approved":
            check_differs(self._event, question)
        plan: str = question["plan_id"]
        self._decide(plan, question["digest"], decision, words)
        self._wake(plan)
        return plan

    def click(self, value: str) -> str:
        """Take the click of a button of a plan's message; raises as `answer`.

        Returns the text for the person who clicked; nothing when the message itself will show it.
        """
        clicked = click(value)
        if clicked is None:
            return ""
        answered = clicked.verb != "change" and self.answer(ANSWERS[clicked.verb], of=clicked.name)
        standing = self._standing(clicked.name)
        if not answered:
            return _closed(standing) or _SAY_WHAT
        mine = {"state": ANSWERS[clicked.verb], "decided_by": self._event.actor.name}
        return "" if mine.items() <= standing.items() else _closed(standing)

    def _check_may_write(self) -> None:
        if not self._may_write():
            raise NotPermitted("that needs write permission; somebody who has it must do it")

    def _plan_of_api(self, of: str) -> str:
        """Return the plan that a request to the API names: the API is not a conversation."""
        return of.partition("/")[0] if self._event.source == "api" else ""

    def _standing(self, name: str) -> Row:
        """Look up how a question of this conversation stands; nothing when there is none."""
        plan, _, digest = name.partition("/")
        rows = self._look_up("standing", name, plan=plan, digest=digest)
        return rows[0] if rows else {}

    def _look_up(self, name: str, of: str, **values: str) -> list[Row]:
        """Run the named query about this conversation in a step of its own."""
        tenant = self._event.tenant
        key = {"tenant": tenant, "conversation": self._event.conversation} | values

        def work() -> Outcome:
            return Outcome(self._store.run(tenant, [Statement(SQL[name], key)])[0])

        rows: list[Row] = self._run.step(name, {"of": of}, work)
        return rows

    def _decide(self, plan: str, name: str, decision: ApprovalDecision, words: str) -> None:
        values = {"digest": name, "state": decision, "said": words, "by": self._event.actor.name}
        values["decider"] = identified(self._event)
        decided = statement("decide", self._event.tenant, plan, **values)
        self._run.step(
            "decide", {"plan": plan} | values, lambda: Outcome(decision, statements=[decided])
        )
        thing, about = ("plan", plan, name), Caused(run=plan)
        kind = DECIDED[decision]
        self._signals.note(self._signals.said(kind, about, *thing, cause=decision, words=words))

    def _wake(self, plan: str) -> None:
        """Wake the execution that waits; it reads the change from the database."""

        def work() -> Outcome:
            return Outcome(wake(self._store, self._executions(), self._event.tenant, plan))

        self._run.step("wake", {"plan": plan}, work)


def wake(store: PlanStore, executions: Executions, tenant: str, plan: str) -> int:
    """Wake the executions that wait for answers about a plan, and return how many did."""
    situation = store.load(tenant, plan)
    tokens = [approval.token for approval in situation.approvals if approval.token]
    return sum(executions.succeed(token, {}) for token in tokens)


def report_end(store: PlanStore, executions: Executions, tenant: str, plan: str) -> bool:
    """Start an execution that reports the end of a plan, unless a function works on it and does so
    itself: what pauses for an outage would report late, and what has died or not begun never."""
    at_work: bool = store.run(tenant, [statement("at_work", tenant, plan)])[0][0]["at_work"]
    if not at_work:
        executions.start(f"{plan}-end", {"tenant": tenant, "plan": plan})
    return not at_work


def _foreign() -> SettingsError:
    err = SettingsError(
        "REPOSITORIES gives this channel a repository of another tenant than its workspace's;"
        " correct it, or join the two in TENANTS"
    )
    err.public = "The repository that REPOSITORIES gives this channel belongs to another tenant."
    return err


def _closed(standing: Row) -> str:
    """Tell why a question takes no more answers; nothing when it still does."""
    if not standing:
        return "I know of no such question here."
    if standing["state"] in ANSWERS.values():
        return f"This was answered before, by {standing['decided_by']}. Your click changed nothing."
    if standing["outdated"]:
        return "The plan has changed since, or is over. Your click changed nothing."
    if standing["expired"] or standing["state"] == "expired":
        return "The time to answer this is over. Nothing was done."
    return ""
