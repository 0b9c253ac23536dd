"""A run that can wait rests until a batch brings its answer, and acts once."""

import time
from datetime import timedelta

import psycopg
import pytest

from flows.control import control
from shared.actions.github.actions import Comment
from shared.agent import Agent, flow
from shared.agent.tools import tool
from shared.database import OPERATOR, Database
from shared.events import Event
from shared.settings import Settings
from tests.events.made import an_event
from tests.models.batch.batch_runner import BatchRunner, Verdict, answers, patient, said
from tests.models.batch.server import Answered, BatchServer, Json


def test_a_run_rests_until_the_batch_ends_and_then_acts_once(
    runner: BatchRunner, server: BatchServer
) -> None:
    server.answers = answers("bug")

    runner.open()
    assert runner.query("select state, finished_at, lease_owner from runs") == [
        ("parked", None, None)
    ]
    runner.tick()
    assert [batch.status for batch in server.batches] == ["in_progress"]
    runner.tick()
    assert runner.wake() == 0
    server.end()
    runner.tick()
    assert runner.wake() == 1

    assert runner.comments == ["bug"]
    assert runner.states == ["done"]
    assert runner.query("select model, cost from steps where name = 'ask'") == [
        ("openai:gpt-5.4-mini", (1000 * 0.75 + 100 * 4.5) / 1e6 / 2)
    ]
    runner.tick()
    assert (len(server.batches), runner.wake(), server.at_once) == (1, 0, [])


def test_a_run_that_is_stopped_while_it_rests_is_over_and_asks_nobody(
    runner: BatchRunner, server: BatchServer
) -> None:
    runner.open()
    stop = an_event(id="github:stop", type="github.command.cancel", text="")
    assert runner.deliver(control, stop) == []
    assert runner.query("select state, reason from runs where flow = 'patient'") == [
        ("cancelled", "Stopped by ada.")
    ]
    runner.tick()
    assert (server.batches, runner.wake()) == ([], 0)
    runner.open()
    assert "bug" not in runner.comments


def test_the_same_delivery_while_it_rests_changes_nothing(
    runner: BatchRunner, server: BatchServer
) -> None:
    runner.open()
    runner.tick()
    runner.open()
    runner.tick()
    assert (runner.states, len(server.batches)) == (["parked"], 1)


def test_a_wake_that_comes_twice_acts_once(runner: BatchRunner, server: BatchServer) -> None:
    server.answers = answers("bug")
    runner.open()
    runner.tick()
    server.end()
    runner.tick()
    runner.wake()
    runner.open()
    assert runner.comments == ["bug"]


def test_a_wake_that_was_given_up_is_repeated(runner: BatchRunner, server: BatchServer) -> None:
    runner.open()
    runner.tick()
    server.end(ends=answers("bug"))
    runner.tick()
    assert len(runner.published) == 1
    runner.forget_published()
    runner.tick()
    assert runner.published == [], "not before an hour has passed"
    runner.query("update batch_requests set woken_at = woken_at - interval '61 minutes'")
    runner.tick()
    runner.wake()
    assert runner.comments == ["bug"]


def test_a_run_whose_event_is_broken_keeps_no_other_waiting(
    runner: BatchRunner, server: BatchServer
) -> None:
    runner.open(id="github:broken")
    runner.open(id="github:fine", text="Another text")
    runner.tick()
    server.end(ends=answers("bug"))
    runner.query("update events set body = '{}' where id = 'github:broken'")
    runner.tick()
    assert [event.id for event in runner.published] == ["github:fine"]
    runner.wake()
    assert runner.comments == ["bug"]


def test_a_flow_that_has_handled_the_event_does_not_handle_the_wake(
    runner: BatchRunner, server: BatchServer
) -> None:
    handled = []

    @flow("github.issues.opened")
    def quick(event: Event, agent: Agent) -> None:
        handled.append(event.id)

    runner.open(quick)
    runner.open(patient)
    runner.tick()
    server.end()
    runner.tick()
    runner.wake(quick)
    assert len(handled) == 1


def test_an_author_who_survives_every_exception_does_not_act_without_the_answer(
    runner: BatchRunner,
) -> None:
    @flow("github.issues.opened", may=[Comment.at_most(1)])
    def stubborn(event: Event, agent: Agent) -> None:
        label = "unknown"
        try:
            verdict = agent.ask("Name it.", event, returns=Verdict, deadline=timedelta(hours=6))
            label = verdict.label
        except Exception:
            label = "failed"
        agent.act(Comment(event.issue, label))

    runner.open(stubborn)
    assert (runner.comments, runner.states) == ([], ["parked"])


def test_questions_asked_at_once_travel_together_and_wake_the_run_once(
    runner: BatchRunner, server: BatchServer
) -> None:
    @flow("github.issues.opened", may=[Comment.at_most(1)])
    def thorough(event: Event, agent: Agent) -> None:
        def name(part: str) -> str:
            wait = timedelta(hours=6)
            return agent.ask("Name it.", part, returns=Verdict, deadline=wait).label

        agent.act(Comment(event.issue, " ".join(agent.map(name, ["one", "two", "three"]))))

    def answer(body: Json) -> Answered:
        text = body["messages"][-1]["content"]
        return said(next(word for word in ("one", "two", "three") if word in text).upper())

    server.answers = answer
    runner.open(thorough)
    runner.tick()
    assert [len(batch.requests) for batch in server.batches] == [3]
    server.end()
    runner.tick()
    assert runner.wake(thorough) == 1
    assert runner.comments == ["ONE TWO THREE"]


def test_one_question_after_the_other_rests_twice(runner: BatchRunner, server: BatchServer) -> None:
    @flow("github.issues.opened", may=[Comment.at_most(1)])
    def twice(event: Event, agent: Agent) -> None:
        wait = timedelta(hours=6)
        first = agent.ask("Name it.", event, returns=Verdict, deadline=wait).label
        second = agent.ask("Name that.", first, returns=Verdict, deadline=wait).label
        agent.act(Comment(event.issue, first + second))

    runner.open(twice)
    for label in ("a", "b"):
        runner.tick()
        server.end(ends=answers(label))
        runner.tick()
        assert runner.wake(twice) == 1
    assert runner.comments == ["ab"]
    assert runner.query("select count(*) from steps where name = 'ask'") == [(2,)]


def test_an_answer_that_does_not_fit_is_repaired_at_once(
    runner: BatchRunner, server: BatchServer
) -> None:
    runner.open()
    runner.tick()
    server.end(ends=lambda body: Answered("no JSON"))
    server.answers = answers("repaired")
    runner.tick()
    runner.wake()
    assert runner.comments == ["repaired"]
    assert (len(server.at_once), len(server.batches)) == (1, 1)


@pytest.mark.parametrize(
    ("hours", "model"), [(0.2, "openai:gpt-5.4-mini"), (6, "http://{}/v1#plain")]
)
def test_what_cannot_go_by_batch_is_asked_at_once(
    hours: float, model: str, runner: BatchRunner, server: BatchServer
) -> None:
    name = model.format(server.url.removeprefix("http://"))

    @flow("github.issues.opened", may=[Comment.at_most(1)])
    def hasty(event: Event, agent: Agent) -> None:
        wait = timedelta(hours=hours)
        verdict = agent.ask("Name it.", event, returns=Verdict, model=name, deadline=wait)
        agent.act(Comment(event.issue, verdict.label))

    server.answers = answers("now")
    runner.open(hasty)
    assert (runner.comments, runner.states, len(server.at_once)) == (["now"], ["done"], 1)


def test_equal_questions_of_a_tenant_travel_once_and_cost_once(
    runner: BatchRunner, server: BatchServer
) -> None:
    for number in range(3):
        runner.open(id=f"github:d{number}", conversation=f"github:acme/shop#{number}")
    runner.open(id="github:d9", tenant="github:globex")
    runner.tick()
    assert [len(batch.requests) for batch in server.batches] == [2]
    server.end(ends=answers("bug"))
    runner.tick()
    assert runner.wake() == 4
    assert runner.comments == ["bug"] * 4
    costs = runner.query(
        "select tenant, cost > 0, count(*) from steps where name = 'ask' group by 1, 2"
    )
    assert sorted(costs) == [
        ("github:acme", False, 2),
        ("github:acme", True, 1),
        ("github:globex", True, 1),
    ]


def test_a_run_that_gives_up_waiting_for_the_queue_is_not_woken(
    runner: BatchRunner, server: BatchServer
) -> None:
    runner.open()
    runner.tick()
    server.end(ends=answers("bug"))
    runner.query("update runs set state = 'retrying' where flow = 'patient'")
    runner.tick()
    assert runner.wake() == 0
    runner.open()
    assert runner.comments == ["bug"]
    runner.tick()
    assert runner.wake() == 0


def test_what_is_forgotten_takes_its_requests_along(runner: BatchRunner) -> None:
    runner.open()
    runner.query("update events set recorded_at = now() - interval '91 days'")
    runner.query("select expire_events(interval '90 days')")
    assert runner.query("select * from batch_requests") == []
    runner.tick()


def test_no_tenant_reads_anothers_requests_and_none_reads_batches(runner: BatchRunner) -> None:
    runner.open()
    runner.tick()
    count = "select count(*) from batch_requests"
    seen = []
    for tenant in ("github:acme", "github:globex", ""):
        with_role = f"set role agent_flows; set app.tenant = '{tenant}'; {count}"
        seen.append(_last(runner, with_role))
    assert seen == [1, 0, 0]
    assert runner.query("select has_table_privilege('agent_flows', 'batches', 'select')") == [
        (False,)
    ]
    grants = runner.query(
        "select privilege_type from information_schema.role_column_grants where"
        " grantee = 'agent_flows' and table_name = 'batch_requests' and column_name = 'reply'"
    )
    assert sorted(grants) == [("INSERT",), ("SELECT",)]


def _last(runner: BatchRunner, statements: str) -> object:
    with psycopg.connect(runner.url, autocommit=True) as connection:
        cursor = connection.execute(statements.encode())
        while cursor.nextset():
            pass
        (row,) = cursor.fetchall()
        return row[0]


def test_strange_text_comes_back_from_a_batch_as_it_was(
    runner: BatchRunner, server: BatchServer
) -> None:
    label = 'nul \\u0000, quote \\", 中文 🚀'
    runner.open(text="nul \x00, half an emoji \ud83d")
    runner.tick()
    server.end(ends=answers(label))
    runner.tick()
    runner.wake()
    assert runner.comments == ['nul \x00, quote ", 中文 🚀']


def test_an_event_says_once_more_what_it_said(runner: BatchRunner, server: BatchServer) -> None:
    event = an_event(text="中文", payload={"deep": [1, None]})
    runner.open(**event._asdict())
    runner.tick()
    server.end()
    runner.tick()
    assert runner.published == [event]


@tool
def look_up(name: str) -> str:
    """Look a name up."""
    return f"{name} is a shop"


@flow("github.issues.opened", may=[Comment.at_most(1)])
def patient_talk(event: Event, agent: Agent) -> None:
    said = agent.converse("Answer.", tools=[look_up], model="small", deadline=timedelta(hours=48))
    agent.act(Comment(event.issue, said))


def test_a_conversation_waits_for_its_first_turn_and_asks_at_once_after_a_tool(
    runner: BatchRunner, server: BatchServer
) -> None:
    runner.open(patient_talk)
    assert (runner.states, server.at_once) == (["parked"], [])
    runner.tick()
    call = '{"name": "acme"}'
    server.end(ends=lambda body: Answered(calls=(("look_up", call),)))
    runner.tick()
    server.answers = lambda body: Answered("It is a shop.")
    assert runner.wake(patient_talk) == 1
    assert (runner.states, runner.comments) == (["done"], ["It is a shop."])
    assert [len(batch.requests) for batch in server.batches] == [1]
    assert "acme is a shop" in str(server.at_once)


def test_a_conversation_that_can_wait_rests_until_its_budget_is_free_again(
    database_url: str, settings: Settings, server: BatchServer
) -> None:
    with Database(database_url, patience=5, role=OPERATOR) as database:
        thrifty = BatchRunner(database, settings._replace(budgets="tenant=1"), database_url)
        thrifty.open(patient_talk)
        thrifty.query("delete from runs")
        thrifty.query("update budget_days set spent = 1 where scope = 'tenant'")
        thrifty.open(patient_talk, id="github:d2", received_at=time.time())
        assert (thrifty.states, server.at_once) == (["parked"], [])
