"""A request that its provider refuses fails alone: the others of its batch get their answers."""

import json
from collections.abc import Iterator

import pytest

from shared.database import OPERATOR, Database
from shared.models import ChatMessage, Image, ModelRequest
from shared.models.batch import BatchItem, BatchProvider, ItemsRefused
from shared.models.batch.connect import connect
from shared.settings import Settings
from tests.events.made import an_event
from tests.models.batch.batch_runner import BatchRunner, answers, patient
from tests.models.batch.conftest import NAMES
from tests.models.batch.server import BatchServer

_STATES = "select state, count(*) from batch_requests group by state order by state"


@pytest.fixture(params=["openai", "anthropic"])
def patience(
    request: pytest.FixtureRequest, database_url: str, settings: Settings
) -> Iterator[BatchRunner]:
    with Database(database_url, patience=5, role=OPERATOR) as database:
        small = settings._replace(model_small=NAMES[request.param])
        yield BatchRunner(database, small, database_url)


def opened(runner: BatchRunner, count: int, *poisoned: int) -> None:
    texts = ["poison" if n in poisoned else "fine" for n in range(count)]
    events = [an_event(id=f"github:d{n}", text=f"{text} {n}") for n, text in enumerate(texts)]
    assert runner.deliver(patient, *events) == []


@pytest.mark.parametrize("says_which", [True, False])
@pytest.mark.parametrize("poisoned", [(4,), (0, 8)])
def test_a_request_for_which_a_batch_is_refused_fails_alone(
    patience: BatchRunner, server: BatchServer, says_which: bool, poisoned: tuple[int, ...]
) -> None:
    server.refuses = lambda body: "poison" in json.dumps(body)
    server.says_which = says_which
    opened(patience, 9, *poisoned)
    for _ in range(6):
        patience.tick()
    server.end(ends=answers("bug"))
    patience.tick()
    assert dict(patience.query(_STATES)) == {"done": 9 - len(poisoned), "failed": len(poisoned)}
    assert len(server.batches) < 12
    attempts = patience.query("select max(attempts) from batch_requests where state = 'done'")
    assert attempts == [(1,)], "a batch that was parted was no attempt of the good ones"
    assert patience.query("select count(*) from batches where state <> 'settled'") == [(0,)]


def test_the_run_of_a_refused_request_asks_at_once(
    runner: BatchRunner, server: BatchServer
) -> None:
    server.refuses = lambda body: "poison" in json.dumps(body)
    server.answers = answers("now")
    opened(runner, 3, 1)
    for _ in range(3):
        runner.tick()
    server.end(ends=answers("bug"))
    runner.tick()
    assert runner.wake() == 3
    assert sorted(runner.comments) == ["bug", "bug", "now"]


def test_a_batch_that_failed_for_a_moment_is_not_parted(
    runner: BatchRunner, server: BatchServer
) -> None:
    opened(runner, 3)
    runner.tick()
    server.end("failed")
    runner.tick()
    assert runner.query(_STATES) == [("queued", 3)]


def test_results_that_make_no_sense_keep_no_other_from_its_run(
    patience: BatchRunner, server: BatchServer
) -> None:
    server.junk = [
        "not JSON",
        "[]",
        "null",
        '{"custom_id": null}',
        '{"custom_id": 7, "response": []}',
        '{"custom_id": "x", "result": 3, "error": "no"}',
        "{",
        '{"response": {"status_code": "no"}}',
        json.dumps({"custom_id": "y" * 20, "result": {"type": "succeeded", "message": 3}}),
    ]
    opened(patience, 2)
    patience.tick()
    server.end(ends=answers("bug"))
    patience.tick()
    assert patience.query(_STATES) == [("done", 2)]


def spoil(runner: BatchRunner, event: str) -> None:
    """Store the request of a run in a form that nobody reads."""
    run = "select id from runs where event_id = %s"
    runner.query(f"update batch_requests set request = '{{}}' where run_id = ({run})", event)


def test_a_request_that_cannot_be_read_any_more_fails_alone(
    runner: BatchRunner, server: BatchServer
) -> None:
    opened(runner, 3)
    spoil(runner, "github:d1")
    runner.tick()
    assert [len(batch.requests) for batch in server.batches] == [2]
    assert dict(runner.query(_STATES)) == {"failed": 1, "submitted": 2}


def test_too_few_that_are_left_of_bedrock_wait_for_others(
    database_url: str, settings: Settings, server: BatchServer, bedrock: None
) -> None:
    with Database(database_url, patience=5, role=OPERATOR) as database:
        runner = BatchRunner(
            database, settings._replace(model_small=NAMES["bedrock"]), database_url
        )
        opened(runner, 100)
        spoil(runner, "github:d17")
        runner.tick()
        assert server.batches == []
        assert dict(runner.query(_STATES)) == {"failed": 1, "queued": 99}


def test_what_cannot_be_written_is_named_before_anything_is_sent(
    settings: Settings, server: BatchServer, bedrock: None
) -> None:
    provider: BatchProvider = connect(NAMES["bedrock"], settings)
    picture = ChatMessage("user", "Look.", images=(Image("image/png", "no base64!"),))
    requests = [
        ModelRequest((picture if n == 7 else ChatMessage("user", "-"),)) for n in range(100)
    ]
    with pytest.raises(ItemsRefused) as caught:
        provider.submit("af-1", [BatchItem(f"i{n}", one) for n, one in enumerate(requests)])
    assert [*caught.value.reasons] == ["i7"]
    assert server.seen == []
