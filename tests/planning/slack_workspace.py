"""A plan in the sandbox Slack: its front door is served over HTTP, as the ingress serves it, and
what comes in reaches the flow."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from werkzeug import Request, Response
from werkzeug.serving import make_server

from flows.control import control
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox, payloads
from infra.local.sandbox.slack.front_door import FrontDoor
from infra.local.sandbox.slack.workspace import ALICE, BOT_USER, SUPPORT, TEAM
from shared.actions import Action, Adapter, Mark, Query, Receipt
from shared.actions.github.actions import OnGitHub
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.slack.actions import Card
from shared.agent.flow import Flow
from shared.database import Database
from shared.perception import slack
from shared.settings import Settings
from tests.actions.slack.sandbox_thread import connect
from tests.planning.plan_runner import Death, PlanRunner, plan_runner

Json = dict[str, Any]
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


class Dying:
    """An adapter under which the function dies at the acts on cards that `dies` names, by number:
    `before:1`, or `after:1` when the platform has already done it."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self.dies: list[str] = []
        self.cards = 0

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        if not isinstance(action, Card):
            return self._adapter.perform(action, mark, previous)
        self.cards += 1
        number = self.cards
        self._die(f"before:{number}")
        receipt = self._adapter.perform(action, mark, previous)
        self._die(f"after:{number}")
        return receipt

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        return self._adapter.find(action, mark)

    def read(self, query: Query) -> Any:
        return self._adapter.read(query)

    def _die(self, place: str) -> None:
        if place in self.dies:
            self.dies.remove(place)
            raise Death


class SlackWorkspace:
    """The sandbox Slack, with a running flow behind its front door."""

    def __init__(self, sandbox: SlackSandbox, it: PlanRunner, adapter: Dying, url: str) -> None:
        self.slack = sandbox
        self.it = it
        #: What REPOSITORIES says.
        self.repositories: dict[str, str] = {}
        self.adapter = adapter
        self._door = FrontDoor(url, SECRET, 30.0)
        self.ts = ""

    def plan(self, goal: str = "tidy up") -> str:
        """Let Alice want something, and return the plan's id."""
        self.ts = self.slack.say(SUPPORT, f"<@{BOT_USER}> plan {goal}")
        return str(self.it.wait_for(self.it.plans)[-1])

    def command(self, command: str, text: str, channel: str = SUPPORT) -> None:
        """Let Alice type a slash command."""
        self.slack.command(command, text, channel)

    def says(self, text: str, user: str = ALICE) -> None:
        self.slack.say(SUPPORT, f"<@{BOT_USER}> {text}", user, self.ts)

    def asked(self, count: int = 1) -> Json:
        """Wait for a message with buttons, the one of that number."""
        return dict(self.it.wait_for(lambda: self._with_buttons(count)))

    def press(self, message: Json, button: str, user: str = ALICE, team: str = TEAM) -> None:
        """Press a button of `message` as it was then, and wait until the agent has taken it."""
        workspace = self.slack.workspace
        token = self.slack._responses.invite(SUPPORT, user, message["ts"])
        payload = payloads.block_actions(
            message,
            button,
            workspace.channel(SUPPORT),
            workspace.users[user],
            self.slack._url(token),
        )
        payload["user"]["team_id"] = team
        assert self._door.interaction(payload).status == 200

    def thread(self) -> list[Json]:
        """The bot's messages in the thread."""
        return self.slack.thread(SUPPORT, self.ts)[1:]

    def texts(self) -> list[str]:
        return [m["blocks"][0]["text"] for m in self.thread() if m["user"] == BOT_USER]

    def whispers(self) -> list[tuple[str, str]]:
        """Return who was told alone, and the text."""
        return [(w["to"], w["blocks"][0]["text"]) for w in self.slack.workspace.whispers(SUPPORT)]

    def _with_buttons(self, count: int) -> Json | None:
        found = [m for m in self.thread() if any(b["type"] == "actions" for b in _blocks(m))]
        seen = {m["ts"]: m for m in found}
        return list(seen.values())[-1] if len(found) >= 1 and len(seen) >= count else None


def _blocks(message: Json) -> list[Json]:
    return list(message.get("blocks", []))


@contextmanager
def slack_workspace(
    database: Database, flow: Flow, hub: GitHubSandbox | None = None, **settings: str
) -> Iterator[SlackWorkspace]:
    """Start the workspace and its runner, with `hub` as GitHub, and these settings."""
    deliver: list[Callable[[Request], None]] = []

    @Request.application
    def door(request: Request) -> Response:
        deliver[0](request)
        return Response()

    server = make_server("127.0.0.1", 0, door, threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    serving = Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    try:
        with SlackSandbox(url, SECRET, pace=0.0, patience=30.0) as sandbox:
            adapter = Dying(connect(sandbox.api_url))
            on_github = _on_github(hub)

            def adapters(wanted: Action | Query) -> Adapter:
                is_github = wanted.connector == OnGitHub.connector
                return on_github if on_github and is_github else adapter

            with plan_runner(database, flow, adapters, **settings) as it:
                made = SlackWorkspace(sandbox, it, adapter, url)
                deliver.append(lambda request: _deliver(made, request))
                yield made
                assert sandbox.settle()
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def _on_github(hub: GitHubSandbox | None) -> Adapter | None:
    settings = Settings(github_token=hub.token, github_api_url=hub.api_url) if hub else None
    return GitHubAdapter(settings) if settings else None


def _deliver(made: SlackWorkspace, request: Request) -> None:
    it = made.it
    body = request.get_data()
    headers = {name.lower(): value for name, value in request.headers.items()}
    slack.verify(body, headers, SECRET, time.time())
    takes = {*it.flow.types, *control.types}.__contains__
    tenants = {f"slack:{TEAM}": "github:acme"}
    mapped = made.repositories
    event = slack.to_event(body, headers, tenants, time.time(), takes=takes, repository_of=mapped)
    if takes(event.type):
        it.runner.deliver(control if event.stops else it.flow, event)
