"""What is set for later is listed from the scheduler itself, and a deployment looks after it."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from infra.deploy.looks import wake
from infra.deploy.timers import timers
from shared.actions.timers import schedule_name
from shared.aws.looks import KINDS, tick
from shared.aws.scheduler import Scheduler
from shared.errors import SettingsError
from shared.events import Event
from tests.events.made import an_event
from tests.local_scheduler import ROLE, TOPIC, LocalScheduler, local_scheduler

NOON = 4_099_723_200.0
LATER = an_event(
    id="timer:1", type="timer.remind", payload={"timer": {"flow": "greet"}, "secret": "hidden"}
)


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalScheduler]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    with local_scheduler() as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SCHEDULER", running.url)
        yield running


@pytest.fixture
def client(local: LocalScheduler) -> Iterator[Any]:
    client = boto3.client("scheduler", endpoint_url=local.url, region_name="us-east-1")
    yield client
    client.close()


def test_timers_and_looks_are_listed_the_next_first_without_what_they_carry(client: Any) -> None:
    scheduler = Scheduler(ROLE, TOPIC)
    scheduler.create(schedule_name("greet", "a" * 32), NOON + 120, LATER)
    scheduler.create("look-sweep-20991130T1200", NOON, tick("sweep", NOON))
    scheduler.close()
    look, timer = timers(client, "agent-flows")
    assert (look["flow"], look["event"], look["at"]) == (
        "sweep",
        "schedule.sweep",
        "2099-11-30T12:00:00",
    )
    assert timer == {
        "name": "greet-" + "a" * 32,
        "at": "2099-11-30T12:02:00",
        "flow": "greet",
        "event": "timer.remind",
        "conversation": LATER.conversation,
        "tenant": LATER.tenant,
    }
    assert "hidden" not in str(timer)


def test_a_schedule_of_somebody_else_in_the_group_is_listed_too(client: Any) -> None:
    client.create_schedule(
        Name="theirs",
        GroupName="agent-flows",
        ScheduleExpression="at(2099-01-01T00:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target={"Arn": "arn:aws:scheduler:::aws-sdk:sns:publish", "RoleArn": ROLE},
    )
    [row] = timers(client, "agent-flows")
    assert (row["name"], row["event"]) == ("theirs", "no event")


class Topics:
    """SNS, as boto3's client shows it."""

    def __init__(self) -> None:
        self.published: list[Event] = []

    def get_paginator(self, name: str) -> "Topics":
        assert name == "list_topics"
        return self

    def paginate(self) -> list[dict[str, list[dict[str, str]]]]:
        other = TOPIC.replace(":agent", ":my-agent")
        return [{"Topics": [{"TopicArn": other}]}, {"Topics": [{"TopicArn": TOPIC}]}]

    def publish(self, **call: Any) -> None:
        assert call["TopicArn"] == TOPIC
        assert len(json.dumps(call["MessageAttributes"]))
        self.published.append(Event.from_json(call["Message"]))


def test_a_deployment_wakes_each_kind_of_look_once() -> None:
    topics = Topics()
    wake(topics, "agent-flows")
    assert sorted(event.type for event in topics.published) == sorted(
        f"schedule.{kind}" for kind in KINDS
    )
    with pytest.raises(SettingsError, match=r"no topic other-events\.fifo"):
        wake(topics, "other")
