"""People who have errands run in the sandbox Slack: its front door over HTTP, all flows that take
what comes in, the sandbox GitHub behind them, and the bus between them."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Any

from werkzeug import Request, Response
from werkzeug.serving import make_server

from flows.chat import chat
from flows.errands import errands
from flows.plan import plan
from flows.review import review
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox, payloads
from infra.local.sandbox.slack.front_door import FrontDoor
from infra.local.sandbox.slack.workspace import ALICE, BOT_USER, SUPPORT, TEAM
from shared.actions import Action, Adapter, Mark, Query, Receipt
from shared.actions.github.actions import OnGitHub
from shared.actions.github.adapter import GitHubAdapter
from shared.agent.flow import Flow
from shared.database import Database, Statement
from shared.events import Event
from shared.perception import slack
from shared.settings import Settings
from shared.testing import FlowRunner
from tests.actions.slack.sandbox_thread import connect

Json = dict[str, Any]
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SHOP = "acme/shop"
FLOWS: tuple[Flow, ...] = (errands, plan, chat, review)


class ErrandDeath(BaseException):
    """The function's process dies here."""


class Mortal:
    """A platform at which the function dies once: before or after the act of that number."""

    def __init__(self, at: str = "") -> None:
        self.at, self.acts = at, 0
        #: The kind of act that is refused, and how.
        self.refuses: tuple[type[Action], Exception] | None = None

    def over(self, adapter: Adapter) -> Adapter:
        return _MortalAdapter(self, adapter)

    def die(self, place: str) -> None:
        if self.at == f"{place}:{self.acts}":
            self.at = ""
            raise ErrandDeath


class _MortalAdapter:
    def __init__(self, mortal: Mortal, adapter: Adapter) -> None:
        self._mortal, self._adapter = mortal, adapter

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        self._mortal.acts += 1
        if self._mortal.refuses and isinstance(action, self._mortal.refuses[0]):
            raise self._mortal.refuses[1]
        self._mortal.die("before")
        receipt = self._adapter.perform(action, mark, previous)
        self._mortal.die("after")
        return receipt

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        return self._adapter.find(action, mark)

    def read(self, query: Query) -> Any:
        return self._adapter.read(query)


class ErrandWorkspace:
    """The channel #support, which works on acme/shop, and what Alice says there."""

    def __init__(self, sandbox: SlackSandbox, hub: GitHubSandbox, runner: FlowRunner) -> None:
        self.slack, self.hub, self.runner = sandbox, hub, runner
        self.repositories = {f"channel:{SUPPORT}": SHOP}
        self.flows: Sequence[Flow] = FLOWS
        #: All that came in, to bring it again.
        self.events: list[Event] = []
        self.door = FrontDoor("", SECRET, 30.0)
        self.ts = ""
        self.mortal = Mortal()
        self._lock = Lock()

    def says(self, text: str, user: str = ALICE, *, channel: str = SUPPORT) -> str:
        """Say something to the agent, in the thread if there is one, and wait for what comes."""
        said = self.slack.say(channel, f"<@{BOT_USER}> {text}", user, self.ts)
        self.ts = self.ts or said
        assert self.slack.settle()
        return said

    def talks(self, text: str, user: str = ALICE) -> str:
        """Say something to others."""
        said = self.slack.say(SUPPORT, text, user, self.ts)
        self.ts = self.ts or said
        assert self.slack.settle()
        return said

    def texts(self, channel: str = SUPPORT) -> list[str]:
        """What the agent says in the thread."""
        said = self.slack.thread(channel, self.ts)
        return [m["blocks"][0]["text"] for m in said if m["user"] == BOT_USER]

    def asked(self) -> Json:
        """Return the newest message with buttons."""
        found = [m for m in self.slack.thread(SUPPORT, self.ts) if buttons(m)]
        return dict(found[-1])

    def press(
        self, message: Json, button: str = "do it", user: str = ALICE, *, team: str = TEAM
    ) -> None:
        """Press a button of `message` as it was then, and wait until the agent has taken it."""
        workspace = self.slack.workspace
        token = self.slack._responses.invite(SUPPORT, user, message["ts"])
        url = self.slack._url(token)
        channel, person = workspace.channel(SUPPORT), workspace.users[user]
        payload = payloads.block_actions(message, button, channel, person, url)
        payload["user"]["team_id"] = team
        assert self.door.interaction(payload).status == 200

    def whispers(self) -> list[str]:
        return [w["blocks"][0]["text"] for w in self.slack.workspace.whispers(SUPPORT)]

    def rows(self, sql: str) -> list[Json]:
        """Ask the database, or change it."""
        return self.runner.database.run("github:acme", [Statement(sql, {})])[0]

    def zone(self, user: str, name: str) -> None:
        """Let a person live in a time zone."""
        row = self.slack.workspace.users[user]
        self.slack.workspace._records.put("users", user, row | {"tz": name})

    def take(self, event: Event) -> None:
        """Bring an event to each flow that takes it, and what they publish after it."""
        self.events.append(event)
        with self._lock:
            pending, seen = [event], len(self.runner.published)
            while pending:
                one = pending.pop(0)
                for flow in self.flows:
                    if one.type in flow.types:
                        self._deliver(flow, one)
                pending += self.runner.published[seen:]
                seen = len(self.runner.published)

    def _deliver(self, flow: Flow, event: Event) -> None:
        """Deliver it, and again when the function died."""
        try:
            self.runner.deliver(flow, event)
        except ErrandDeath:
            self.runner.expire(event.tenant)
            self.runner.deliver(flow, event)


def buttons(message: Json) -> list[Json]:
    return [block for block in message.get("blocks", []) if block["type"] == "actions"]


@contextmanager
def errand_workspace(database: Database, **changes: str) -> Iterator[ErrandWorkspace]:
    """Start both sandboxes; `changes` are settings."""
    made: list[ErrandWorkspace] = []

    @Request.application
    def door(request: Request) -> Response:
        made[0].take(_event(made[0], request))
        return Response()

    server = make_server("127.0.0.1", 0, door, threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    serving = Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    try:
        with (
            SlackSandbox(url, SECRET, pace=0.0, patience=30.0) as sandbox,
            GitHubSandbox("", "secret") as hub,
        ):
            runner = FlowRunner(database, **changes)
            on_slack = connect(sandbox.api_url)
            on_github = GitHubAdapter(Settings(github_token=hub.token, github_api_url=hub.api_url))

            def adapters(wanted: Action | Query) -> Adapter:
                is_github = wanted.connector == OnGitHub.connector
                return made[0].mortal.over(on_github if is_github else on_slack)

            runner.adapters = adapters
            made.append(ErrandWorkspace(sandbox, hub, runner))
            made[0].door = FrontDoor(url, SECRET, 30.0)
            yield made[0]
            assert sandbox.settle()
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def _event(made: ErrandWorkspace, request: Request) -> Event:
    body = request.get_data()
    headers = {name.lower(): value for name, value in request.headers.items()}
    slack.verify(body, headers, SECRET, time.time())
    takes = {one for flow in made.flows for one in flow.types}.__contains__
    tenants = {f"slack:{TEAM}": "github:acme"}
    mapped = made.repositories
    return slack.to_event(body, headers, tenants, time.time(), takes=takes, repository_of=mapped)
