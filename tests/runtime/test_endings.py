"""Every run ends: an outage pauses it as long as it lasts, and failures are counted."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.local.endings import dead_letters, free_runs, reopen
from shared.actions.github.actions import Comment
from shared.agent import Agent, flow
from shared.aws.queue import Queue
from shared.database import Database, Row, Statement
from shared.errors import (
    ActionUnavailable,
    AgentFlowsError,
    AnswerInvalid,
    BudgetExceeded,
    DatabaseUnavailable,
    MemoryUnavailable,
    ModelUnavailable,
    ProcessDied,
    PublishError,
    RunBusy,
)
from shared.events import Event, run_id
from shared.journal import Journal, Run
from shared.runtime.lifecycle import Lifecycle
from shared.runtime.patience import Patience
from shared.runtime.worker import MAX_AGE
from shared.settings import Settings
from shared.testing import FlowRunner
from tests.campaigns import sample
from tests.events.made import an_event

#: Raised by the flow before it acts; None lets it work.
TROUBLE: list[BaseException | None] = [None]
EVENT = an_event(type="github.command.know", text="crash")
OUTAGES: list[AgentFlowsError] = [
    ModelUnavailable("models: down", overloaded=True),
    ActionUnavailable("github: down", 3600, sent=False),
    MemoryUnavailable("embedder: down"),
    PublishError("sns: no answer"),
    DatabaseUnavailable("no answer from Postgres"),
]


class Bug(Exception):
    pass


class Killed(BaseException):
    """The process dies here: nothing of ours sees it."""


@flow("github.command.know", may=[Comment.at_most(1)])
def answers(event: Event, agent: Agent) -> None:
    if TROUBLE[0]:
        raise TROUBLE[0]
    agent.act(Comment(event.issue, "done"))


@pytest.fixture(autouse=True)
def trouble() -> Iterator[Callable[[BaseException | None], None]]:
    def meets(error: BaseException | None) -> None:
        TROUBLE[0] = error

    yield meets
    TROUBLE[0] = None


def row(runner: FlowRunner, event: Event = EVENT) -> Row:
    sql = """select *, extract(epoch from due_at - now())::float8 as wait
             from runs where id = %(run)s"""
    statement = Statement(sql, {"run": run_id(event, "answers")})
    return runner.database.run(event.tenant, [statement])[0][0]


def change(runner: FlowRunner, what: str) -> None:
    runner.database.run(EVENT.tenant, [Statement(f"update runs set {what}", {})])


def said(runner: FlowRunner) -> list[str]:
    """Return the comments, and what was told beside them."""
    texts = (action.arguments.get("body") or action.arguments["text"] for action in runner.effects)
    return [text for text in texts if text]


def dies(runner: FlowRunner) -> None:
    """Deliver the event to a process that is killed, and let its lease end."""
    with pytest.raises(Killed):
        runner.deliver(answers, EVENT)
    change(runner, "lease_until = now() - interval '1 second'")


# Outages


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda error: type(error).__name__)
def test_an_outage_costs_no_attempt_however_long_it_lasts(
    runner: FlowRunner, trouble: Any, outage: AgentFlowsError
) -> None:
    trouble(outage)
    for _ in range(12):
        assert runner.deliver(answers, EVENT) == [EVENT.id]
        state = row(runner)
        assert (state["state"], state["failures"], state["gave_up"]) == ("parked", 0, False)
        assert state["reason"] == str(outage)
    trouble(None)
    assert runner.deliver(answers, EVENT) == []
    assert row(runner)["state"] == "done"
    assert said(runner)[-1].startswith("done")
    assert len([text for text in said(runner) if text.startswith("done")]) == 1


def test_pauses_grow_up_to_the_setting() -> None:
    patience = Patience.of(Settings(max_pause_hours="24"))
    pauses = [patience.pause(before) for before in range(40)]
    assert 20 < pauses[0] < 40
    assert 40 < pauses[1] < 80
    assert sum(pauses[:4]) < 600 < sum(pauses[:6])
    assert len(set(pauses[20:])) == 20, "also the longest differ"
    assert all(57_600 <= pause <= 86_400 for pause in pauses[20:])
    assert 1200 <= Patience.of(Settings(max_pause_hours="0.5")).pause(30) <= 1800
    assert patience.pause(0, at_least=3600) == 3600
    assert patience.pause(0, at_least=1e9) == 86_400


def test_a_person_is_told_once_that_it_takes_longer(runner: FlowRunner, trouble: Any) -> None:
    trouble(ModelUnavailable("models: down"))
    told = []
    for _ in range(6):
        runner.deliver(answers, EVENT)
        told.append(len(said(runner)))
    assert told == [0, 0, 1, 1, 1, 1]
    assert said(runner)[0].startswith("⏳ The language model cannot be reached at the moment.")
    assert run_id(EVENT, "answers") in said(runner)[0]


def test_a_bug_between_outages_does_not_hide_that_it_takes_longer(
    runner: FlowRunner, trouble: Any
) -> None:
    runner = FlowRunner(runner.database, max_attempts="3")
    down = ModelUnavailable("models: down")
    for error in (down, Bug(), down, Bug(), down, down):
        trouble(error)
        runner.deliver(answers, EVENT)
    assert [text[0] for text in said(runner)] == ["⏳"]


def test_the_record_is_hidden_for_the_pause(runner: FlowRunner, trouble: Any) -> None:
    runner = FlowRunner(runner.database, max_pause_hours="24")
    trouble(ModelUnavailable("models: down", 700))
    assert runner.deliver(answers, EVENT) == [EVENT.id]
    (hidden,) = runner.queue.hidden
    assert 700 <= hidden < 703
    assert abs(row(runner)["wait"] - 700) < 20


def test_what_is_not_due_does_not_run(runner: FlowRunner, trouble: Any) -> None:
    runner = FlowRunner(runner.database, max_pause_hours="24")
    trouble(ModelUnavailable("models: down"))
    runner.deliver(answers, EVENT)
    trouble(None)
    change(runner, "due_at = now() + interval '20 hours'")
    for _ in range(30):
        assert runner.deliver(answers, EVENT) == [EVENT.id]
    assert all(71_000 < seconds < 72_002 for seconds in runner.queue.hidden[1:])
    assert row(runner)["attempts"] == 1
    change(runner, "due_at = now()")
    assert runner.deliver(answers, EVENT) == []
    assert said(runner) == [said(runner)[0]]


def test_what_waited_too_long_is_given_up_and_told(
    runner: FlowRunner, trouble: Any, database_url: str
) -> None:
    trouble(ModelUnavailable("models: down"))
    runner.deliver(answers, EVENT)
    assert runner.deliver(answers, EVENT, age=MAX_AGE + 60) == []
    assert said(runner) == [
        f"⚠️ The language model cannot be reached at the moment. Run `{run_id(EVENT, 'answers')}`."
    ]
    (letter,) = dead_letters(database_url, flow="", limit=9)
    assert (letter["flow"], letter["reason"]) == ("answers", "models: down")


def test_the_clock_s_next_events_do_not_wait_for_a_day(runner: FlowRunner, trouble: Any) -> None:
    runner = FlowRunner(runner.database, max_pause_hours="24")
    tick = EVENT._replace(id="tick", source="schedule")
    trouble(PublishError("sns: no answer"))
    for _ in range(9):
        runner.deliver(answers, tick)
        change(runner, "due_at = now()")
    runner.journal = Away(runner.database, DatabaseUnavailable("no answer from Postgres"))
    runner.deliver(answers, tick, receives=20)
    assert max(runner.queue.hidden) <= 301


# Failures


@pytest.mark.parametrize("words", ["a\0b", "a\ud800b"])
def test_a_reason_is_kept_whatever_a_server_said(
    runner: FlowRunner, trouble: Any, words: str
) -> None:
    trouble(ModelUnavailable(words))
    runner.deliver(answers, EVENT)
    assert row(runner)["state"] == "parked"


def test_an_end_that_the_database_refuses_is_a_failed_attempt(runner: FlowRunner) -> None:
    lifecycle = Lifecycle(answers, Journal(runner.database), runner.can)

    def closing(run: Run, state: str) -> list[Statement]:
        return [Statement("select 1/0", {})] if state == "done" else []

    runner.platform.meet(EVENT)
    endings = [
        lifecycle.attempt(
            EVENT, lambda: 60.0, lambda agent: [], patience=Patience(2, 0), closing=closing
        )
        for _ in range(2)
    ]
    assert [ending.state for ending in endings] == ["retrying", "failed"]
    assert row(runner)["gave_up"]


def test_a_bug_has_three_attempts(runner: FlowRunner, trouble: Any, database_url: str) -> None:
    runner = FlowRunner(runner.database, max_attempts="3")
    trouble(Bug("secret"))
    states = []
    for _ in range(3):
        runner.deliver(answers, EVENT)
        states.append(row(runner)["state"])
    assert states == ["retrying", "retrying", "failed"]
    assert [text[:2] for text in said(runner)] == ["⚠️"]
    assert runner.deliver(answers, EVENT) == [], "a dead letter is no message any more"
    assert len(said(runner)) == 1
    assert [letter["reason"] for letter in dead_letters(database_url, flow="answers", limit=9)] == [
        "Bug"
    ]


@pytest.mark.parametrize("error", [AnswerInvalid("no"), BudgetExceeded("used up")], ids=str)
def test_what_no_retry_mends_ends_at_once_and_is_no_dead_letter(
    runner: FlowRunner, trouble: Any, database_url: str, error: AgentFlowsError
) -> None:
    trouble(error)
    assert runner.deliver(answers, EVENT) == []
    assert row(runner)["state"] == "failed"
    assert len(said(runner)) == 1
    assert dead_letters(database_url, flow="", limit=9) == []


def test_outages_between_do_not_hide_a_bug(runner: FlowRunner, trouble: Any) -> None:
    errors = [Bug(), ModelUnavailable("down"), Bug(), PublishError("down"), Bug()]
    runner = FlowRunner(runner.database, max_attempts="3")
    states = []
    for error in errors:
        trouble(error)
        runner.deliver(answers, EVENT)
        states.append(row(runner)["state"])
    assert states == ["retrying", "parked", "retrying", "parked", "failed"]


# Deaths


def test_a_death_in_the_last_attempt_is_told_by_the_next_delivery(
    runner: FlowRunner, trouble: Any, database_url: str
) -> None:
    trouble(Killed())
    dies(runner)
    dies(runner)
    assert row(runner)["state"] == "running"
    trouble(None)
    assert runner.deliver(answers, EVENT) == []
    state = row(runner)
    assert (state["state"], state["gave_up"]) == ("failed", True)
    assert said(runner) == [f"⚠️ {ProcessDied.public} Run `{state['id']}`."]
    assert len(dead_letters(database_url, flow="", limit=9)) == 1


def test_deaths_and_failures_count_together(runner: FlowRunner, trouble: Any) -> None:
    runner = FlowRunner(runner.database, max_attempts="3")
    trouble(Killed())
    dies(runner)
    trouble(Bug())
    runner.deliver(answers, EVENT)
    assert row(runner)["failures"] == 2
    trouble(Killed())
    dies(runner)
    trouble(None)
    runner.deliver(answers, EVENT)
    assert row(runner)["state"] == "failed"


def test_a_lease_that_holds_counts_as_no_attempt(runner: FlowRunner) -> None:
    held = Journal(runner.database).claim(EVENT, "answers", 100, queued=True)
    assert held
    other = Journal(runner.database)
    for _ in range(50):
        with pytest.raises(RunBusy) as busy:
            other.claim(EVENT, "answers", 100, queued=True)
        assert 90 < busy.value.seconds <= 100
    assert runner.deliver(answers, EVENT, receives=900) == [EVENT.id]
    assert 90 < runner.queue.hidden[-1] <= 101.1
    assert runner.queue.buried == []
    held.finish("parked", "models: down", pause=0)
    assert runner.deliver(answers, EVENT, receives=901) == []
    assert row(runner)["failures"] == 0


def test_restarts_of_the_local_system_cost_no_attempt(
    runner: FlowRunner, trouble: Any, database_url: str
) -> None:
    for _ in range(5):
        trouble(Killed())
        with pytest.raises(Killed):
            runner.deliver(answers, EVENT)
        free_runs(database_url)
    trouble(None)
    assert runner.deliver(answers, EVENT) == [], "it goes on at once"
    state = row(runner)
    assert (state["state"], state["failures"], state["attempts"]) == ("done", 0, 6)


def test_a_restart_tries_at_once_what_waited_for_an_outage(
    runner: FlowRunner, trouble: Any, database_url: str
) -> None:
    runner = FlowRunner(runner.database, max_pause_hours="24")
    trouble(ModelUnavailable("models: down", 80_000))
    runner.deliver(answers, EVENT)
    free_runs(database_url)
    trouble(None)
    assert runner.deliver(answers, EVENT) == []


# What no run can take


class Away(Journal):
    """A journal whose database fails in some way."""

    def __init__(self, database: Database, error: Exception) -> None:
        super().__init__(database)
        self._error = error

    def claim(self, *_: Any, **__: Any) -> Any:
        raise self._error


def test_while_the_database_is_away_the_queue_holds_the_event(database: Database) -> None:
    """The real Database, at an address where nobody listens."""
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none", patience=0.01)
    runner = FlowRunner(nowhere, max_pause_hours="24")
    for receives in (*range(1, 14), 500, 999):
        assert runner.deliver(answers, EVENT, receives=receives) == [EVENT.id]
    hidden = runner.queue.hidden
    assert hidden[0] < 40
    assert hidden[11] > 36_000
    assert hidden[-1] > 43_200, "SQS takes 12 hours at most: Queue.hide cuts it"
    assert runner.queue.buried == []
    runner.database = database
    assert FlowRunner(database).deliver(answers, EVENT, receives=1000) == []
    assert row(FlowRunner(database))["failures"] == 0


def test_what_no_database_took_for_13_days_becomes_a_dead_letter_of_the_queue() -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none", patience=0.01)
    runner = FlowRunner(nowhere, max_pause_hours="24")
    assert runner.deliver(answers, EVENT, age=MAX_AGE + 1) == []
    assert [record["messageId"] for record in runner.queue.buried] == [EVENT.id]


def test_what_is_no_event_is_a_dead_letter_at_once(runner: FlowRunner) -> None:
    for body in ('{"no": "event"}', "", "[1]", '{"s3": {"bucket": "x", "key": "y"}}', "null"):
        assert runner.deliver_bodies(answers, body) == []
    assert len(runner.queue.buried) == 5
    assert runner.queue.hidden == []


def test_an_unknown_error_without_a_run_is_given_up_after_hours(runner: FlowRunner) -> None:
    runner = FlowRunner(runner.database, max_pause_hours="24")
    runner.journal = Away(runner.database, ValueError("broken"))
    for receives in range(1, 10):
        assert runner.deliver(answers, EVENT, receives=receives) == [EVENT.id]
    assert sum(runner.queue.hidden) > 3 * 3600
    assert runner.deliver(answers, EVENT, receives=10) == []
    assert len(runner.queue.buried) == 1


def test_later_events_of_a_conversation_wait_behind_it(runner: FlowRunner, trouble: Any) -> None:
    later = EVENT._replace(id="github:d2")
    elsewhere = EVENT._replace(id="github:d3", conversation="github:acme/shop#8")
    trouble(ModelUnavailable("models: down"))
    assert runner.deliver(answers, EVENT, later) == [EVENT.id, later.id]
    assert runner.deliver(answers, elsewhere) == [elsewhere.id]
    trouble(None)
    assert runner.deliver(answers, EVENT, later) == []


# Redrive


def test_a_dead_letter_starts_again_with_all_its_attempts(
    runner: FlowRunner, trouble: Any, database_url: str
) -> None:
    trouble(Bug())
    for _ in range(2):
        runner.deliver(answers, EVENT)
    assert reopen(database_url, "other") == 0
    assert reopen(database_url, "answers") == 1
    assert reopen(database_url, "answers") == 0
    assert dead_letters(database_url, flow="", limit=9) == []
    runner.deliver(answers, EVENT)
    assert row(runner)["state"] == "retrying"
    trouble(None)
    runner.deliver(answers, EVENT)
    assert row(runner)["state"] == "done"
    assert reopen(database_url, row(runner)["id"]) == 0, "what is done is not done again"


def test_one_run_starts_again_by_the_start_of_its_id(
    runner: FlowRunner, trouble: Any, database_url: str
) -> None:
    other = EVENT._replace(id="github:d2")
    trouble(AnswerInvalid("no"))
    runner.deliver(answers, EVENT, other)
    assert reopen(database_url, "") == 0
    assert reopen(database_url, row(runner)["id"][:8]) == 1
    assert [row(runner)["state"], row(runner, other)["state"]] == ["retrying", "failed"]


# Random histories


@pytest.mark.parametrize("seed", sample(range(60), 5))
def test_whatever_happens_a_run_ends_and_acts_once(
    runner: FlowRunner, trouble: Any, database_url: str, seed: int
) -> None:
    """Deaths, outages, bugs and restarts in any order: the run ends done, or failed and told."""
    chance = random.Random(seed)
    runner = FlowRunner(runner.database, max_attempts="3")
    for _ in range(30):
        what = chance.choice(["outage", "outage", "dies", "bug", "restart", "works"])
        trouble({"outage": chance.choice(OUTAGES), "dies": Killed(), "bug": Bug()}.get(what))
        if what == "restart":
            free_runs(database_url)
            continue
        if what == "dies" and row_or_none(runner) not in ("done", "failed"):
            try:
                runner.deliver(answers, EVENT)
            except Killed:
                change(runner, "lease_until = now() - interval '1 second'")
            continue
        if not runner.deliver(answers, EVENT):
            break
    trouble(None)
    assert runner.deliver(answers, EVENT) == []
    state = row(runner)
    ends = [text for text in said(runner) if not text.startswith("⏳")]
    assert len(ends) == 1
    assert state["state"] in {"done", "failed"}
    assert ends[0].startswith("done" if state["state"] == "done" else "⚠️")
    assert state["gave_up"] == (state["state"] == "failed")


def row_or_none(runner: FlowRunner) -> str:
    statement = Statement("select state from runs", {})
    rows = runner.database.run(EVENT.tenant, [statement])[0]
    return str(rows[0]["state"]) if rows else ""


def test_the_queue_hides_for_no_more_than_12_hours() -> None:
    asked: list[Any] = []

    class Told(Queue):
        def _call(self, record: Any, operation: str, fields: Any, *, dead: bool = False) -> None:
            asked.append(fields["VisibilityTimeout"])

    for seconds in (0, 0.2, 60, 43_200, 1e9):
        Told().hide({"receiptHandle": "r"}, seconds)
    assert asked == [0, 1, 60, 42_000, 42_000]
