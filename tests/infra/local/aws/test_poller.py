"""A poller puts messages into batches, and takes some answers for failures."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.local.aws.queues import EventSource, Poller
from shared.events import Json
from tests.infra.local.aws.queue_account import QueueAccount


@pytest.fixture
def cloud() -> Iterator[QueueAccount]:
    cloud = QueueAccount()
    yield cloud
    cloud.close()


def poll(
    cloud: QueueAccount, answer: Callable[[Json], Any], concurrency: int = 4, batches: int = 1
) -> list[list[str]]:
    """Let a poller hand over what is in the queue; return the bodies of each batch."""
    seen: list[list[str]] = []
    enough = threading.Event()

    def invoke(function: str, event: Json) -> Any:
        seen.append([record["body"] for record in event["Records"]])
        if len(seen) == batches:
            enough.set()
        return answer(event)

    source = EventSource(cloud.flow, "F", 10, True, concurrency)
    poller = Poller(source, invoke, lambda function, line: None)
    poller.start()
    assert enough.wait(10)
    poller.stop()
    poller.wait(10)
    poller.join()
    return seen


def send_two_conversations(cloud: QueueAccount) -> None:
    for body, conversation in (("a1", "a"), ("b1", "b"), ("a2", "a"), ("b2", "b")):
        cloud.send(body, conversation)


def test_conversations_go_to_functions_of_their_own_while_there_are_any(
    cloud: QueueAccount,
) -> None:
    send_two_conversations(cloud)
    batches = poll(cloud, lambda event: None, concurrency=3, batches=2)
    assert sorted(batches) == [["a1", "a2"], ["b1", "b2"]]


def test_the_last_function_takes_all_conversations(cloud: QueueAccount) -> None:
    send_two_conversations(cloud)
    assert poll(cloud, lambda event: None, concurrency=1) == [["a1", "b1", "a2", "b2"]]


@pytest.mark.parametrize(
    "answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"other": 1}]
)
def test_an_answer_without_failures_deletes_all(cloud: QueueAccount, answer: Any) -> None:
    cloud.send("one")
    poll(cloud, lambda event: answer)
    assert cloud.store.messages("flow.fifo") == []


@pytest.mark.parametrize(
    "answer",
    [
        "fine",
        {"batchItemFailures": "all"},
        {"batchItemFailures": [{"itemIdentifier": "stranger"}]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"id": "one"}]},
        {"batchItemFailures": ["one"]},
    ],
)
def test_an_answer_that_makes_no_sense_keeps_all(cloud: QueueAccount, answer: Any) -> None:
    cloud.send("one")
    cloud.send("two")
    poll(cloud, lambda event: answer)
    assert [message.body for message in cloud.store.messages("flow.fifo")] == ["one", "two"]


def test_only_what_failed_stays(cloud: QueueAccount) -> None:
    cloud.send("one")
    cloud.send("two")
    poll(
        cloud,
        lambda event: {"batchItemFailures": [{"itemIdentifier": event["Records"][1]["messageId"]}]},
    )
    assert [message.body for message in cloud.store.messages("flow.fifo")] == ["two"]


def test_a_record_has_the_shape_that_lambda_sends(cloud: QueueAccount) -> None:
    cloud.sqs.send_message(
        QueueUrl=cloud.url,
        MessageBody="{}",
        MessageGroupId="conversation",
        MessageDeduplicationId="delivery",
        MessageAttributes={"type": {"DataType": "String", "StringValue": "github.push"}},
    )
    records: list[Json] = []
    poll(cloud, lambda event: records.extend(event["Records"]))
    (record,) = records
    assert record["messageAttributes"]["type"]["stringValue"] == "github.push"
    assert record["attributes"]["MessageGroupId"] == "conversation"
    assert record["attributes"]["MessageDeduplicationId"] == "delivery"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["eventSourceARN"].endswith(":flow.fifo")
    assert (record["eventSource"], record["awsRegion"]) == ("aws:sqs", "us-east-1")
    assert record["md5OfBody"] == "99914b932bd37a50b983c5e7c90ae93b"
