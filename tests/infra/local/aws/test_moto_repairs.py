"""One test per repair of moto, through boto3 as functions use it."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from moto.sqs.models import Message

from tests.infra.local.aws.queue_account import QueueAccount


@pytest.fixture
def cloud() -> Iterator[QueueAccount]:
    cloud = QueueAccount()
    yield cloud
    cloud.close()


def test_a_deduplication_id_is_remembered_after_its_message_is_deleted(cloud: QueueAccount) -> None:
    first = cloud.send("one", id="same")
    cloud.delete(cloud.receive()[0])
    assert cloud.send("two", id="same") == first
    assert cloud.receive() == []


def test_a_deduplication_id_is_forgotten_after_five_minutes(cloud: QueueAccount) -> None:
    message = Message("old", "one")
    message.deduplication_id, message.group_id = "same", "c"
    message.sent_timestamp = int(time.time() * 1000) - 301_000
    cloud.flow.add_message(message)
    cloud.delete(cloud.receive()[0])
    cloud.send("two", id="same")
    assert cloud.bodies() == ["two"]


def test_receivers_at_once_never_get_the_same_message(cloud: QueueAccount) -> None:
    for n in range(40):
        cloud.send(str(n), conversation=str(n))
    with ThreadPoolExecutor(8) as threads:
        batches = list(threads.map(lambda _: cloud.bodies(limit=1), range(40)))
    assert Counter(body for batch in batches for body in batch) == {str(n): 1 for n in range(40)}


def test_a_conversation_waits_for_its_message_to_become_visible(cloud: QueueAccount) -> None:
    for body, conversation in (("a1", "a"), ("a2", "a"), ("b1", "b")):
        cloud.send(body, conversation)
    (first,) = cloud.receive(limit=1)
    assert first["Body"] == "a1"
    assert cloud.bodies() == ["b1"]
    assert cloud.bodies() == []
    cloud.give_back(first)
    assert cloud.bodies() == ["a1", "a2"]


def test_a_message_becomes_visible_when_its_time_is_over(cloud: QueueAccount) -> None:
    cloud.send("one")
    cloud.sqs.receive_message(QueueUrl=cloud.url, VisibilityTimeout=1)
    assert cloud.bodies(seconds=10) == ["one"]


def test_a_batch_of_one_conversation_leaves_the_others(cloud: QueueAccount) -> None:
    for body, conversation in (("a1", "a"), ("b1", "b"), ("a2", "a")):
        cloud.send(body, conversation)
    assert [message.body for message in cloud.flow.take(10, 30, mixed=False)] == ["a1", "a2"]
    assert [message.body for message in cloud.flow.take(10, 30, mixed=False)] == ["b1"]


def test_a_receiver_that_waits_wakes_up_at_once(cloud: QueueAccount) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(cloud.bodies, 10)
        time.sleep(0.1)
        start = time.monotonic()
        cloud.send("now")
        assert waiting.result() == ["now"]
    assert time.monotonic() - start < 5


def test_what_was_received_too_often_dies_and_can_be_redriven(cloud: QueueAccount) -> None:
    cloud.send("poison")
    cloud.send("behind")
    for _ in range(2):
        (message,) = cloud.receive(limit=1)
        assert message["Body"] == "poison"
        cloud.give_back(message)
    (behind,) = cloud.receive(limit=1)
    assert behind["Body"] == "behind"
    assert [message.body for message in cloud.store.messages("dead.fifo")] == ["poison"]
    assert cloud.flow.redrive() == 1
    cloud.give_back(behind)
    assert cloud.bodies() == ["behind", "poison"]


def test_a_purged_queue_is_empty_for_good(cloud: QueueAccount) -> None:
    cloud.send("one")
    cloud.sqs.purge_queue(QueueUrl=cloud.url)
    assert cloud.receive() == []
    assert cloud.store.messages("flow.fifo") == []


def test_a_message_that_is_given_back_is_visible_at_once(cloud: QueueAccount) -> None:
    cloud.send("one")
    cloud.give_back(cloud.receive()[0])
    assert cloud.bodies() == ["one"]


def test_a_message_that_outlived_its_retention_is_still_delivered(cloud: QueueAccount) -> None:
    message = Message("old", "old")
    message.group_id, message.sent_timestamp = "c", int(time.time() * 1000) - 30 * 86_400_000
    cloud.flow.add_message(message)
    assert cloud.bodies() == ["old"]


def test_an_unknown_receipt_is_refused(cloud: QueueAccount) -> None:
    with pytest.raises(ClientError, match="ReceiptHandleIsInvalid"):
        cloud.delete({"ReceiptHandle": "none"})


def test_messages_with_their_attributes_and_attempts_survive(tmp_path: Path) -> None:
    cloud = QueueAccount(tmp_path)
    attributes = {
        "type": {"DataType": "String", "StringValue": "slack.message.im"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\xff"},
    }
    cloud.sqs.send_message(
        QueueUrl=cloud.url,
        MessageBody="héllo",
        MessageGroupId="c",
        MessageDeduplicationId="1",
        MessageAttributes=attributes,
    )
    cloud.receive()
    cloud.account.client("s3").put_object(Bucket="bucket", Key="a/b", Body=b"\x00\xff")
    cloud.close()

    again = QueueAccount(tmp_path)
    (message,) = again.sqs.receive_message(
        QueueUrl=again.url, AttributeNames=["All"], MessageAttributeNames=["All"]
    )["Messages"]
    assert message["Body"] == "héllo"
    assert message["MessageAttributes"] == attributes
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"
    assert message["Attributes"]["MessageGroupId"] == "c"
    body = again.account.client("s3").get_object(Bucket="bucket", Key="a/b")["Body"].read()
    assert body == b"\x00\xff"
    again.close()


def test_moto_keeps_no_message_that_is_gone(cloud: QueueAccount) -> None:
    cloud.send("one")
    cloud.delete(cloud.receive()[0])
    topic = cloud.account.client("sns").create_topic(Name="plain")["TopicArn"]
    cloud.account.client("sns").publish(TopicArn=topic, Message="hello")
    assert len(Message.instances_tracked) == 0
    assert len(cloud.account.sns.topics[topic].sent_notifications) == 0


def test_the_size_of_a_published_message_counts_in_bytes(cloud: QueueAccount) -> None:
    sns = cloud.account.client("sns")
    topic = sns.create_topic(Name="plain")["TopicArn"]
    sns.publish(TopicArn=topic, Message="x" * 262_144)
    with pytest.raises(ClientError, match="Message too long"):
        sns.publish(TopicArn=topic, Message="中" * 87_382)
