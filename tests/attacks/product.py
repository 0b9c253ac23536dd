"""The whole product in this process: front door, flows, plans, both sandboxes, over real HTTP."""

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, NamedTuple, TypeVar

import psycopg
import pytest

import tests.planning.plan_runner as running
from flows.chat import chat
from flows.control import control
from flows.ingest import ingest
from flows.memory import memory
from flows.plan import plan
from flows.triage import triage
from infra.local.http_server import HttpServer
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import ALICE, BOT_USER, SUPPORT, TEAM
from shared.actions import Action, Adapter, Query
from shared.actions.platforms import Platforms
from shared.actions.slack.actions import Reply
from shared.actions.timers import SetTimer, TimerAdapter
from shared.agent import Agent, flow
from shared.agent.flow import Flow
from shared.agent.tools import tool
from shared.database import OPERATOR, Database
from shared.events import Event, Issue
from shared.journal import Journal
from shared.memory.conversations.extraction import FactExtraction
from shared.models import ModelReply, ModelRequest, Payer
from shared.models.routing import Models
from shared.runtime.composition import handler_of
from shared.settings import Settings
from shared.web.ingress import Ingress, build
from tests.actions.github.sandbox_issue import SHOP
from tests.attacks.obedient_model import ObedientModel
from tests.planning.plan_runner import PlanRunner, plan_runner
from tests.web.front_door import Door

Json = dict[str, Any]
T = TypeVar("T")
TENANT = "github:acme"
#: No conversation of agents is longer.
_ROUNDS = 30


@flow("slack.message.im", may=[Reply.at_most(1)], bots=True)
def helper(event: Event, agent: Agent) -> None:
    """An author's flow whose model has a tool that acts."""
    from shared.actions.github.actions import Comment

    @tool
    def write_elsewhere(number: int, text: str) -> str:
        """Write a comment on an issue of the shop."""
        return agent.act(Comment(Issue(SHOP, number), text)).id

    agent.act(Reply(event.thread, agent.converse("Help.", tools=[write_elsewhere])))


FLOWS: Sequence[Flow] = (triage, chat, control, memory, plan, ingest, helper)


class Front(Door):
    """The ingress behind a port; what it publishes waits in `published`, each event once."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.app = build(Ingress(settings, self._publish))
        self._seen: set[str] = set()
        self._one_at_a_time = threading.Lock()

    def _publish(self, event: Event) -> None:
        if event.id not in self._seen:
            self._seen.add(event.id)
            self.published.append(Event.from_json(event.to_json()))

    def serve(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = {
            name[5:].replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        headers["content-type"] = environ.get("CONTENT_TYPE", "")
        with self._one_at_a_time:
            answer = self.call(environ["PATH_INFO"], body, headers, environ["REQUEST_METHOD"])
        start_response(f"{answer['statusCode']} .", [("Content-Type", "application/json")])
        return [str(answer["body"]).encode()]


class Written(NamedTuple):
    """A text of ours that people see, and where."""

    place: str
    text: str


class Product:
    """Everything, and what people do with it."""

    def __init__(
        self, it: PlanRunner, door: Front, hub: GitHubSandbox, slack: SlackSandbox, url: str
    ) -> None:
        self.is_app = bool(it.runner.can.settings.github_app_id)
        self.it, self.door, self.hub, self.slack, self.url = it, door, hub, slack, url
        self.settings: Settings = it.runner.can.settings
        #: The types of events that a flow which hears everything ran for.
        self.heard: list[str] = []
        #: The types of the events that people have caused.
        self.expected: list[str] = []
        #: The issue in which a member has wanted something.
        self.ordered = 0
        self._ended: set[str] = set()
        journal = Journal(it.runner.database)
        self._handlers = {one.name: self._handler(one, journal) for one in FLOWS}
        self._journal = journal

    def _handler(self, one: Flow, journal: Journal) -> Any:
        platforms = Platforms(one.may, one.reads, self.settings)
        clock = TimerAdapter(self.it.runner.scheduler)

        def adapter(wanted: Action | Query) -> Adapter:
            return clock if isinstance(wanted, SetTimer) else platforms(wanted)

        return handler_of(one, journal, self.it.runner.can._replace(adapter=adapter))

    # What people do

    def joins(self, login: str, role: str) -> None:
        """Make `login` a collaborator."""
        row = self.hub._repository(SHOP)
        people = {**row["collaborators"], login: role}
        self.hub._state.change("repositories", row, collaborators=people)

    def opens(self, title: str, body: str, author: str = "mallory") -> int:
        self.expected.append("github.issues.opened")
        return self._then(self.hub.open_issue(SHOP, title, body, author))

    def comments(self, number: int, body: str, author: str = "maria", kind: str = "") -> None:
        command = f"github.command.{kind}" if kind else "github.issue_comment.created"
        self.expected.append(command)
        self._then(self.hub.comment(SHOP, number, body, author))

    def pushes(self, files: dict[str, str], author: str = "maria") -> None:
        self.expected.append("github.push")
        self._then(self.hub.push(SHOP, files, author))

    def says(self, text: str, user: str = ALICE, thread: str = "", *, kind: str = "") -> str:
        """Say it in #support; `kind` names the command that it is, if any."""
        mention = f"<@{BOT_USER}>" in text
        said = "slack.app_mention" if mention else "slack.message.channels"
        self.expected.append(f"slack.command.{kind}" if kind else said)
        return self._then(self.slack.say(SUPPORT, text, user, thread or None))

    def whispers(self, text: str) -> str:
        self.expected.append("slack.message.im")
        return self._then(self.slack.say("D0ALICE", text, ALICE))

    def learns(self) -> None:
        """Let the facts of what was said be extracted."""
        with psycopg.connect(self.url, autocommit=True) as admin:
            admin.execute("update turns set created_at = now() - interval '2 minutes'")
        can, models = self.it.runner.can, self.it.runner.can.services[Models]

        def ask(tenant: str, request: ModelRequest, seconds: float) -> ModelReply:
            payer = Payer(tenant, "upkeep")
            return models.reply("small", request, timeout=seconds, payer=payer)

        with Database(self.url, role=OPERATOR) as operator:
            FactExtraction(operator, can.memory, ask).advance(TENANT, 60)

    def _then(self, made: T) -> T:
        self.settle()
        return made

    def settle(self) -> None:
        """Let all that follows happen; fails when it never ends."""
        for _ in range(_ROUNDS):
            assert self.hub.settle(20) and self.slack.settle(20)
            begun = [plan for plan in self.it.plans() if plan not in self._ended]
            self.it.wait_for(partial(self._all_rest, begun))
            assert self.hub.settle(20) and self.slack.settle(20)
            events, self.door.published = self.door.published, []
            if not events:
                return
            for event in events:
                self._deliver(event)
        pytest.fail("the agents talk for ever")

    def _deliver(self, event: Event) -> None:
        for one in (*FLOWS, self._listener(event.type)):
            if event.type in one.types:
                handler = self._handlers.get(one.name) or self._handler(one, self._journal)
                attributes = {
                    "MessageGroupId": event.conversation,
                    "ApproximateReceiveCount": "1",
                }
                record = {"messageId": event.id, "body": event.to_json(), "attributes": attributes}
                handler({"Records": [record]}, running.Context())

    def _listener(self, type_: str) -> Flow:
        @flow(type_, bots=True)
        def listens(event: Event, agent: Agent) -> None:
            self.heard.append(event.type)

        return listens

    def _all_rest(self, plans: Iterable[str]) -> bool:
        return all(map(self._rests, plans))

    def _rests(self, plan: str) -> bool:
        """Tell if a plan has ended, or waits for an answer."""
        if plan in self._ended:
            return True
        if self.it._has_ended(plan):
            self._ended.add(plan)
            return True
        now = self.it.situation(plan, TENANT)
        return now.state == "waiting" and any(one.state == "asked" for one in now.approvals)

    # What there is to see

    def written(self) -> list[Written]:
        """Return all that we wrote: on GitHub what came in over its API, in Slack what the bot
        said."""
        found = []
        for one in self.hub.exchanges():
            if one.method in {"POST", "PUT", "PATCH"} and isinstance(one.sent, dict):
                for name in ("body", "title", "message"):
                    if isinstance(text := one.sent.get(name), str):
                        found.append(Written(f"github {name}", text))
        for method in ("chat.postMessage", "chat.update"):
            for sent in self.slack.calls(method):
                found.append(Written(f"slack {method}", json.dumps(sent, ensure_ascii=False)))
        return found

    def rows(self, sql: str) -> list[Any]:
        with psycopg.connect(self.url, autocommit=True) as admin:
            return admin.execute(sql.encode()).fetchall()

    def kept(self) -> str:
        """Return all rows of all tables as one text."""
        tables = self.rows(
            "select quote_ident(tablename) from pg_tables where schemaname = 'public'"
        )
        texts = [self.rows(f"select t::text from {name} t") for (name,) in tables]
        return "\n".join(text for rows in texts for (text,) in rows)


@contextmanager
def product(url: str, mode: str, model: ObedientModel) -> Iterator[Product]:
    """Start everything; as an `app`, or with the `token` of maria."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(running.Context, "seconds", 60.0)
        server = HttpServer()
        stack.callback(server.stop)
        hub = stack.enter_context(GitHubSandbox(f"{server.url}/github/webhook", "github secret"))
        slack = stack.enter_context(SlackSandbox(server.url, "slack secret", pace=0.0))
        settings = _settings(mode, hub, slack, model)
        door = Front(settings)
        server.start(door.serve)
        given = {name: value for name, value in settings._asdict().items() if value}
        database = stack.enter_context(Database(url, patience=5))
        adapters = Platforms(plan.may, plan.reads, settings)
        it = stack.enter_context(plan_runner(database, plan, adapters, **given))
        yield Product(it, door, hub, slack, url)


def _settings(mode: str, hub: GitHubSandbox, slack: SlackSandbox, model: ObedientModel) -> Settings:
    name = f"{model.url}/v1#obedient"
    settings = Settings(
        github_webhook_secret="github secret",
        slack_signing_secret="slack secret",
        github_api_url=hub.api_url,
        slack_bot_token=slack.bot_token,
        slack_api_url=slack.api_url,
        tenants=f"{TENANT}=github:acme,slack:{TEAM}",
        repositories=json.dumps({f"channel:{SUPPORT}": SHOP}),
        model_small=name,
        model_large=name,
        model_embed="hashing",
        footer="on",
        max_attempts="1",
    )
    if mode == "token":
        return settings._replace(github_token=hub.person_token("maria"))
    app = {"github_app_id": str(hub.app_id), "github_app_private_key": hub.private_key}
    return settings._replace(**app, github_bot_name=hub.bot_login.removesuffix("[bot]"))
