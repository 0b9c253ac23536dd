"""A stop halts what came before it, wherever that is: nothing starts after the mark, what happened
is known, and nothing else is touched."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from flows.control import control
from shared.actions.github.actions import AddLabels, Comment
from shared.agent import Agent, flow
from shared.database import Database, Row, Statement
from shared.errors import ActionUnavailable, AnswerInvalid, ModelUnavailable
from shared.events import Actor, Event, run_id
from shared.stopping.desk import StopDesk
from shared.testing import FlowRunner
from tests.events.made import an_event
from tests.waiting import wait_for

ASKED = an_event(id="github:asked", received_at=1_000.0)
STOP = an_event(
    id="github:stop", type="github.command.cancel", text="", received_at=1_001.0, payload={}
)
MALLORY = Actor("66", "mallory", role="none")

Hook = Callable[[], object]


class Death(BaseException):
    """The process of the function dies here."""


@dataclass
class Script:
    """What happens between the acts of the flow `works`."""

    between: Hook = lambda: None
    ran: list[str] = field(default_factory=list)


SCRIPT = Script()


@flow("github.issues.opened", may=[Comment.at_most(9), AddLabels.at_most(9)])
def works(event: Event, agent: Agent) -> None:
    SCRIPT.ran.append(event.id)
    agent.act(Comment(event.issue, "one"))
    SCRIPT.between()
    agent.act(Comment(event.issue, "two"))


@flow("github.issues.opened", may=[Comment.at_most(9)])
def survives(event: Event, agent: Agent) -> None:
    """Survives every error, in threads too."""

    def comment(number: int) -> None:
        try:
            agent.act(Comment(event.issue, f"{number}"))
            SCRIPT.between()
        except Exception:
            SCRIPT.ran.append("survived")

    agent.map(comment, range(2), workers=1)
    comment(2)


@flow("github.issues.opened", may=[Comment.at_most(9)])
def asks(event: Event, agent: Agent) -> None:
    agent.act(Comment(event.issue, "one"))
    SCRIPT.between()
    agent.act(Comment(event.issue, "two"))
    SCRIPT.ran.append(str(agent.ask("Is it so?", event, returns=bool)))


@flow("github.issues.edited", stoppable=False)
def superseding(event: Event, agent: Agent) -> None:
    agent.desk(StopDesk).supersede("works")


@pytest.fixture(autouse=True)
def script() -> Script:
    SCRIPT.between = lambda: None
    SCRIPT.ran = []
    return SCRIPT


def stopped(it: FlowRunner, event: Event = STOP) -> str:
    """Deliver the stop and return what was said to it."""
    before = len(it.platform.done)
    assert it.deliver(control, event) == []
    return said(it)[before] if len(it.platform.done) > before else ""


def said(it: FlowRunner) -> list[str]:
    return [str(getattr(one, "body", getattr(one, "text", ""))) for one in it.platform.done]


def rows(it: FlowRunner, sql: str, tenant: str = "github:acme") -> list[Row]:
    return it.database.run(tenant, [Statement(sql, {})])[0]


def states(it: FlowRunner, flow: str = "works") -> list[str]:
    found = rows(it, f"select state from runs where flow = '{flow}' order by started_at")
    return [row["state"] for row in found]


# When the stop comes


def test_nothing_starts_after_a_stop_between_two_acts(runner: FlowRunner, script: Script) -> None:
    script.between = lambda: stopped(runner)
    assert runner.deliver(works, ASKED) == []
    assert said(runner) == ["one", said(runner)[1]]
    assert said(runner)[1].startswith("⏹ Stopping works `")
    (run,) = rows(runner, "select state, reason, finished_at from runs where flow = 'works'")
    assert (run["state"], run["reason"]) == ("cancelled", "Stopped by ada.")
    assert run["finished_at"]
    assert runner.deliver(works, ASKED, receives=2) == []  # delivered again, it does nothing
    assert script.ran == ["github:asked"]


def test_an_act_that_was_under_way_is_finished_and_known(
    runner: FlowRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    perform = runner.platform.perform

    def stops(action: Any, mark: Any, previous: Any) -> Any:
        receipt = perform(action, mark, previous)
        if isinstance(action, Comment) and said(runner) == ["one"]:
            stopped(runner)
        return receipt

    monkeypatch.setattr(runner.platform, "perform", stops)
    assert runner.deliver(works, ASKED) == []
    assert [text for text in said(runner) if text in {"one", "two"}] == ["one"]
    effects = rows(runner, "select state from effects where flow = 'works'")
    assert (effects, states(runner)) == ([{"state": "committed"}], ["cancelled"])


def test_what_waits_in_the_queue_before_the_stop_never_begins(
    runner: FlowRunner, script: Script
) -> None:
    later = ASKED._replace(id="github:later", received_at=1_002.0)
    assert "will not begin" in stopped(runner)
    assert runner.deliver(works, ASKED, later) == []
    assert script.ran == ["github:later"]
    assert states(runner) == ["cancelled", "done"]
    (run,) = rows(runner, "select reason from runs where event_id = 'github:asked'")
    assert run["reason"] == "Stopped by ada."


def test_a_stop_after_the_end_says_so_once_and_changes_nothing(runner: FlowRunner) -> None:
    runner.deliver(works, ASKED)
    assert stopped(runner).startswith("Nothing runs here any more.")
    assert stopped(runner) == ""  # the same delivery
    assert states(runner) == ["done"]


def test_two_stops_stop_once(runner: FlowRunner, script: Script) -> None:
    second = STOP._replace(id="github:stop2", actor=Actor("2", "bob", role="member"))

    def twice() -> None:
        stopped(runner)
        stopped(runner, second)

    script.between = twice
    runner.deliver(works, ASKED)
    (run,) = rows(runner, "select state, reason from runs where flow = 'works'")
    assert (run["state"], run["reason"]) == ("cancelled", "Stopped by ada.")
    assert states(runner, "control") == ["done", "done"]


def test_two_stops_at_once(runner: FlowRunner, script: Script, database_url: str) -> None:
    def together() -> None:
        with Database(database_url) as one, Database(database_url) as two:
            runners = [FlowRunner(database) for database in (one, two)]
            stops = [STOP._replace(id=f"github:stop{n}") for n in range(2)]
            threads = [
                threading.Thread(target=it.deliver, args=(control, stop))
                for it, stop in zip(runners, stops, strict=True)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    script.between = together
    assert runner.deliver(works, ASKED) == []
    assert (said(runner), states(runner)) == (["one"], ["cancelled"])
    assert states(runner, "control") == ["done", "done"]


def test_a_run_that_waits_for_its_retry_does_nothing_more(
    runner: FlowRunner, script: Script
) -> None:
    script.between = lambda: 1 / 0
    assert runner.deliver(works, ASKED) == ["github:asked"]
    assert states(runner) == ["retrying"]
    script.between = lambda: None
    stopped(runner)
    assert runner.deliver(works, ASKED) == []
    assert ("two" in said(runner), states(runner)) == (False, ["cancelled"])


def test_a_parked_run_ends_at_once(runner: FlowRunner, script: Script) -> None:
    script.between = lambda: 1 / 0
    runner.deliver(works, ASKED)
    rows(runner, "update runs set state = 'parked'")
    stopped(runner)
    assert states(runner) == ["cancelled"]
    assert runner.deliver(works, ASKED) == []
    assert len(script.ran) == 1


# A process that dies


@pytest.mark.parametrize("happened", [True, False])
def test_an_act_in_doubt_is_looked_up_and_not_done_again(
    runner: FlowRunner, monkeypatch: pytest.MonkeyPatch, happened: bool
) -> None:
    perform = runner.platform.perform

    def dies(*call: Any) -> Any:
        if happened:
            perform(*call)
        raise Death

    with monkeypatch.context() as patch, pytest.raises(Death):
        patch.setattr(runner.platform, "perform", dies)
        runner.deliver(works, ASKED)
    rows(runner, "update runs set lease_until = now() where state = 'running'")
    stopped(runner)
    assert runner.deliver(works, ASKED, receives=2) == []
    assert ("one" in said(runner), "two" in said(runner)) == (happened, False)
    (effect,) = rows(runner, "select state from effects where flow = 'works'")
    assert effect["state"] == ("committed" if happened else "planned")
    assert states(runner) == ["cancelled"]


def test_a_stop_whose_function_died_is_made_by_the_next_try(
    runner: FlowRunner, script: Script
) -> None:
    def dies() -> None:
        runner.platform.fails[2] = Death()
        with pytest.raises(Death):
            stopped(runner)
        rows(runner, "update runs set lease_until = now() where flow = 'control'")

    script.between = dies
    runner.deliver(works, ASKED)
    assert states(runner) == ["cancelled"]
    assert stopped(runner).startswith("⏹ Stopping works `")


# A run that fails


@pytest.mark.parametrize(
    "failure",
    [
        ZeroDivisionError(),
        ModelUnavailable("models: down", 9_000),
        ActionUnavailable("github: down", 9_000, sent=False),
        AnswerInvalid("no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_fails_after_a_stop_is_cancelled_and_not_tried_again(
    runner: FlowRunner, script: Script, failure: Exception
) -> None:
    def fails() -> None:
        stopped(runner)
        raise failure

    script.between = fails
    assert runner.deliver(works, ASKED) == []
    assert states(runner) == ["cancelled"]
    assert not [text for text in said(runner) if text[0] in "⚠⏳"]


def test_a_stopped_run_whose_last_attempt_died_is_no_dead_letter(
    runner: FlowRunner, script: Script
) -> None:
    def dies() -> None:
        stopped(runner)
        raise Death

    script.between = dies
    with pytest.raises(Death):
        runner.deliver(works, ASKED)
    rows(runner, "update runs set lease_until = now(), failures = 1 where flow = 'works'")
    assert runner.deliver(works, ASKED) == []
    assert rows(runner, "select state, gave_up from runs where flow = 'works'") == [
        {"state": "cancelled", "gave_up": False}
    ]
    assert "two" not in said(runner)


@pytest.mark.parametrize("sent", [True, False])
def test_a_parked_run_in_doubt_looks_up_what_happened(runner: FlowRunner, sent: bool) -> None:
    runner.platform.fails[2] = ActionUnavailable("github: down", 9_000, sent=sent)
    runner.deliver(works, ASKED)
    assert states(runner) == ["parked"]
    [before] = runner.queue.hidden
    stopped(runner)
    assert states(runner) == ["parked" if sent else "cancelled"]
    # Later events of the conversation wait behind its message no longer.
    assert runner.queue.hidden == [before, 0]
    assert runner.deliver(works, ASKED) == []
    assert states(runner) == ["cancelled"]
    effects = rows(runner, "select state from effects where flow = 'works' order by state")
    assert [effect["state"] for effect in effects] == ["committed", "planned"]


# What it is about


@pytest.mark.parametrize(
    "changes",
    [
        {"conversation": "github:acme/shop#8"},
        {"conversation": "github:acme/shop"},
        {"tenant": "github:other"},
        {"received_at": 999.0},
    ],
)
def test_another_stop_stops_nothing_here(
    runner: FlowRunner, script: Script, changes: dict[str, Any]
) -> None:
    other = STOP._replace(**changes)
    script.between = lambda: stopped(runner, other)
    runner.deliver(works, ASKED)
    assert (said(runner)[-1], states(runner)) == ("two", ["done"])


def test_a_stranger_stops_nothing(runner: FlowRunner, script: Script) -> None:
    script.between = lambda: stopped(runner, STOP._replace(actor=MALLORY))
    runner.deliver(works, ASKED)
    assert (said(runner)[-1], states(runner)) == ("two", ["done"])
    assert "write permission" in said(runner)[1]


def test_the_named_run_is_stopped_and_no_other(runner: FlowRunner, script: Script) -> None:
    other = ASKED._replace(id="github:other")
    texts: list[str] = []

    def names_the_other() -> None:
        script.between = lambda: None
        runner.deliver(works, other)
        found = rows(runner, "select id from runs where event_id = 'github:other'")
        texts.append(stopped(runner, STOP._replace(text=f"`{found[0]['id']}`")))

    script.between = names_the_other
    runner.deliver(works, ASKED)
    assert states(runner) == ["done", "done"]
    assert "it may be over" in texts[0]


def test_a_run_is_stopped_by_its_name(runner: FlowRunner, script: Script) -> None:
    def names_it() -> None:
        (found,) = rows(runner, "select id from runs where event_id = 'github:asked'")
        stopped(runner, STOP._replace(text=found["id"]))

    script.between = names_it
    runner.deliver(works, ASKED)
    assert states(runner) == ["cancelled"]


@pytest.mark.parametrize("tenant", ["github:acme", "github:other"])
def test_the_api_stops_a_run_of_its_own_tenant(
    runner: FlowRunner, script: Script, tenant: str
) -> None:
    run = run_id(ASKED, "works")
    api = STOP._replace(
        type="api.command.cancel",
        source="api",
        tenant=tenant,
        conversation=f"api:{run}",
        payload={"run": run},
        issue_target=None,
    )
    script.between = lambda: stopped(runner, api)
    runner.deliver(works, ASKED)
    own = tenant == "github:acme"
    assert states(runner) == ["cancelled" if own else "done"]
    found = rows(runner, "select state from runs where flow = 'control'", tenant)
    assert found == [{"state": "done" if own else "failed"}]


# How it is carried out


def test_nobody_survives_a_stop(runner: FlowRunner, script: Script) -> None:
    script.between = lambda: said(runner) == ["0"] and stopped(runner)
    assert runner.deliver(survives, ASKED) == []
    assert (script.ran, states(runner, "survives")) == ([], ["cancelled"])
    assert [text for text in said(runner) if len(text) == 1] == ["0"]


def test_a_run_makes_no_round_trip_more(runner: FlowRunner, database_url: str) -> None:
    trips: list[Sequence[Statement]] = []

    class Counted(Database):
        def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
            trips.append(statements)
            return super().run(tenant, statements)

    with Counted(database_url) as database:
        FlowRunner(database).deliver(works, ASKED)
    assert len(trips) == 1 + 2 * 2 + 1  # the claim, an intent and an end for each act, the end


def test_a_newer_event_takes_the_place_of_the_older_run(runner: FlowRunner, script: Script) -> None:
    newer = ASKED._replace(id="github:newer", received_at=1_001.0)
    queued = ASKED._replace(id="github:queued", received_at=1_000.5)
    edited = newer._replace(type="github.issues.edited")

    def comes() -> None:
        script.between = lambda: None
        assert runner.deliver(superseding, edited) == []

    script.between = comes
    assert runner.deliver(works, ASKED, queued, newer) == []
    assert states(runner) == ["superseded", "superseded", "done"]
    assert said(runner) == ["one", "one", "two"]
    (run,) = rows(runner, "select reason from runs where event_id = 'github:queued'")
    assert run["reason"] == "Something newer took its place."


# What begins or ends beside it


def test_no_run_begins_unseen_beside_a_stop(
    runner: FlowRunner, script: Script, database_url: str
) -> None:
    """The stop waits for a run that is just being claimed, and marks it."""
    claim = "select act_for('github:acme', 'agent_flows'), share_stops('github:acme', %s, 'r')"
    with psycopg.connect(database_url) as claiming, Database(database_url) as other:
        claiming.execute(claim, [ASKED.place])
        stopping = threading.Thread(target=FlowRunner(other).deliver, args=(control, STOP))
        stopping.start()
        waits = "select 1 from pg_locks where locktype = 'advisory' and not granted"
        with psycopg.connect(database_url, autocommit=True) as watching:
            wait_for(lambda: watching.execute(waits).fetchone())
        event = "insert into events values ('github:acme', %s, 't', %s, %s)"
        claiming.execute(event, [ASKED.id, ASKED.conversation, ASKED.to_json()])
        run = """insert into runs (tenant, id, event_id, flow, state, lease_owner, lease_until)
                 values ('github:acme', %s, %s, 'works', 'running', 'dead', now())"""
        claiming.execute(run, [run_id(ASKED, "works"), ASKED.id])
        claiming.commit()
        stopping.join()
    assert runner.deliver(works, ASKED) == []
    assert (script.ran, states(runner)) == ([ASKED.id], ["cancelled"])
    assert "two" not in said(runner)
    assert "one" not in said(runner)


def test_what_is_stopped_in_its_last_act_has_ended_well(
    runner: FlowRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    perform = runner.platform.perform

    def stops(action: Any, mark: Any, previous: Any) -> Any:
        receipt = perform(action, mark, previous)
        if isinstance(action, Comment) and said(runner)[-1] == "two":
            stopped(runner)
        return receipt

    monkeypatch.setattr(runner.platform, "perform", stops)
    assert runner.deliver(works, ASKED) == []
    assert states(runner) == ["done"]


def test_no_model_is_asked_after_a_stop(runner: FlowRunner, script: Script) -> None:
    script.between = lambda: stopped(runner)
    assert runner.deliver(asks, ASKED) == []
    assert (states(runner, "asks"), script.ran) == (["cancelled"], [])
    names = rows(
        runner, "select name from steps where run_id in (select id from runs where flow = 'asks')"
    )
    assert "ask" not in {row["name"] for row in names}
