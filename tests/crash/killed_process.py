"""Hands events to the chat flow in processes that die by SIGKILL at the boundary asked for.

A boundary is the moment before or after anything that leaves the process: a transaction, a call to
the model, a call to Slack, of which each change of a draft is one. Each line of the input is one
delivery, each line of the output how it ended: `done`, `again` or `killed`. Every delivery has a
forked process of its own, which takes milliseconds to start.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from slack_sdk.web import SlackResponse, WebClient

from flows.chat import chat
from infra.local.sandbox.slack import SlackSandbox
from shared.actions.drafts import Pace
from shared.actions.slack.adapter import SlackAdapter
from shared.database import Database, Row, Statement
from shared.events import Event
from shared.journal import Journal, Run
from shared.models import ModelReply, ModelRequest
from shared.models.routing import Models
from shared.runtime.composition import handler_of
from shared.settings import Settings
from tests.actions.slack.chat_runner import Context, Servers, batch, capabilities

_ENDS = {0: "done", 1: "again", -signal.SIGKILL: "killed"}


class KillSwitch:
    """Counts the boundaries, and ends the process at the one that was asked for."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._seen = 0

    def boundary(self) -> None:
        self._seen += 1
        if self._seen == self._end:
            os.kill(os.getpid(), signal.SIGKILL)


class KillableDatabase(Database):
    def __init__(self, url: str, switch: KillSwitch) -> None:
        super().__init__(url, patience=5)
        self._switch = switch

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        self._switch.boundary()
        rows = super().run(tenant, statements)
        self._switch.boundary()
        return rows


class BriefJournal(Journal):
    """Its leases end at once, so that nobody has to wait for those of the dead."""

    def claim(
        self,
        event: Event,
        flow: str,
        lease: float,
        *,
        queued: bool = False,
        stoppable: bool = True,
    ) -> Run | None:
        return super().claim(event, flow, 0, queued=queued, stoppable=stoppable)


class KillableModels(Models):
    def __init__(self, settings: Settings, switch: KillSwitch) -> None:
        super().__init__(settings)
        self._switch = switch

    def reply(self, role: str, request: ModelRequest, **more: Any) -> ModelReply:
        self._switch.boundary()
        reply = super().reply(role, request, **more)
        self._switch.boundary()
        return reply


def killable_client(switch: KillSwitch) -> type[WebClient]:
    class KillableClient(WebClient):
        def api_call(self, *arguments: Any, **named: Any) -> SlackResponse:
            switch.boundary()
            response = super().api_call(*arguments, **named)
            switch.boundary()
            return response

    return KillableClient


def deliver(order: dict[str, Any]) -> bool:
    """Handle one event; False when it goes back to the queue."""
    switch = KillSwitch(order["boundary"])
    servers = Servers(*order["servers"])
    slack = Settings(slack_bot_token=SlackSandbox.bot_token, slack_api_url=servers.slack)
    adapter = SlackAdapter(slack, client=killable_client(switch))
    with KillableDatabase(order["database"], switch) as database:
        can = capabilities(database, servers, Pace(*order["pace"]))
        models = KillableModels(can.settings, switch)
        killable = can._replace(models=models, adapter=lambda wanted: adapter)
        event = Event.from_json(order["event"])
        handle = handler_of(chat, BriefJournal(database), killable)
        answer = handle(batch(event, order["receives"]), Context())
    return not answer["batchItemFailures"]


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            # What the flow logs is not for the reader of our output.
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            os._exit(0 if deliver(json.loads(line)) else 1)
        _, status = os.waitpid(child, 0)
        print(_ENDS.get(os.waitstatus_to_exitcode(status), "broken"), flush=True)


if __name__ == "__main__":
    main()
