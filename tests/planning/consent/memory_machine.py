"""The states of a plan without a server: the real functions of shared/planning/states over tables
in memory. A plan runs in milliseconds."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

from shared.actions import Action, Query, Receipt
from shared.actions.policy import Policy
from shared.agent.flow import Flow
from shared.aws.executions import Executions
from shared.canonical import canonical
from shared.database import Row, Statement
from shared.desk import Loan, Services
from shared.errors import ActionRejected, AgentFlowsError, EffectUnknown
from shared.events import Event
from shared.journal import Run
from shared.learning.choices.desk import Choices
from shared.memory import Memory
from shared.planning.states.act_verify import act, verify
from shared.planning.states.approve import approve
from shared.planning.states.plan_validate import make_plan, validate
from shared.planning.states.reflect import reflect
from shared.planning.states.report import report
from shared.planning.states.runner import StateCall, StateRunner
from shared.planning.store import SQL, PlanStore, Situation, _situation

Json = dict[str, Any]
#: Answers a question: a state of the approval, and the words.
Person = Callable[[Situation], tuple[str, str]]

_NAMES = {sql: name for name, sql in SQL.items()}
_STATES = {"plan": make_plan, "validate": validate, "approve": approve, "reflect": reflect}
#: No plan enters more states.
_PATIENCE = 400


class Ended(NamedTuple):
    state: str
    error: Exception | None = None


class Tables:
    """The tables of one plan, and what the statements of store.sql do to them."""

    def __init__(self, event: Event, goal: str) -> None:
        self.plan: Row = {
            "id": "p1",
            "flow": "plan",
            "goal": goal,
            "may_write": event.actor.is_insider,
            "state": "planning",
            "reason": "",
            "cancelled_by": "",
            "event": event.to_json(),
            "cost": 0.0,
        }
        self.versions: dict[int, Row] = {}
        self.steps: dict[str, Row] = {}
        self.writes: dict[str, Row] = {}
        self.approvals: dict[str, Row] = {}

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        for statement in statements:
            values = dict(statement.parameters)
            getattr(self, f"_{_NAMES[statement.sql]}")(**values)
        return [[] for _ in statements]

    def load(self, tenant: str, plan: str) -> Situation:
        steps = sorted(self.steps.values(), key=lambda row: row["position"])
        shown = [{k: v for k, v in row.items() if k != "position"} for row in steps]
        rows = (
            [self.plan],
            list(self.versions.values()),
            shown,
            list(self.writes.values()),
            list(self.approvals.values()),
        )
        return _situation(tenant, plan, [[dict(row) for row in table] for table in rows])

    def load_after(
        self, tenant: str, plan: str, statements: Sequence[Statement]
    ) -> tuple[list[list[Row]], Situation]:
        return self.run(tenant, statements), self.load(tenant, plan)

    def _add_version(self, version: int, steps: str, **_: object) -> None:
        row = {"version": version, "steps": json.loads(steps), "checked": False}
        self.versions.setdefault(version, row | {"fault": "", "feedback": []})

    def _name_version(self, **_: object) -> None:
        self.plan["state"] = "planning"

    def _check_version(self, version: int, **_: object) -> None:
        self.versions[version]["checked"] = True

    def _fault_version(self, version: int, fault: str, checked: bool = True, **told: Any) -> None:
        row = self.versions[version]
        if not row["fault"]:
            told = {name: json.loads(told[name]) for name in ("feedback", "lesson")}
            row |= {"fault": fault, "checked": checked, **told}

    def _put_step(self, id: str, version: int, position: int, step: str, **_: object) -> None:
        old = self.steps.get(id)
        if old is None or (old["version"] < version and old["state"] != "done"):
            self.steps[id] = {
                "version": version,
                "step": json.loads(step),
                "state": "waiting",
                "attempts": 0,
                "output": None,
                "reason": "",
                "position": position,
            }

    def _drop_steps(self, kept: Sequence[str], **_: object) -> None:
        for id, row in self.steps.items():
            if id not in kept and row["state"] != "done":
                row["state"] = "dropped"

    def _in_doubt(self, **_: object) -> None:
        """Every effect here is known to be done or not."""

    def _run_plan(self, state: str, **_: object) -> None:
        self.plan["state"] = state

    def _set_step(self, id: str, state: str, reason: str, output: str | None, **_: object) -> None:
        given = self.steps[id]["output"] if output is None else json.loads(output)
        self.steps[id] |= {"state": state, "reason": reason, "output": given}

    def _keep_write(self, effect: str, output: str | None, **row: Any) -> None:
        kept = {name: row[name] for name in ("state", "reason", "reach")}
        old = self.writes.get(effect)
        if old is None or old["state"] == "failed":
            given = None if output is None else json.loads(output)
            kept["reach"] = (old and old["reach"]) or kept["reach"]
            self.writes[effect] = {"effect": effect, "output": given, **kept}

    def _try_again(self, id: str, attempts: int, **_: object) -> None:
        self.steps[id] |= {"state": "waiting", "attempts": attempts + 1, "output": None}

    def _keep_run(self, **_: object) -> None: ...

    def _keep_card(self, **_: object) -> None: ...

    def _ask(self, digest: str, payload: str, **row: Any) -> None:
        kept = {name: row[name] for name in ("version", "steps", "token")}
        answer = {"state": "asked", "said": "", "decided_by": "", "expired": False}
        times = {"expires_at": 2e9, "decided_at": None}
        asked = {"digest": digest, "payload": json.loads(payload), **kept, **answer, **times}
        self.approvals.setdefault(digest, asked)

    def decide(self, digest: str, state: str, said: str) -> None:
        self.approvals[digest] |= {"state": state, "said": said, "decided_by": "ada"}

    def _give_up(self, reason: str, **_: object) -> None:
        self.plan["reason"] = reason

    def _finish_plan(self, state: str, reason: str, **_: object) -> None:
        self.plan |= {"state": state, "reason": reason}


class MemoryMachine:
    """Runs one plan of `flow`. A subclass is what its agent thinks with, and answers its queries.

    `done` are the actions that were performed in steps, with True where a person had consented. The
    platform `refuses` writes by their number, and `loses` the answers to others.
    """

    def __init__(self, flow: Flow, event: Event, person: Person) -> None:
        # There is no database here in which a team's settings could stand.
        self.flow, self.event, self.person = replace(flow, settings=None), event, person
        self.tables = Tables(event, event.text)
        self.done: list[tuple[Action, bool]] = []
        self.refuses: Collection[int] = ()
        self.loses: Collection[int] = ()
        self._writes = 0
        self._ended: set[str] = set()
        store, executions = cast("PlanStore", self.tables), cast("Executions", self)
        adapter: Any = self
        self._runner = StateRunner(
            self.flow, self._attempt, store, lambda: executions, lambda wanted: adapter
        )

    def run(self) -> str:
        """Carry the plan out and return the state that it ended in."""
        following = ["plan", "validate"]
        for _ in range(_PATIENCE):
            name = following.pop(0)
            answer = _STATES[name](self._call({}))
            if following:
                continue
            match answer.get("next", "reflect"):
                case "wave":
                    self._wave(answer["steps"])
                    following = ["reflect"]
                case "plan":
                    following = ["plan", "validate"]
                case "approve":
                    following = ["approve"]
                case "report":
                    return str(report(self._call({}))["state"])
                case _:
                    self._answer()
                    following = ["reflect"]
        raise AssertionError("the plan does not end")

    def _wave(self, steps: Sequence[str]) -> None:
        for state in (act, verify):
            for step in steps:
                state(self._call({"step": step}))

    def _answer(self) -> None:
        situation = self.tables.load("t", "p1")
        open_ones = [one for one in situation.approvals if one.state == "asked"]
        for asked in open_ones:
            self.tables.decide(asked.digest, *self.person(situation))

    def _call(self, payload: Json) -> StateCall:
        payload = {"tenant": self.event.tenant, "plan": "p1", "token": "t", **payload}
        return self._runner.call(payload, lambda: 60.0)

    def _attempt(
        self, event: Event, remaining: Any, work: Any, *, acts: bool, closing: Any, **_: Any
    ) -> Ended:
        if event.id in self._ended:
            return Ended("")
        agent = MemoryAgent(self, event, self.flow.policy(event, acts=acts))
        try:
            statements = work(agent)
        except AgentFlowsError as err:
            return Ended("failed", err)
        self.tables.run(event.tenant, statements)
        self._ended.add(event.id)
        return Ended("done")

    def write(self, action: Action) -> None:
        """Note that a step writes, unless the platform refuses or its answer is lost."""
        self._writes += 1
        if self._writes in self.refuses:
            raise ActionRejected("github: refused")
        self.done.append((action, self.consented(action)))
        if self._writes in self.loses:
            raise EffectUnknown("github: no answer")

    def consented(self, action: Action) -> bool:
        """Return True when a person has approved exactly this action."""
        wanted = (type(action).__name__, action.target.ref, canonical(action.arguments))
        return any(
            (one["kind"], one["target"], canonical(one["arguments"])) == wanted
            for asked in self.tables.approvals.values()
            if asked["state"] == "approved"
            for one in asked["payload"].get("actions", ())
        )

    # What a test replaces

    def ask(self, prompt: str, *context: object, returns: Any, **_: object) -> Any:
        raise NotImplementedError

    def recall(self, query: str, **_: object) -> list[Memory]:
        return []

    def read(self, query: Query) -> Any:
        raise NotImplementedError

    # Executions

    def succeed(self, token: str, answer: Json) -> bool:
        return True


class _FirstArm:
    """Chooses as without a policy."""

    def choose(self, name: str, arms: Sequence[Any], context: object) -> Any:
        return arms[0]


class MemoryAgent:
    """The agent of a run: it keeps to the policy, and notes what it does."""

    def __init__(self, machine: MemoryMachine, event: Event, policy: Policy) -> None:
        self.event = event
        self._machine = machine
        self._policy = policy
        self.ask, self.recall, self.read = machine.ask, machine.recall, machine.read

    def remember(self, text: str, **_: object) -> None: ...

    def desk(self, kind: type[Any]) -> Any:
        if kind is Choices:
            return _FirstArm()
        return kind(
            Loan(cast("Run", self), Services({}), float, lambda query: None, lambda *_: True)
        )

    def act(self, action: Action) -> Receipt:
        self._policy.spend(action)
        if "/write/" in self.event.id:
            self._machine.write(action)
        return Receipt("1", "https://github.com/acme/shop/issues/7")
