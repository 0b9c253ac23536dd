"""A team with a repository, a workspace and a memory, that asks the agent in #support."""

from collections.abc import Callable
from typing import Any

from flows.chat import chat
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import ALICE, BOT_USER, SUPPORT, TEAM
from shared.actions import Action, Adapter, Query
from shared.actions.github.adapter import GitHubAdapter
from shared.agent.flow import Flow
from shared.database import Database, Row, Statement
from shared.events import Actor, Event, SlackMessage, Thread, Workplace
from shared.memory import Entry, Trust
from shared.models import ModelRequest, ToolCall
from shared.settings import Settings
from shared.testing import FlowRunner
from tests.actions.slack.sandbox_thread import connect
from tests.events.made import an_event
from tests.hearing.spoken import taken

SHOP = "acme/shop"
TENANT = "github:acme"
QUESTION = "When do we deploy the shop?"
FACT = "The shop is deployed on Tuesdays at ten."


class Team:
    def __init__(self, github: GitHubSandbox, slack: SlackSandbox, database: Database) -> None:
        self.github, self.slack, self.database = github, slack, database
        self.start()

    def start(self, **settings: str) -> None:
        """Let a new process do the work from now on."""
        self.runner = FlowRunner(self.database, **settings)
        credentials = Settings(github_token=self.github.token, github_api_url=self.github.api_url)
        on_github, in_slack = GitHubAdapter(credentials, timeout=5), connect(self.slack.api_url)

        def adapter(wanted: Action | Query) -> Adapter:
            return on_github if "github" in wanted.connector else in_slack

        self.runner.adapters = adapter

    # What people do

    def asks(self, text: str = QUESTION, channel: str = SUPPORT, **changes: Any) -> Event:
        """Let Alice mention the agent."""
        ts = self.slack.say(channel, f"<@{BOT_USER}> {text}")
        brought = self.slack.searches.brought({"type": "message", "user": ALICE})
        event = an_event(
            id=f"slack:{TEAM}:{channel}:{ts}",
            type="slack.app_mention",
            source="slack",
            tenant=TENANT,
            conversation=f"slack:{TEAM}:{channel}:{ts}",
            actor=Actor(ALICE, "alice", role="member"),
            text=text,
            url=f"https://slack.com/app_redirect?team={TEAM}&channel={channel}&message_ts={ts}",
            audience=f"team:{TEAM}",
            payload={"event": brought},
            issue_target=None,
            thread_target=Thread(TEAM, channel, ts),
            message_target=SlackMessage(TEAM, channel, ts),
            workplace=Workplace(SHOP, TENANT),
        )
        return event._replace(**changes)

    def sends(self, text: str, *files: tuple[str, bytes]) -> Event:
        """Let Alice mention the agent, with files."""
        ts = self.slack.attach(SUPPORT, *files, text=f"<@{BOT_USER}> {text}")
        message = self.slack.workspace.message(SUPPORT, ts)
        inner = {**message, "channel": SUPPORT, "channel_type": "channel", "event_ts": ts}
        return taken(inner)._replace(workplace=Workplace(SHOP, TENANT))

    def knows(
        self,
        text: str = FACT,
        ref: str = "acme/shop#7",
        audience: str = "public",
        *,
        author: str = "ada",
        trust: Trust = "inside",
        kind: str = "fact",
        url: str = "https://github.com/acme/shop/issues/7",
    ) -> None:
        """Let the memory hold a text."""
        entry = Entry(text, kind, ref, audience, url, author, "", f"github:{SHOP}", trust)
        self.database.run(TENANT, self.runner.can.memory.remember_all(TENANT, [entry]))

    # What the agent does

    def says(self, *answers: object) -> None:
        """Let the model answer its next calls so."""
        self.runner.answers(*answers)

    def hears(self, event: Event, flow: Flow = chat) -> str:
        """Hand the event over, and return the agent's reply."""
        assert self.runner.deliver(flow, event) == []
        return self.replies(event)[-1]

    def replies(self, event: Event) -> list[str]:
        thread = self.slack.thread(event.thread.channel, event.thread.ts)[1:]
        return [one["blocks"][0]["text"] for one in thread if "blocks" in one]

    def follows_up(self, first: Event, text: str, **changes: Any) -> Event:
        """Let Alice say more in the thread of a question."""
        here = {"conversation": first.conversation, "thread_target": first.thread}
        return self.asks(text, first.channel, **here | changes)

    def asked(self) -> ModelRequest:
        """Return the last request to the model."""
        return self.runner.model.asked[-1]

    def shown(self) -> list[str]:
        """Return every text that the agent's messages have had."""
        calls = [*self.slack.calls("chat.postMessage"), *self.slack.calls("chat.update")]
        return [call["blocks"][0]["text"] for call in calls]


def calls(name: str, **arguments: Any) -> ToolCall:
    return ToolCall(f"call_{name}", name, arguments)


def after(change: Callable[[], object], answer: str) -> Callable[[ModelRequest], str]:
    """Return a model that answers after something has changed."""

    def answers(_: ModelRequest) -> str:
        change()
        return answer

    return answers


def steps(database: Database, name: str) -> list[Row]:
    """Return the inputs and outputs of the recorded steps of a name."""
    sql = "select input::text as input, output::text as output from steps where name = %(name)s"
    return database.run(TENANT, [Statement(sql, {"name": name})])[0]
