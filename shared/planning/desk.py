"""The desk: where a person's word about a plan arrives, each as journaled steps of the run that
brings it."""

from collections.abc import Callable, Mapping
from typing import Literal, Self

from shared.aws.executions import Executions
from shared.database import Database, Statement
from shared.desk import Loan
from shared.errors import PolicyError, SettingsError
from shared.events import Event, Thread
from shared.journal import Outcome, Run, keeping
from shared.planning.displays import NAMED, click
from shared.planning.store import QUESTION, SQL, PlanStore, statement
from shared.settings import Settings

Answer = Literal["approved", "rejected", "changed"]
#: What a person's word comes to.
ANSWERS: Mapping[str, Answer] = {
    "approve": "approved",
    "reject": "rejected",
    "change": "changed",
}


def executions_of(settings: Settings) -> Executions:
    """Return the executions of the state machine; raises SettingsError without PLANNER_ARN."""
    return Executions(settings.require("planner_arn"))


class PlanDesk:
    """What people may do about the plans of a conversation, as the actor of the run's event."""

    def __init__(self, run: Run, store: PlanStore, executions: Callable[[], Executions]) -> None:
        self._run = run
        self._event = run.event
        self._store = store
        self._executions = executions

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the plans of the run's tenant."""
        settings, store = loan.services[Settings], PlanStore(loan.services[Database])
        return cls(loan.run, store, lambda: executions_of(settings))

    def start(self, goal: str, thread: Thread | None = None) -> str:
        """Work towards `goal` in steps, and return the id of the plan; the same event starts it
        once.

        With a `thread` the plan is carried on there, where the event itself is in none. Raises
        SettingsError when the repository of the place is another tenant's.
        """
        if self._event.workplace and not self._event.repository:
            raise _foreign()
        tenant, plan = self._event.tenant, self._run.id
        event = _in_thread(self._event, thread) if thread else self._event
        values = {"event": event.id, "flow": self._run.flow, "goal": goal}
        kept = [statement("start_plan", tenant, plan, **values)]
        if thread:
            kept.insert(0, keeping(event))
        self._run.step("plan", {"goal": goal}, lambda: Outcome(plan, statements=kept))

        def begin() -> Outcome:
            self._executions().start(plan, {"tenant": tenant, "plan": plan})
            return Outcome(plan)

        self._run.step("start", {"plan": plan}, begin)
        return plan

    def answer(self, answer: Answer, words: str = "", of: str = "", *, step: str = "") -> str:
        """Answer what the newest plan of the conversation asks, or what `of` names: a plan, a step,
        a question by the first characters of its digest, or a plan's question as `plan/digest`;
        it must be about `step`, if that is given.

        Returns the id of the plan, or nothing when no question is open. The first answer counts.
        Raises PolicyError for a person who may not write.
        """
        if not self._event.actor.may_write:
            raise PolicyError("answering needs write permission; somebody who has it must do it")
        asked = self._step("asked", {"of": of})
        named = [row for row in asked if not of or _names(of, row)]
        if step:
            named = [row for row in named if step in (_steps(row) or [QUESTION])]
        if not named:
            return ""
        plan, name = str(named[0]["plan_id"]), str(named[0]["digest"])
        self._decide(plan, name, answer, words)
        self._wake(plan)
        return plan

    def click(self, value: str) -> str:
        """Take the click of a button that a plan was shown with; raises PolicyError as `answer`.

        Returns what to tell who clicked; nothing, when the message itself will show it.
        """
        clicked = click(value)
        if clicked is None:
            return ""
        if clicked.verb != "change" and self.answer(ANSWERS[clicked.verb], of=clicked.name):
            mine = (ANSWERS[clicked.verb], self._event.actor.name)
            standing = self._standing(clicked.name)
            is_mine = bool(standing) and (standing["state"], standing["decided_by"]) == mine
            return "" if is_mine else _closed(standing)
        standing = self._standing(clicked.name)
        return (
            _closed(standing) or "Say what to change: mention me here with `change` and a sentence."
        )

    def cancel(self, of: str = "") -> str:
        """Stop the newest plan of the conversation, or the one named; return its id, if any."""
        open_plans = [str(row["id"]) for row in self._step("open_plans", {"of": of})]
        named = [plan for plan in open_plans if not of or of == plan]
        if not named:
            return ""
        plan = named[0]
        by = self._event.actor.name
        ended = statement("cancel", self._event.tenant, plan, by=by)
        self._run.step("cancel", {"plan": plan}, lambda: Outcome(plan, statements=[ended]))
        self._wake(plan)
        return plan

    def _step(self, name: str, input: dict[str, str]) -> list[dict[str, object]]:
        """Look up, in a step of its own, what waits in this conversation, or for the API what waits
        in the plan that is named: it is no place of its own, and is asked about all of them."""
        named = input["of"].partition("/")[0] if self._event.source == "api" else ""
        values = {
            "tenant": self._event.tenant,
            "conversation": self._event.conversation,
            "named": named,
        }

        def work() -> Outcome:
            return Outcome(self._store.run(self._event.tenant, [Statement(SQL[name], values)])[0])

        found: list[dict[str, object]] = self._run.step(name, input, work)
        return found

    def _standing(self, name: str) -> dict[str, object]:
        """Look up how a question of this conversation stands; nothing when there is none."""
        tenant, conversation = self._event.tenant, self._event.conversation
        plan, _, digest = name.partition("/")
        values = {"tenant": tenant, "conversation": conversation, "plan": plan, "digest": digest}

        def work() -> Outcome:
            return Outcome(self._store.run(tenant, [Statement(SQL["standing"], values)])[0])

        rows: list[dict[str, object]] = self._run.step("standing", {"of": name}, work)
        return rows[0] if rows else {}

    def _decide(self, plan: str, name: str, answer: Answer, words: str) -> None:
        values = {"digest": name, "state": answer, "said": words, "by": self._event.actor.name}
        decided = statement("decide", self._event.tenant, plan, **values)
        self._run.step(
            "decide", {"plan": plan} | values, lambda: Outcome(answer, statements=[decided])
        )

    def _wake(self, plan: str) -> None:
        """Wake the execution that waits; it finds by itself what has changed."""

        def work() -> Outcome:
            situation = self._store.load(self._event.tenant, plan)
            tokens = [approval.token for approval in situation.approvals if approval.token]
            return Outcome(sum(self._executions().succeed(token, {}) for token in tokens))

        self._run.step("wake", {"plan": plan}, work)


def _in_thread(event: Event, thread: Thread) -> Event:
    """Return what was said outside of threads as said in `thread`, under an id of its own."""
    return event._replace(
        id=f"{event.id}/{thread.ts}",
        conversation=f"{thread.scope}:{thread.ts}",
        payload={},
        thread_target=thread,
        response_target=None,
    )


def _foreign() -> SettingsError:
    err = SettingsError(
        "REPOSITORIES gives this channel a repository of another tenant than its workspace's;"
        " correct it, or join the two in TENANTS"
    )
    err.public = "The repository that REPOSITORIES gives this channel belongs to another tenant."
    return err


def _names(of: str, row: dict[str, object]) -> bool:
    plan, digest = str(row["plan_id"]), str(row["digest"])
    short = len(of) >= NAMED and digest.startswith(of)
    return of in {plan, f"{plan}/{digest}"} or short or of in _steps(row)


def _closed(standing: dict[str, object]) -> str:
    """Say why a question takes no answer any more; nothing when it still does."""
    if not standing:
        return "I know of no such question here."
    if standing["state"] in ANSWERS.values():
        return f"This was answered before, by {standing['decided_by']}. Your click changed nothing."
    if standing["outdated"]:
        return "The plan has changed since, or is over. Your click changed nothing."
    if standing["expired"] or standing["state"] == "expired":
        return "The time to answer this is over. Nothing was done."
    return ""


def _steps(row: dict[str, object]) -> list[str]:
    steps = row["steps"]
    return steps if isinstance(steps, list) else []
