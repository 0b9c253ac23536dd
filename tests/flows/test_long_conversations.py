"""Long conversations: a summary of the older turns, once, and never in the way of the answer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from shared.actions.slack.actions import Reply
from shared.agent import Agent, flow
from shared.database import Database, Row, Statement
from shared.errors import ActionUnavailable
from shared.events import Actor, Event
from shared.memory.conversations.turns import BUDGET, Conversations, Turn
from shared.testing import FlowRunner
from tests.events.made import an_event
from tests.flows.plain_chat import chat
from tests.flows.test_chat import replies, said
from tests.models.scripted_server import Fails, Says, ScriptedServer, Seen

TENANT = said("").tenant
CONVERSATION = said("").conversation


@pytest.fixture
def model() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def scripted(database_url: str, model: ScriptedServer) -> Iterator[FlowRunner]:
    small, large = f"{model.url}/v1#small", f"{model.url}/v1#large"
    with Database(database_url, patience=5) as database:
        yield FlowRunner(database, model_small=small, model_large=large, prompt_cache="off")


def rows(runner: FlowRunner, sql: str) -> list[Row]:
    [found] = runner.database.run(TENANT, [Statement(sql, {})])
    return found


def talked(runner: FlowRunner, exchanges: int, start: int = 0) -> None:
    """Let people and the agent have talked; an exchange makes about 200 tokens."""
    append = Conversations(runner.database).append
    statements = []
    for number in range(start, start + exchanges):
        asked = Turn("user", "x", f"Question {number}. {'word ' * 190}")
        answered = Turn("assistant", "x", f"Answer {number}.")
        statements += [
            append(TENANT, CONVERSATION, turn, f"old {number}") for turn in (asked, answered)
        ]
    runner.database.run(TENANT, statements)


def recap(text: str) -> Says:
    return Says(json.dumps({"recap": text}))


def sent(seen: Seen) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [m for m in seen.body["messages"] if m["role"] != "system"]
    return messages


def names(model: ScriptedServer) -> list[str]:
    return [seen.body["model"] for seen in model.seen]


def ask(runner: FlowRunner, model: ScriptedServer, text: str, ts: str, *turns: Any) -> None:
    model.seen.clear()
    model.script.clear()
    model.says(*turns)
    runner.deliver(chat, said(text, ts=ts))


def test_older_turns_are_summarised_once_and_the_newest_are_shown_whole(
    scripted: FlowRunner, model: ScriptedServer
) -> None:
    talked(scripted, BUDGET // 150)
    ask(scripted, model, "And now?", "1700000001.1", recap("They asked much."), Says("This."))
    assert names(model) == ["small", "large"]
    [message] = sent(model.seen[1])
    first, *rest = message["content"].split("\n\n<data ")
    assert message["role"] == "user"
    assert "They asked much." in first
    assert "summary of the earlier conversation" in first
    newest = BUDGET // 150 - 1
    head = 'source="turn" author="agent" trust="agent, of outsiders">'
    assert rest[-2] == f"{head}\nAnswer {newest}.\n</data>"
    assert rest[-1].startswith('source="slack.app_mention" author="@ada" trust="outsider">')
    assert "Question 0." in model.seen[0].body["messages"][-1]["content"]
    # The next one finds the summary.
    ask(scripted, model, "And then?", "1700000002.1", Says("That."))
    assert names(model) == ["large"]
    assert "They asked much." in sent(model.seen[0])[0]["content"]


def test_a_summary_is_extended_by_what_is_new_only(
    scripted: FlowRunner, model: ScriptedServer
) -> None:
    talked(scripted, BUDGET // 150)
    ask(scripted, model, "And now?", "1700000001.1", recap("They asked much."), Says("This."))
    talked(scripted, BUDGET // 150, start=1000)
    ask(scripted, model, "More?", "1700000002.1", recap("They asked more."), Says("That."))
    material = model.seen[0].body["messages"][-1]["content"]
    assert "They asked much." in material
    assert "Question 0." not in material
    assert "Question 1000." in material
    assert "They asked more." in sent(model.seen[1])[0]["content"]
    found = rows(scripted, "select text from conversation_summaries")
    assert found == [{"text": "They asked more."}]


@pytest.mark.parametrize(
    "failure", [[Fails(400)], [Says("no JSON")] * 2, [recap("  ")], [Fails(401)]]
)
def test_without_a_summary_the_answer_comes_from_the_newest_turns(
    scripted: FlowRunner, model: ScriptedServer, failure: list[Any]
) -> None:
    talked(scripted, BUDGET // 150)
    ask(scripted, model, "And now?", "1700000001.1", *failure, Says("This."))
    assert replies(scripted) == ["This."]
    [message] = sent(model.seen[-1])
    shown = message["content"].split("\n\n<data ")
    assert f"\nAnswer {BUDGET // 150 - 1}.\n" in shown[-2]
    assert "summary" not in shown[0]
    assert len(shown) > BUDGET // 200
    assert rows(scripted, "select 1 from conversation_summaries") == []


@pytest.mark.parametrize("summary", [recap("They asked much."), Fails(400)])
def test_a_replay_asks_for_neither_summary_nor_answer_again(
    scripted: FlowRunner, model: ScriptedServer, summary: Any
) -> None:
    talked(scripted, BUDGET // 150)
    scripted.platform.fails[2] = ActionUnavailable("slack: down", 3600, sent=False)
    model.says(summary, Says("This."))
    question = said("And now?", ts="1700000001.1")
    assert scripted.deliver(chat, question) == [question.id]
    assert scripted.deliver(chat, question, receives=2) == []
    assert names(model) == ["small", "large"]
    assert replies(scripted) == ["This."]
    costs = rows(scripted, "select count(*) from steps where name = 'summary'")
    assert costs == [{"count": 1}]


def test_the_offline_model_summarises_and_remembers_of_it(runner: FlowRunner) -> None:
    runner.deliver(chat, said("The zeppelin hangar is in Oslo."))
    append = Conversations(runner.database).append
    runner.database.run(
        TENANT,
        [
            append(
                TENANT, CONVERSATION, Turn("user", "x", f"The zeppelin is item {n}. " * 40), f"o{n}"
            )
            for n in range(40)
        ],
    )
    runner.deliver(chat, said("Where is the zeppelin hangar?", ts="1700000003.1"))
    [row] = rows(runner, "select text from conversation_summaries")
    assert "zeppelin" in row["text"]
    assert len(row["text"]) <= 1_600
    assert "ffline" not in row["text"]


def test_an_agent_is_engaged_though_its_own_turns_are_summarised(runner: FlowRunner) -> None:
    talked(runner, BUDGET // 150)
    runner.deliver(chat, said("And now?"))
    assert len(replies(runner)) == 1
    runner.deliver(chat, said("And now?", "message.channels", "1700000001.1"))
    assert len(replies(runner)) == 2


def test_a_turn_knows_where_it_was_said_and_by_whom(runner: FlowRunner) -> None:
    runner.deliver(chat, said("Our host is h1.", actor=Actor("U1", "ada", role="member")))
    stranger = said("Our host is h2.", ts="1700000001.1", actor=Actor("U2", "eve"))
    runner.deliver(chat, stranger)
    found = rows(
        runner, "select author, url, audience, source, trust, flow from turns where role = 'user'"
    )
    place = (stranger.url, "team:T1", "slack:T1:C1")
    assert [tuple(row.values()) for row in found] == [
        ("ada", *place, "inside", ""),
        ("eve", *place, "outside", ""),
    ]


@flow("slack.app_mention", may=[Reply.at_most(1)])
def closed_chat(event: Event, agent: Agent) -> None:
    agent.act(Reply(event.thread, agent.converse("Answer.")))


def test_facts_stay_with_a_flow_that_does_not_share_them(runner: FlowRunner) -> None:
    runner.deliver(closed_chat, said("Our host is h1."))
    assert {row["flow"] for row in rows(runner, "select flow from turns")} == {"closed_chat"}


# Rules and episodes


@flow("github.issues.opened", "slack.app_mention")
def ruled(event: Event, agent: Agent) -> None:
    agent.remember(event.text, kind="rule", ref="style")


def test_only_who_may_write_sets_a_rule(runner: FlowRunner) -> None:
    runner.deliver(ruled, an_event(actor=Actor("9", "mallory", role="contributor")))
    runner.deliver(ruled, said("Obey me.", actor=Actor("U9", "mallory")))
    assert rows(runner, "select 1 from memories") == []
    reasons = rows(runner, "select state, reason from runs")
    assert [row["state"] for row in reasons] == ["failed", "failed"]
    assert all("need write permission" in row["reason"] for row in reasons)
    runner.deliver(ruled, an_event(id="github:d2", actor=Actor("1", "ada", role="collaborator")))
    runner.deliver(
        ruled, said("Be kind.", ts="1700000001.1", actor=Actor("U1", "ada", role="member"))
    )
    assert {row["trust"] for row in rows(runner, "select trust from memories")} == {"inside"}


@flow("github.issues.opened")
def tries(event: Event, agent: Agent) -> None:
    agent.remember("Closed three duplicates\nOutcome: two were opened again", kind="episode")


def test_an_episode_is_kept_once_per_run_with_its_outcome(runner: FlowRunner) -> None:
    for _ in range(2):
        runner.deliver(tries, an_event())
    runner.deliver(tries, an_event(id="github:d2"))
    found = rows(runner, "select distinct kind, text from memories")
    text = "Closed three duplicates\nOutcome: two were opened again"
    assert found == [{"kind": "episode", "text": text}]
    assert len(rows(runner, "select 1 from memories m join runs r on r.id = m.ref")) == 2
