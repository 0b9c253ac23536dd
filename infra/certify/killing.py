"""Parts of a function that die by SIGKILL, stop, or lose an answer, where they are told to.

A boundary is the moment before or after anything that leaves the process: a transaction, a call of
a model, a request to a platform.
"""

import os
import signal
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from slack_sdk.web import SlackResponse

from shared import journal
from shared.actions import Adapter
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.github.connection import Connection, GitHubResponse
from shared.actions.github.session import GitHubSession
from shared.actions.platforms import Platforms
from shared.actions.slack.adapter import SlackAdapter
from shared.actions.slack.bot_client import BotClient
from shared.agent.flow import Flow
from shared.database import ROLE, Database, Row, Statement
from shared.errors import ActionUnavailable, ModelUnavailable
from shared.events import Event
from shared.journal import Journal, Run
from shared.models import ModelReply, ModelRequest
from shared.models.routing import Models
from shared.settings import Settings


class KillSwitch:
    """Counts the boundaries, and ends the process at number `end`, or stops it at `held` until it
    gets SIGCONT. It counts the answers from outside too; number `lost` does not arrive."""

    def __init__(self, end: int = 0, *, held: int = 0, lost: int = 0) -> None:
        self.boundaries: list[str] = []
        self.answers: list[str] = []
        self._signals = {end: signal.SIGKILL, held: signal.SIGSTOP}
        self._lost = lost
        self._lock = threading.Lock()

    def boundary(self, label: str = "") -> None:
        with self._lock:
            self.boundaries.append(label)
            if wanted := self._signals.get(len(self.boundaries)):
                os.kill(os.getpid(), wanted)

    def loses(self, label: str) -> bool:
        """Count an answer that has arrived; tell if it is to be lost."""
        with self._lock:
            self.answers.append(label)
            return len(self.answers) == self._lost


class KillableDatabase(Database):
    def __init__(
        self, url: str, switch: KillSwitch, *, patience: float = 5, role: str = ROLE
    ) -> None:
        super().__init__(url, patience=patience, role=role)
        self._switch = switch

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        label = _written(statements)
        self._switch.boundary(f"before {label}")
        rows = super().run(tenant, statements)
        self._switch.boundary(f"after {label}")
        return rows


class BriefJournal(Journal):
    """Its leases end after `lease` seconds, by default at once, so that nobody has to wait for
    those of the dead. It keeps the runs that it claimed."""

    def __init__(self, database: Database, lease: float = 0) -> None:
        super().__init__(database)
        self._lease = lease
        self.runs: list[Run] = []

    def claim(
        self, event: Event, flow: str, lease: float, *, queued: bool = False, stoppable: bool = True
    ) -> Run | None:
        run = super().claim(event, flow, self._lease, queued=queued, stoppable=stoppable)
        self.runs += [run] if run else []
        return run


class KillableModels(Models):
    def __init__(
        self, settings: Settings, switch: KillSwitch, database: Database | None = None
    ) -> None:
        super().__init__(settings, database)
        self._switch = switch

    def reply(self, role: str, request: ModelRequest, **more: Any) -> ModelReply:
        label = f"the model {role}"
        self._switch.boundary(f"before {label}")
        reply = super().reply(role, request, **more)
        if self._switch.loses(label):
            raise ModelUnavailable(f"{label}: its answer was lost")
        self._switch.boundary(f"after {label}")
        return reply


def killable_client(switch: KillSwitch) -> type[BotClient]:
    class KillableClient(BotClient):
        def api_call(self, api_method: str, *arguments: Any, **named: Any) -> SlackResponse:
            switch.boundary(f"before {api_method}")
            response = super().api_call(api_method, *arguments, **named)
            if switch.loses(api_method):
                raise TimeoutError("the answer was lost")
            switch.boundary(f"after {api_method}")
            return response

    return KillableClient


def killable_session(switch: KillSwitch) -> type[GitHubSession]:
    class KillableSession(GitHubSession):
        def send(
            self, doing: str, repository: str, verb: str, *arguments: Any, **named: Any
        ) -> tuple[Connection, GitHubResponse]:
            label = f"{verb} to {doing}"
            switch.boundary(f"before {label}")
            answer = super().send(doing, repository, verb, *arguments, **named)
            if switch.loses(label):
                raise ActionUnavailable(f"github: could not {doing}: no answer", sent=verb != "GET")
            switch.boundary(f"after {label}")
            return answer

    return KillableSession


class KillablePlatforms(Platforms):
    """The platforms of a flow, request by request."""

    def __init__(self, flow: Flow, settings: Settings, switch: KillSwitch) -> None:
        self._switch = switch
        super().__init__(flow.may, flow.reads, settings)

    def connect(self, connector: str, rights: Mapping[str, str]) -> Adapter:
        match connector.split(":", maxsplit=1)[0].rpartition(".")[2]:
            case "github":
                session = killable_session(self._switch)
                return GitHubAdapter(self._settings, permissions=rights, session=session)
            case "slack":
                return SlackAdapter(self._settings, client=killable_client(self._switch))
        return super().connect(connector, rights)


def _written(statements: Sequence[Statement]) -> str:
    """Say what a transaction writes, in the words of journal.sql."""
    for statement in reversed(statements):
        name = _names().get(statement.sql)
        about = {
            "read_effects": "the claim of the run",
            "record_step": f"the record of step {statement.parameters.get('name')}",
            "settle_effect": f"the end of an effect: {statement.parameters.get('state')}",
            "previous_receipt": f"the intent to {statement.parameters.get('tool')}",
            "finish_run": f"the end of the run: {statement.parameters.get('state')}",
        }
        if name in about:
            return about[name]
    return "another transaction"


@cache
def _names() -> dict[str, str]:
    return {sql: name for name, sql in journal.SQL.items()}
