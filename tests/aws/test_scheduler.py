"""One-time schedules: what is sent to EventBridge Scheduler, and what its answers mean."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import boto3
import pytest

from infra.project import ROOT
from shared.aws.looks import Looks, tick
from shared.aws.scheduler import Scheduler, ScheduleRefused
from shared.errors import PublishError, SettingsError
from shared.events import Event
from tests.events.made import an_event
from tests.local_scheduler import ROLE, TOPIC, LocalScheduler, local_scheduler
from tests.moto_server import moto_server
from tests.scripted_http import Step, answer, reset, served, silence
from tests.waiting import wait_for

Make = Callable[..., Scheduler]
NOON = datetime(2099, 11, 30, 12, tzinfo=UTC).timestamp()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    monkeypatch.setattr("shared.aws.scheduler._TIMEOUT", 0.3)


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalScheduler]:
    with local_scheduler() as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SCHEDULER", running.url)
        yield running


@pytest.fixture
def make() -> Iterator[Make]:
    """Make schedulers whose clock may be another."""
    with ExitStack() as open_:

        def made(clock: Callable[[], float] = time.time) -> Scheduler:
            scheduler = Scheduler(ROLE, TOPIC, clock=clock)
            open_.callback(scheduler.close)
            return scheduler

        yield made


@pytest.fixture
def scheduler(local: LocalScheduler, make: Make) -> Scheduler:
    return make()


def later(text: str = "") -> Event:
    return an_event(id="timer:1", type="timer.remind", payload={"said": text})


def test_a_schedule_publishes_its_event_once_and_is_gone(
    scheduler: Scheduler, local: LocalScheduler
) -> None:
    scheduler.create("one", NOON, later())
    found = scheduler.find("one")
    assert found
    assert found["ScheduleExpression"] == "at(2099-11-30T12:00:00)"
    assert found["Target"]["Arn"] == "arn:aws:scheduler:::aws-sdk:sns:publish"
    assert found["Target"]["RoleArn"] == ROLE
    assert local.schedules.fire("one")
    assert local.events == [later()]
    [call] = local.called
    assert call["TopicArn"] == TOPIC
    assert call["MessageAttributes"]["type"]["StringValue"] == "timer.remind"
    assert scheduler.find("one") is None


def test_the_group_and_the_ids_are_those_of_the_bus(
    scheduler: Scheduler, local: LocalScheduler
) -> None:
    """What fires twice is dropped, and waits behind what else happens in its conversation."""
    for name in ("one", "two"):
        scheduler.create(name, NOON, later())
        local.schedules.fire(name)
    one, two = local.called
    assert one == two
    assert {len(one[name]) for name in ("MessageGroupId", "MessageDeduplicationId")} == {64}


def test_setting_it_twice_sets_one(scheduler: Scheduler) -> None:
    for moment in (NOON, NOON + 3600):
        scheduler.create("one", moment, later())
    assert list(scheduler.names()) == ["one"]
    found = scheduler.find("one")
    assert found and found["ScheduleExpression"] == "at(2099-11-30T12:00:00)"


@pytest.mark.parametrize(
    ("moment", "at"),
    [
        (NOON, "12:00:00"),
        (NOON + 0.001, "12:01:00"),
        (NOON + 59.9, "12:01:00"),
        (NOON - 3600, "12:00:00"),
        (0.0, "12:00:00"),
        (NOON + 86_400 * 366, "12:00:00"),
    ],
)
def test_it_never_fires_early_and_what_is_over_fires_at_once(
    local: LocalScheduler, make: Make, moment: float, at: str
) -> None:
    make(lambda: NOON - 20).create("one", moment, later())
    found = local.schedules.get("agent-flows", "one")
    assert found["ScheduleExpression"][:-1].endswith(f"T{at}")


def test_nobodys_text_is_taken_for_a_placeholder_of_the_scheduler(
    scheduler: Scheduler, local: LocalScheduler
) -> None:
    said = 'now <aws.scheduler.execution-id> "quoted" \\u003c <b>über</b> \u2028 🎉'
    scheduler.create("one", NOON, later(said))
    found = scheduler.find("one")
    assert found and "<" not in found["Target"]["Input"]
    local.schedules.fire("one")
    assert local.events == [later(said)]


def test_what_is_cancelled_does_not_fire(scheduler: Scheduler, local: LocalScheduler) -> None:
    scheduler.create("one", NOON, later())
    assert scheduler.cancel("one")
    assert not scheduler.cancel("one")
    assert not local.schedules.fire("one")


def test_lists_are_read_to_their_end(scheduler: Scheduler) -> None:
    names = sorted(f"look-{number:03}" for number in range(230))
    for name in names:
        scheduler.create(name, NOON, later())
    assert sorted(scheduler.names()) == names


@pytest.mark.parametrize(
    ("script", "again"),
    [
        ((answer(429), answer(429)), True),
        ((answer(503), answer(500)), True),
        ((answer(402),), True),  # a quota: others fire
        ((answer(403),), True),  # a right that lacks is mended
        ((answer(404),), True),
        ((reset, reset), True),
        ((silence, silence), True),
        ((answer(400, b'{"Message": "Invalid Schedule Expression"}'),), False),
    ],
)
def test_a_scheduler_that_is_away_is_asked_later_and_one_that_refuses_is_not(
    monkeypatch: pytest.MonkeyPatch, make: Make, script: tuple[Step, ...], again: bool
) -> None:
    with served(*script) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SCHEDULER", server.url)
        with pytest.raises(PublishError, match="scheduler") as caught:
            make().create("one", NOON, later())
        assert caught.value.retryable is again
        assert isinstance(caught.value, ScheduleRefused) is not again


@pytest.mark.parametrize("topic", ["", "arn:aws:sns:us-east-1:1:other.fifo"])
def test_without_a_stack_there_is_no_clock(topic: str) -> None:
    with pytest.raises(SettingsError, match="TIMER_ROLE_ARN"):
        Scheduler(ROLE, topic)


def test_another_implementation_understands_the_same_requests(
    monkeypatch: pytest.MonkeyPatch, make: Make
) -> None:
    with moto_server() as url:
        client = boto3.client(
            "scheduler",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        client.create_schedule_group(Name="agent-flows")
        monkeypatch.setenv("AWS_ENDPOINT_URL_SCHEDULER", url)
        scheduler = make()
        scheduler.create("one", NOON, later())
        theirs = client.get_schedule(GroupName="agent-flows", Name="one")
        assert theirs["ActionAfterCompletion"] == "DELETE"
        call = json.loads(theirs["Target"]["Input"])
        assert Event.from_json(call["Message"]) == later()
        assert list(scheduler.names()) == ["one"]
        assert scheduler.cancel("one")
        assert scheduler.find("one") is None
        client.close()


def test_botos_own_client_understands_the_local_scheduler(local: LocalScheduler) -> None:
    client = boto3.client(
        "scheduler",
        endpoint_url=local.url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    wanted = {
        "Name": "one",
        "GroupName": "agent-flows",
        "ScheduleExpression": "at(2099-01-01T00:00:00)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {
            "Arn": "arn:aws:scheduler:::aws-sdk:sns:publish",
            "RoleArn": ROLE,
            "Input": "{}",
        },
    }
    client.create_schedule(**wanted)
    refused = client.exceptions
    with pytest.raises(refused.ConflictException):
        client.create_schedule(**wanted)
    with pytest.raises(refused.ResourceNotFoundException, match="group"):
        client.create_schedule(**wanted | {"GroupName": "gone"})
    for changed in ({"ScheduleExpression": "rate(1 day)"}, {"ScheduleExpression": "at(noon)"}):
        with pytest.raises(refused.ValidationException):
            client.create_schedule(**wanted | {"Name": "two"} | changed)
    with pytest.raises(refused.ValidationException, match="over"):
        past = {"Name": "two", "ScheduleExpression": "at(2020-01-01T00:00:00)"}
        client.create_schedule(**wanted | past)
    assert client.list_schedules(GroupName="agent-flows")["Schedules"][0]["Name"] == "one"
    client.delete_schedule(GroupName="agent-flows", Name="one")
    with pytest.raises(refused.ResourceNotFoundException):
        client.delete_schedule(GroupName="agent-flows", Name="one")
    client.close()


# Looks: marks that all share


def test_a_thousand_that_wait_until_about_the_same_time_set_few_schedules(
    scheduler: Scheduler,
) -> None:
    looks = Looks(scheduler)
    for number in range(1000):
        looks.after("sweep", 700 + number)
    assert len(list(scheduler.names())) <= 4
    for number in range(1000):
        Looks(scheduler).after("sweep", 700 + number) if number % 100 == 0 else None
    assert len(list(scheduler.names())) <= 4


def test_what_is_hours_away_is_looked_at_by_the_hour(scheduler: Scheduler) -> None:
    looks = Looks(scheduler)
    for minutes in range(0, 24 * 60, 5):
        looks.after("sweep", minutes * 60)
    assert 24 <= len(list(scheduler.names())) <= 24 + 8


def test_a_look_never_comes_before_its_time_and_is_an_event_of_the_clock(
    local: LocalScheduler, scheduler: Scheduler
) -> None:
    now = time.time()
    for seconds in (0.0, 1.0, 299.0, 3599.0, 3601.0, 90_000.0):
        Looks(scheduler).after("batches", seconds)
        [name] = scheduler.names()
        local.schedules.fire(name)
        event = local.events[-1]
        assert event.received_at >= now + seconds
        assert event == tick("batches", event.received_at)
        assert event.type == "schedule.batches"
    assert all(one.received_at <= two.received_at for one, two in pairwise(local.events))


def test_without_a_scheduler_no_look_is_set_and_none_is_missed_loudly() -> None:
    Looks(None).after("sweep", 1)


# The local scheduler


def test_it_fires_by_itself_when_it_is_due(
    scheduler: Scheduler, local: LocalScheduler, make: Make
) -> None:
    make(lambda: time.time() - 75).create("due", 0, later())
    assert wait_for(lambda: local.events) == [later()]
    assert wait_for(lambda: not list(scheduler.names()))


def test_a_target_that_fails_is_called_again(local: LocalScheduler, make: Make) -> None:
    local.refusals = 3
    make(lambda: time.time() - 75).create("due", 0, later())
    assert wait_for(lambda: local.events) == [later()]
    assert local.refusals == 0


#: Sets a schedule that is due and one that is not, says so, and sleeps; its target is away.
VICTIM = """
import os, sys, time
from pathlib import Path
from shared.aws.scheduler import Scheduler
from tests.aws.test_scheduler import NOON, later
from tests.local_scheduler import ROLE, TOPIC, local_scheduler
with local_scheduler(Path(sys.argv[1]), again=60) as local:
    local.refusals = 99
    os.environ |= {"AWS_ENDPOINT_URL_SCHEDULER": local.url}
    Scheduler(ROLE, TOPIC, clock=lambda: time.time() - 75).create("missed", 0, later("missed"))
    Scheduler(ROLE, TOPIC).create("to-come", NOON, later("to come"))
    while local.refusals == 99:
        time.sleep(0.01)
    print("set", flush=True)
    time.sleep(60)
"""


def test_what_was_missed_while_the_machine_was_off_fires_once_and_the_rest_waits(
    tmp_path: Path,
) -> None:
    keys = {name: "local" for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    with subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(tmp_path)],
        stdout=subprocess.PIPE,
        env=os.environ | keys,
        cwd=ROOT,
    ) as victim:
        assert victim.stdout and victim.stdout.readline() == b"set\n"
        victim.kill()
    for times in (1, 0):
        with local_scheduler(tmp_path) as local:
            wait_for(lambda: len(local.schedules.names()) == 1, log=local.events)
            assert local.events == [later("missed")] * times
            assert local.schedules.names() == [("agent-flows", "to-come")]
