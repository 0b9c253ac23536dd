"""The dispatcher: one batch and one action, whatever is killed and whoever else is at it, and a
defined end for all that fails."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from shared.database import OPERATOR, Database, Row, Statement
from shared.events import Event
from shared.models.batch import BatchItem, BatchProgress, BatchProvider, BatchResult
from shared.models.batch.connect import connect
from shared.models.batch.dispatcher import Dispatcher
from shared.settings import Settings
from tests.campaigns import size
from tests.events.made import an_event
from tests.models.batch.batch_runner import BatchRunner, answers, patient, said
from tests.models.batch.server import Answered, BatchServer


class Killed(BaseException):
    """What the process would not survive: nothing of ours may catch it."""


class KillSwitch:
    """Kills at the boundary of that number; a boundary lies before and after all that leaves the
    process."""

    def __init__(self, end: int) -> None:
        self.seen = 0
        self._end = end

    def boundary(self) -> None:
        self.seen += 1
        if self.seen == self._end:
            raise Killed

    def around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def killable(*arguments: Any, **named: Any) -> Any:
            self.boundary()
            result = work(*arguments, **named)
            self.boundary()
            return result

        return killable


class KillableDatabase(Database):
    def __init__(self, url: str, switch: KillSwitch) -> None:
        super().__init__(url, role=OPERATOR)
        self._fate = switch

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        rows: list[list[Row]] = self._fate.around(super().run)(tenant, statements)
        return rows


class KillableProvider:
    def __init__(self, provider: BatchProvider, switch: KillSwitch) -> None:
        self.name, self.least, self.most = provider.name, provider.least, provider.most
        self.submit: Callable[[str, Sequence[BatchItem]], str] = switch.around(provider.submit)
        self.find = switch.around(provider.find)
        self.poll: Callable[[str], BatchProgress] = switch.around(provider.poll)
        self.cancel: Callable[[str], None] = switch.around(provider.cancel)
        self._provider, self._fate = provider, switch

    def results(self, handle: str) -> Iterator[BatchResult]:
        for result in self._provider.results(handle):
            self._fate.boundary()
            yield result


def passes(
    runner: BatchRunner, settings: Settings, switch: KillSwitch, server: BatchServer
) -> None:
    """What a day of passes does, up to the end or to the killing."""

    def publish(event: Event, again: str) -> None:
        switch.around(runner.publish)(event, again)

    with KillableDatabase(runner.url, switch) as database:
        model = KillableProvider(connect(settings.model_small, settings), switch)
        dispatcher = Dispatcher(database, lambda name: model, publish)
        dispatcher.advance(60)
        server.end()
        dispatcher.advance(60)


def test_there_is_one_batch_and_one_action_whenever_the_dispatcher_is_killed(
    runner: BatchRunner, settings: Settings, server: BatchServer
) -> None:
    server.answers = answers("bug")
    for number, end in enumerate(range(1, 200, size(1, 7)), 1):
        runner.open(id=f"github:d{end}", text=f"Number {end}")
        switch = KillSwitch(end)
        try:
            passes(runner, settings, switch, server)
        except Killed:
            runner.query("update batches set lease_until = now() - interval '1 second'")
            passes(runner, settings, KillSwitch(0), server)
        runner.wake()
        assert len(runner.comments) == number, f"killed at {end}"
        sent = [id for batch in server.batches for id in batch.requests]
        assert len(sent) == number, f"killed at {end}"
        if switch.seen < end:
            break
    # Give up, hold, queued, name, items, submit, record, free, wake; hold, poll, store, settle, …
    assert 30 < end < 60


def test_anthropics_batch_is_submitted_once_though_it_has_no_name(
    runner: BatchRunner, settings: Settings, server: BatchServer
) -> None:
    server.answers = answers("bug")
    name = "anthropic:claude-haiku-4-5"
    anthropic = settings._replace(model_small=name)
    asking = BatchRunner(runner.database, anthropic, runner.url)
    asking.open()
    server.fails_after = {"POST /v1/messages/batches": 503}
    asking.tick()
    asking.tick()
    assert asking.query("select handle from batches") == [(None,)], "it cannot be told yet"
    server.end()
    asking.tick()
    assert asking.query("select handle from batches") == [("anthropic_1",)]
    asking.wake()
    assert (asking.comments, len(server.batches)) == (["bug"], 1)


def test_dispatchers_at_once_put_no_request_into_two_batches(
    runner: BatchRunner, settings: Settings, server: BatchServer
) -> None:
    events = [an_event(id=f"github:d{n}", text=f"Number {n}") for n in range(60)]
    assert runner.deliver(patient, *events) == []
    barrier = threading.Barrier(4)

    def advance(_: int) -> None:
        with Database(runner.url, role=OPERATOR) as database:
            dispatcher = Dispatcher(database, lambda name: connect(name, settings), runner.publish)
            barrier.wait()
            dispatcher.advance(60)
            barrier.wait()
            if not barrier.wait():
                server.end()
            barrier.wait()
            dispatcher.advance(60)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(advance, range(4)))
    sent = [id for batch in server.batches for id in batch.requests]
    assert (len(sent), len(set(sent))) == (60, 60)
    assert len(runner.published) == 60


def test_a_dispatcher_does_not_wait_for_what_another_takes(runner: BatchRunner) -> None:
    runner.open()
    name = "select name_batch(%s, 'openai:gpt-5.4-mini', %s, interval '1 minute', 1, 9, 9999999)"
    with psycopg.connect(runner.url) as one, psycopg.connect(runner.url) as two:
        two.execute("set lock_timeout = '2s'")
        taken = [c.execute(name, [n, n]).fetchone() for c, n in ((one, "af-1"), (two, "af-2"))]
    assert taken == [(1,), (0,)]
    assert runner.query("select batch from batch_requests") == [("af-1",)]


def test_a_submission_whose_answer_was_lost_is_found_again(
    runner: BatchRunner, server: BatchServer
) -> None:
    runner.open()
    server.fails_after = {"POST /v1/batches": 503}
    runner.tick()
    assert runner.query("select state, handle from batches") == [("named", None)]
    runner.tick()
    assert runner.query("select state, handle from batches") == [("submitted", "openai_1")]
    assert len(server.batches) == 1


def test_a_submission_that_did_not_arrive_is_made_again_under_its_name(
    runner: BatchRunner, server: BatchServer
) -> None:
    runner.open()
    server.fails_before = {"POST /v1/batches": 503}
    runner.tick()
    runner.tick()
    assert runner.query("select name from batches") == [(server.batches[0].name,)]
    assert len(server.batches) == 1


def test_what_failed_for_a_moment_travels_again_and_the_rest_goes_on(
    runner: BatchRunner, server: BatchServer
) -> None:
    runner.open(id="github:good", text="good")
    runner.open(id="github:bad", text="bad")
    runner.tick()
    passing = Answered(status=503)
    server.end(ends=lambda body: said("fine") if "good" in str(body) else passing)
    runner.tick()
    assert runner.wake() == 1
    assert len(server.batches) == 1, "it waits a little"
    runner.later(minutes=6)
    runner.tick()
    assert [len(batch.requests) for batch in server.batches] == [2, 1]
    server.end(ends=answers("fine"))
    runner.tick()
    runner.wake()
    assert runner.comments == ["fine", "fine"]


@pytest.mark.parametrize("whole", [True, False])
def test_what_fails_again_and_again_is_asked_at_once(
    runner: BatchRunner, server: BatchServer, whole: bool
) -> None:
    server.answers = answers("now")
    runner.open()
    for _ in range(3):
        runner.later(minutes=20)
        runner.tick()
        server.end("failed" if whole else "completed", ends=lambda body: Answered(status=503))
        runner.tick()
    assert runner.wake() == 1
    assert (len(server.batches), len(server.at_once), runner.comments) == (3, 1, ["now"])
    (reason,) = runner.query("select reason from batch_requests")[0]
    assert ("token_limit_exceeded" if whole else "503") in reason


def test_what_was_refused_is_asked_at_once(runner: BatchRunner, server: BatchServer) -> None:
    runner.open()
    runner.tick()
    server.end(ends=lambda body: Answered(status=400, code="bad"))
    server.answers = answers("now")
    runner.tick()
    runner.wake()
    assert (len(server.batches), runner.comments) == (1, ["now"])


def test_a_batch_that_expired_keeps_what_it_has_and_sends_the_rest_again(
    runner: BatchRunner, server: BatchServer
) -> None:
    runner.open(id="github:good", text="good")
    runner.open(id="github:late", text="late")
    runner.tick()
    late = Answered(status=0)
    server.end("expired", ends=lambda body: said("fine") if "good" in str(body) else late)
    runner.tick()
    runner.later(minutes=6)
    runner.tick()
    assert runner.wake() == 1
    assert [len(batch.requests) for batch in server.batches] == [2, 1]


def test_results_that_leave_some_out_send_these_again(
    runner: BatchRunner, server: BatchServer
) -> None:
    runner.open()
    runner.tick()
    server.end()
    server.batches[0].order.clear()
    runner.tick()
    runner.later(minutes=6)
    runner.tick()
    assert [len(batch.requests) for batch in server.batches] == [1, 1]


def test_near_its_deadline_a_request_is_asked_at_once_and_its_batch_cancelled(
    runner: BatchRunner, server: BatchServer
) -> None:
    server.answers = answers("now")
    runner.open()
    runner.tick()
    runner.later(minutes=5 * 60 + 50)
    runner.tick()
    assert runner.wake() == 1
    assert runner.comments == ["now"]
    assert [batch.cancelled for batch in server.batches] == [True]
    server.end("cancelled")
    runner.tick()
    assert runner.query("select state from batches") == [("settled",)]
    assert (runner.wake(), runner.comments) == (0, ["now"])


def test_a_key_that_is_refused_means_that_all_is_asked_at_once(
    runner: BatchRunner, server: BatchServer
) -> None:
    server.answers = answers("now")
    runner.open()
    server.fails_before = {"POST /v1/files": 401}
    runner.tick()
    assert runner.wake() == 1
    assert runner.comments == ["now"]
    assert "OPENAI_API_KEY" in runner.query("select reason from batch_requests")[0][0]


def test_a_server_without_batches_means_that_all_is_asked_at_once(
    runner: BatchRunner, server: BatchServer
) -> None:
    server.answers = answers("now")
    runner.open()
    server.fails_before = {"POST /v1/files": 404}
    runner.tick()
    runner.wake()
    assert runner.comments == ["now"]


def test_a_missing_setting_means_that_all_is_asked_at_once(
    database_url: str, settings: Settings
) -> None:
    lacking = settings._replace(batch_bucket="")
    with Database(database_url, patience=5, role=OPERATOR) as database:
        runner = BatchRunner(
            database, lacking._replace(model_small="bedrock:amazon.nova-lite-v1:0"), database_url
        )
        runner.open()
        runner.tick()
        assert "BATCH_BUCKET is not set" in runner.query("select reason from batch_requests")[0][0]
        assert len(runner.published) == 1


def test_bedrock_waits_for_a_hundred_requests(
    database_url: str, settings: Settings, server: BatchServer, bedrock: None
) -> None:
    with Database(database_url, patience=5, role=OPERATOR) as database:
        small = settings._replace(model_small="bedrock:amazon.nova-lite-v1:0")
        runner = BatchRunner(database, small, database_url)
        events = [an_event(id=f"github:d{n}", text=f"Number {n}") for n in range(100)]
        assert runner.deliver(patient, *events[1:]) == []
        runner.tick()
        assert (server.batches, runner.query("select * from batches")) == ([], [])
        runner.open(**events[0]._asdict())
        runner.tick()
        assert [len(batch.requests) for batch in server.batches] == [100]
        server.end(ends=answers("bug"))
        runner.tick()
        assert runner.wake() == 100
        assert runner.comments == ["bug"] * 100


def test_one_stuck_batch_does_not_stop_the_others(
    runner: BatchRunner, settings: Settings, server: BatchServer
) -> None:
    runner.open(id="github:one", text="one")
    runner.tick()
    runner.open(id="github:two", text="two")
    runner.tick()
    server.end(ends=answers("fine"))
    server.fails_before = {"GET /v1/batches/openai_1": 401}
    runner.tick()
    assert runner.wake() == 1
    runner.tick()
    assert runner.wake() == 1


def test_results_that_break_off_are_read_again(runner: BatchRunner, server: BatchServer) -> None:
    runner.open()
    runner.tick()
    server.end(ends=answers("bug"))
    server.fails_before = {"GET /v1/files/openai_1-output/content": 503}
    runner.tick()
    assert runner.wake() == 0
    runner.tick()
    runner.wake()
    assert (runner.comments, len(server.batches)) == (["bug"], 1)


def test_a_batch_is_no_larger_than_a_function_can_hold(
    runner: BatchRunner, settings: Settings, server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.models.batch.dispatcher._MOST_BYTES", 3_000)
    events = [an_event(id=f"github:d{n}", text=f"{n}" * 1_000) for n in range(5)]
    assert runner.deliver(patient, *events) == []
    for _ in range(6):
        runner.tick()
    assert max(len(batch.requests) for batch in server.batches) <= 2
    assert sum(len(batch.requests) for batch in server.batches) == 5


def test_a_pass_says_what_it_did(runner: BatchRunner, server: BatchServer) -> None:
    runner.open()
    runner.tick()
    server.end(ends=answers("bug"))
    runner.tick()
    runner.tick()
    steps = runner.query("select output from steps where name = 'batches' order by seq")
    assert [output for (output,) in steps] == [{"submitted": 1}, {"settled": 1, "woken": 1}, {}]
