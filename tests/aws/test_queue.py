"""A worker hides and buries what Lambda hands to it, on a real queue."""

from collections.abc import Iterator

import pytest

from infra.local.aws.queues import event_of
from shared.aws.queue import Queue
from shared.errors import PublishError
from shared.events import Json
from tests.infra.local.aws.queue_account import QueueAccount


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[QueueAccount]:
    cloud = QueueAccount()
    cloud.dead = cloud.queue("flow-dead.fifo")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", cloud.account.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    yield cloud
    cloud.close()


def taken(cloud: QueueAccount) -> Json:
    record: Json = event_of(cloud.flow, cloud.flow.take(1, 30))["Records"][0]
    return record


def hidden_for(cloud: QueueAccount) -> float:
    wait = cloud.flow.next_change()
    assert wait is not None
    return wait


def test_a_hidden_record_holds_back_its_conversation_and_no_other(cloud: QueueAccount) -> None:
    cloud.send("first")
    record = taken(cloud)
    cloud.send("second")
    cloud.send("elsewhere", "other")
    Queue().hide(record, 3600)
    assert 3590 < hidden_for(cloud) <= 3600
    assert cloud.bodies() == ["elsewhere"]
    Queue().hide(record, 0)
    assert cloud.bodies(1, 1) == ["first"]


def test_no_record_is_hidden_for_longer_than_sqs_allows(cloud: QueueAccount) -> None:
    cloud.send("first")
    Queue().hide(taken(cloud), 1e9)
    assert 41_900 < hidden_for(cloud) <= 42_000


def test_a_buried_record_lies_in_the_dead_letter_queue_once(cloud: QueueAccount) -> None:
    kind = {"DataType": "String", "StringValue": "github.issues.opened"}
    cloud.sqs.send_message(
        QueueUrl=cloud.url,
        MessageBody='{"no": "event"} 购物',
        MessageGroupId="c",
        MessageDeduplicationId="1",
        MessageAttributes={"type": kind},
    )
    record = taken(cloud)
    for _ in range(2):
        Queue().bury(record)
    (letter,) = cloud.dead._messages
    assert letter.body == record["body"]
    assert letter.group_id == "c"
    assert letter.message_attributes["type"]["StringValue"] == "github.issues.opened"


def test_what_sqs_refuses_is_said(cloud: QueueAccount) -> None:
    cloud.send("first")
    record = taken(cloud)
    elsewhere = record | {"eventSourceARN": record["eventSourceARN"].replace("flow", "none")}
    with pytest.raises(PublishError, match=r"ChangeMessageVisibility of none\.fifo answered 400"):
        Queue().hide(elsewhere, 1)
    with pytest.raises(PublishError, match=r"SendMessage of none-dead\.fifo answered 400"):
        Queue().bury(elsewhere)


def test_a_queue_that_is_away_is_a_publish_error(
    cloud: QueueAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.send("first")
    record = taken(cloud)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9")
    with pytest.raises(PublishError, match="no answer"):
        Queue().hide(record, 1)
