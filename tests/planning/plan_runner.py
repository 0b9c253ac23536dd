"""Runs plans: the real machine in moto's interpreter, the real handlers, the real Postgres,
and a platform in memory. Functions run in this process, and die when a test says so."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from infra.local.aws import asl_interpreter
from infra.local.aws.errors import FunctionError
from infra.local.aws.state_machines import StateMachine, StateMachines, StatesError
from infra.local.aws.states_api import StatesApi
from infra.local.aws.store import Store
from infra.local.http_server import HttpServer
from infra.project import ROOT
from shared.actions import Action, Adapter, Query
from shared.actions.github.actions import NamedComment
from shared.agent.flow import Flow
from shared.database import Database, Statement
from shared.events import Event
from shared.journal import Journal
from shared.planning.store import PlanStore, Situation
from shared.runtime.composition import handler_of
from shared.testing import FlowRunner

ACCOUNT = "210000000001"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:plan"
MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:planner"
#: A generous limit for what must happen soon.
PATIENCE = 30.0

Json = dict[str, Any]
Adapters = Callable[[Action | Query], Adapter]


class Death(BaseException):
    """The function's process dies here."""


class Context:
    """A Lambda context; `seconds` is short, so that the lease of a dead function soon ends."""

    seconds = 1.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class PlanRunner:
    """Runs plans of `flow`.

    `dies` names the calls in which the function dies, before (`before:Act`) or after (`after:Act`)
    its work; `fails` maps a state to errors that its function answers
    instead of working, `answers` to what it answers instead of what it found. While `holds` is
    clear, Report waits."""

    def __init__(self, runner: FlowRunner, flow: Flow) -> None:
        self.runner = runner
        self.flow = flow
        self.fails: dict[str, list[str]] = {}
        self.answers: dict[str, Json] = {}
        self.dies: list[str] = []
        self.holds = threading.Event()
        self.holds.set()
        self.calls: list[Json] = []
        self._worked = threading.Event()
        self.store = Store()
        self.machines = StateMachines(ACCOUNT, self.store)
        definition = (ROOT / "infra/planner.asl.json").read_text("utf-8")
        definition = definition.replace("${Function}", FUNCTION).replace("${Partition}", "aws")
        self.machines.add(StateMachine("planner", MACHINE, definition))
        self._planner = handler_of(flow, Journal(runner.database), runner.can)
        self.histories: list[list[Json]] = []

    def invoke(self, function: str, payload: bytes) -> bytes:
        """Be the function: what a handler raises, Lambda reports by the name of its class."""
        call = json.loads(payload)
        state = call["state"]
        self.calls.append(call)
        try:
            if self.fails.get(state):
                raise FunctionError(function, {"errorType": self.fails[state].pop(0)})
            self._die(f"before:{state}")
            if state == "Report":
                self.holds.wait(PATIENCE)
            answer = self._planner(call, Context())
            answer = self.answers.get(state, answer)
            self._die(f"after:{state}")
            return json.dumps(answer).encode()
        except Death:
            # Nobody waits here for the lease of a function that is dead.
            self._query("update runs set lease_until = now() where state = 'running'")
            raise FunctionError(function, {"errorType": "Runtime.ExitError"}) from None
        except FunctionError:
            raise
        except Exception as err:
            raise FunctionError(function, {"errorType": type(err).__name__}) from err
        finally:
            self._worked.set()

    def _die(self, place: str) -> None:
        if place in self.dies:
            self.dies.remove(place)
            raise Death

    def restart(self) -> None:
        """Be ./scripts/dev that was stopped and started: executions begin anew."""
        self.keep_histories()
        self.machines.close()
        self.machines._executions.clear()
        self.machines.open(self.invoke)

    def ask(self, event: Event) -> str:
        """Deliver the event and return the id of the plan that it started."""
        assert self.runner.deliver(self.flow, event) == []
        return self.plans()[-1]

    def plans(self) -> list[str]:
        rows = self._query("select id from plans order by created_at, id")
        return [row["id"] for row in rows]

    def situation(self, plan: str, tenant: str = "github:acme") -> Situation:
        return PlanStore(self.runner.database).load(tenant, plan)

    def ended(self, plan: str) -> Situation:
        """Wait until the execution is over and return how the plan stands."""
        self.wait_for(lambda: self._has_ended(plan), pause=0.01)  # no question to the database
        return self.situation(plan)

    def _has_ended(self, plan: str) -> bool:
        try:
            return bool(self.execution(plan).status != "RUNNING")
        except StatesError:  # it has not begun
            return False

    def execution(self, plan: str) -> Any:
        return self.machines.get(f"{MACHINE.replace('stateMachine', 'execution')}:{plan}")

    def asked(self, plan: str) -> Situation:
        """Wait until a person is asked."""
        self.wait_for(lambda: self.situation(plan).state == "waiting")
        return self.situation(plan)

    def wait_for(self, condition: Callable[[], Any], pause: float = 0.25) -> Any:
        """Ask again when a function has worked, which is when plans change, or a little later."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self._worked.clear()
            if result := condition():
                return result
            assert time.monotonic() < deadline, [call["state"] for call in self.calls]
            self._worked.wait(pause)

    def said(self) -> list[str]:
        """Return the texts that people read, in order."""
        done = self.runner.platform.done
        said = (
            action.text
            if isinstance(action, NamedComment) and action.name == "notice"
            else getattr(action, "body", None)
            for action in done
        )
        return [text for text in said if text]

    def shown(self, end: str = "/live") -> list[str]:
        """Return the texts of the messages that change, in order; `end` ends their names."""
        done = [a for a in self.runner.platform.done if isinstance(a, NamedComment)]
        return [action.text for action in done if action.name.endswith(end)]

    def transitions(self, plan: str) -> int:
        return sum(
            event["type"].endswith("StateEntered") for event in self.execution(plan).events()
        )

    def entered(self) -> set[str]:
        """The names of the states that any execution here has entered."""
        self.keep_histories()
        return {
            event["stateEnteredEventDetails"]["name"]
            for history in self.histories
            for event in history
            if "stateEnteredEventDetails" in event
        }

    def keep_histories(self) -> None:
        self.histories += [execution.events() for execution in self.machines.executions()]

    def _query(self, sql: str) -> Sequence[Json]:
        return self.runner.database.run("github:acme", [Statement(sql, {})])[0]


@contextmanager
def plan_runner(
    database: Database, flow: Flow, adapters: Adapters | None = None, **settings: str
) -> Iterator[PlanRunner]:
    """Start a runner, with the API of Step Functions on a port of its own, and `adapters` in place
    of the one in memory."""
    server = HttpServer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_SFN", server.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "local")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "local")
        patch.setattr(asl_interpreter.pauses, "scale", 0.01)
        runner = FlowRunner(database, planner_arn=MACHINE, **settings)
        if adapters is not None:
            runner.can = runner.can._replace(adapter=adapters)
        made = PlanRunner(runner, flow)
        server.start(StatesApi(made.machines, _nothing))
        made.machines.open(made.invoke)
        try:
            yield made
        finally:
            made.machines.close()
            server.stop()
            made.store.close()


def _nothing(environ: Any, start_response: Any) -> Sequence[bytes]:
    start_response("404 Not Found", [])
    return [b""]
