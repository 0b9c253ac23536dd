"""On no way in or out does a secret pass: not into the database, to a model, or to a platform."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.cli.folder import Folder
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import ALICE, SUPPORT, TEAM
from shared.actions import Action, Adapter, Query
from shared.actions.drafts import Pace
from shared.actions.github.actions import Comment, NamedComment, OnGitHub, OpenIssue, Repository
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.github.queries import ReadIssue
from shared.actions.slack.actions import Reply
from shared.agent import Agent, flow
from shared.agent.flow import Flow
from shared.agent.tools import tool
from shared.database import Database
from shared.events import PUBLIC, Actor, Event, Issue, SlackMessage, Thread
from shared.journal import Journal
from shared.memory.documents.ingestion import Ingestion
from shared.runtime.composition import handler_of
from shared.settings import Settings
from shared.testing import FlowRunner
from tests.actions.github.sandbox_issue import SHOP
from tests.actions.slack.chat_runner import AT_ONCE, ONCE, Context, batch
from tests.actions.slack.sandbox_thread import connect
from tests.campaigns import size
from tests.events.made import an_event
from tests.models.scripted_server import Says, ScriptedServer
from tests.redaction.generated_secrets import WAYS, MadeSecret, made_secrets

Json = dict[str, Any]


class Places:
    """Both platforms, a model and a database, and all that they were given."""

    def __init__(self, hub: GitHubSandbox, slack: SlackSandbox, model: ScriptedServer, url: str):
        self.hub, self.slack, self.model, self.database_url = hub, slack, model, url
        self.database = Database(url, patience=5)
        github = Settings(github_token=hub.token, github_api_url=hub.api_url)
        self._github: Adapter = GitHubAdapter(github, timeout=5)
        self._slack: Adapter = connect(slack.api_url)
        name = f"{model.url}/v1#scripted"
        self.can = FlowRunner(self.database, model_small=name, model_large=name).can
        self.can = self.can._replace(adapter=self._adapter)

    def _adapter(self, wanted: Action | Query) -> Adapter:
        return self._github if isinstance(wanted, OnGitHub) else self._slack

    def deliver(self, flow: Flow, event: Event, pace: Pace = AT_ONCE) -> None:
        can = self.can._replace(pace=pace)
        answer = handler_of(flow, Journal(self.database), can)(batch(event), Context())
        assert not answer["batchItemFailures"]

    def kept(self) -> str:
        """Return all rows of all tables as one text."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            names = connection.execute(
                "select quote_ident(tablename) from pg_tables where schemaname = 'public'"
            ).fetchall()
            texts = [
                connection.execute(f"select t::text from {name} t".encode()).fetchall()
                for (name,) in names
            ]
        return "\n".join(text for rows in texts for (text,) in rows)

    def sent(self) -> str:
        """Return all that the platforms and the model received from the runs."""
        exchanges = [[one.path, one.sent] for one in self.hub.exchanges()]
        methods = ("chat.postMessage", "chat.update", "chat.postEphemeral", "reactions.add")
        calls = [call for method in methods for call in self.slack.calls(method)]
        prompts = [seen.body for seen in self.model.seen]
        return json.dumps([exchanges, calls, prompts], ensure_ascii=False)


@pytest.fixture
def places(database_url: str) -> Iterator[Places]:
    with ExitStack() as stack:
        hub = stack.enter_context(GitHubSandbox("", "secret"))
        slack = stack.enter_context(SlackSandbox("http://127.0.0.1:9", "secret", pace=0.0))
        model = stack.enter_context(ScriptedServer())
        made = Places(hub, slack, model, database_url)
        stack.enter_context(made.database)
        yield made


def groups() -> Sequence[Sequence[MadeSecret]]:
    """Return more than 220 secrets, some twenty for a text."""
    made = made_secrets(seed=size(31, 30), rounds=size(10, 2))
    assert len(made) >= 220
    texts = size(60, 12)
    return [made[start::texts] for start in range(texts)]


def text_of(group: Sequence[MadeSecret], number: int) -> str:
    """Write the secrets into one text, each in another way."""
    ways = list(WAYS.values())
    parts = [ways[(number + place) % len(ways)](one.text) for place, one in enumerate(group)]
    return "\n\nAnd then:\n".join(parts)


def hears(event: Event, agent: Agent) -> str:
    """Do all that a flow does with what it hears, and return the model's answer."""
    agent.recall(event.text)
    agent.remember(event.text, kind="issue", ref=event.conversation)
    return agent.converse("Answer.", event, event.payload)


def check(places: Places, made: Sequence[MadeSecret]) -> None:
    """At least 98 % of the secrets are nowhere."""
    kept, sent = places.kept(), places.sent()
    assert "[secret removed: " in kept and "[secret removed: " in sent
    shown = [one.text[:70] for one in made if one.secret in kept or one.secret in sent]
    assert len(shown) <= 0.02 * len(made), shown


def slack_event(places: Places, number: int, text: str = "Hello?", **changes: Any) -> Event:
    ts = places.slack.say(SUPPORT, "Hello?")
    return an_event(
        id=f"slack:{TEAM}:{SUPPORT}:{ts}",
        type="slack.app_mention",
        source="slack",
        tenant=f"slack:{TEAM}",
        conversation=f"slack:{TEAM}:{SUPPORT}:{ts}",
        actor=Actor(ALICE, "alice", role="member"),
        text=text,
        audience=f"team:{TEAM}",
        issue_target=None,
        thread_target=Thread(TEAM, SUPPORT, ts),
        message_target=SlackMessage(TEAM, SUPPORT, ts),
    )._replace(**changes)


def issue_event(places: Places, number: int, body: str = "A body", **changes: Any) -> Event:
    issue = places.hub.open_issue(SHOP, f"Issue {number}", body)
    return an_event(
        id=f"github:{number}",
        conversation=f"github:{SHOP}#{issue}",
        text="Look at this.",
        issue_target=Issue(SHOP, issue),
    )._replace(**changes)


@flow("slack.app_mention", may=[Reply.at_most(1)])
def answers(event: Event, agent: Agent) -> None:
    agent.act(Reply(event.thread, hears(event, agent)))


def test_what_people_say_comes_in_without_secrets(places: Places) -> None:
    everything = groups()
    for number, group in enumerate(everything):
        text = text_of(group, number)
        payload = {"event": {"text": text, "blocks": [{"elements": [{"text": text}]}]}}
        places.model.says(Says(f"You said: {text[:400]}"))
        places.deliver(answers, slack_event(places, number, text, payload=payload))
    check(places, [one for group in everything for one in group])


def test_what_a_model_says_is_kept_and_shown_without_secrets(places: Places) -> None:
    everything = groups()
    for number, group in enumerate(everything):
        places.model.says(Says(text_of(group, number)))
        # Each question is another one, or the first answer would serve them all. One of twelve
        # answers is shown while it grows, since each piece costs as much as the whole.
        pace = ONCE if number % 12 else AT_ONCE
        places.deliver(answers, slack_event(places, number, f"Hello {number}?"), pace)
    assert len(places.model.seen) == len(everything)
    check(places, [one for group in everything for one in group])


def test_what_tools_and_queries_answer_is_shown_without_secrets(places: Places) -> None:
    everything = groups()
    for number, group in enumerate(everything):
        text = text_of(group, number)

        @tool
        def look_up(topic: str, text: str = text) -> str:
            """Look a topic up."""
            return text

        @flow("github.issues.opened", may=[Comment.at_most(1)])
        def reads(event: Event, agent: Agent) -> None:
            found = agent.read(ReadIssue(SHOP, event.issue.number, 3))
            answer = agent.converse("Answer.", json.dumps(found), tools=[look_up])
            agent.act(Comment(event.issue, f"{answer}\n\n{found}"))

        call = ("look_up", json.dumps({"topic": text[:300]}))
        places.model.says(Says("", calls=(call,)), Says("Done."))
        places.deliver(reads, issue_event(places, number, body=text))
        places.model.script.clear()
    hidden = places.hub
    assert hidden.issues(SHOP)
    exchanges = [one for one in hidden.exchanges() if one.method != "GET"]
    assert exchanges
    check(places, [one for group in everything for one in group])


def test_what_the_authors_code_makes_goes_out_without_secrets(places: Places) -> None:
    everything = groups()
    for number, group in enumerate(everything):
        text = text_of(group, number)

        @flow(
            "github.issues.opened",
            may=[Comment.at_most(2), NamedComment.at_most(1), OpenIssue.at_most(1)],
        )
        def writes(event: Event, agent: Agent, text: str = text) -> None:
            agent.remember(text, kind="fact", ref="own")
            agent.recall(text[:500])
            agent.ask(text[:2_000], text, returns=str)
            agent.act(Comment(event.issue, text, sticky=True))
            agent.act(NamedComment(event.issue, "state", text))
            agent.act(OpenIssue(Repository(SHOP), text[:80].split("\n", maxsplit=1)[0], text))

        places.model.says(Says('{"answer": "ok"}'), Says('"ok"'))
        places.deliver(writes, issue_event(places, number))
        places.model.script.clear()
        message = slack_event(places, number, issue_target=None)

        @flow("slack.app_mention", may=[Reply.at_most(1)])
        def says(event: Event, agent: Agent, text: str = text) -> None:
            agent.act(Reply(event.thread, text))

        places.deliver(says, message)
    check(places, [one for group in everything for one in group])


def test_documents_are_taken_without_secrets(places: Places, tmp_path: Path) -> None:
    everything = groups()
    for number, group in enumerate(everything):
        (tmp_path / f"guide-{number}.md").write_text(f"# Guide\n\n{text_of(group, number)}")
    for name in (".env", ".env.txt", "credentials.md", "id_rsa.txt", "id_rsa", "secrets.txt"):
        (tmp_path / name).write_text("unmistakable words of a secret file")
    folder = Folder(tmp_path, "guides", PUBLIC, ("*",))
    write = partial(places.database.run, "github:acme")
    ingestion = Ingestion("github:acme", folder.origin, places.can.memory, write)
    ingestion.begin(ingestion.status(), ["*"])
    changes = ingestion.compare(folder.find(""), ["*"])
    assert set(changes.refused.values()) == {"a file for secrets"}
    assert len(changes.refused) == 6
    taken = ingestion.apply(changes, folder.fetch)
    assert taken["taken"] == len(everything)
    kept = places.kept()
    assert "unmistakable" not in kept
    made = [one for group in everything for one in group]
    shown = [one.text[:70] for one in made if one.secret in kept]
    assert len(shown) <= 0.02 * len(made), shown


def test_the_same_secret_gives_the_same_effect_after_a_crash(places: Places) -> None:
    secret = made_secrets(5, 1)[0]
    event = issue_event(places, 1, text=f"It is {secret.text}")

    @flow("github.issues.opened", may=[Comment.at_most(1)])
    def echoes(event: Event, agent: Agent) -> None:
        agent.act(Comment(event.issue, f"{event.text} and {secret.text}"))

    for _ in range(2):
        places.deliver(echoes, event)
        with psycopg.connect(places.database_url, autocommit=True) as connection:
            connection.execute("update runs set state = 'retrying', lease_owner = null")
    comments = places.hub.issue(SHOP, event.issue.number)["comments"]
    assert len(comments) == 1
    assert comments[0]["body"].count("[secret removed: github token]") == 2


def test_an_answer_that_grows_never_shows_the_beginning_of_a_secret(places: Places) -> None:
    secret = "ghp_" + "aB3xY9kQ2w" * 3 + "Zt7RmP"
    places.model.says(Says(f"The token is {secret} and the rest.", bytewise=True))
    places.deliver(answers, slack_event(places, 1))
    calls = [c for m in ("chat.postMessage", "chat.update") for c in places.slack.calls(m)]
    shown = [call["blocks"][0]["text"] for call in calls if "blocks" in call]
    assert shown
    assert not [text for text in shown if secret[:6] in text]
    assert "The token is [secret removed: github token] and the rest." in shown[-1]
