"""The bus against a real SNS, SQS and S3 (moto), and against servers that refuse."""

import json
import re
import urllib.parse
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest

from shared.aws import bus, signed_http
from shared.aws.bus import MAX_MESSAGE, Bus, load
from shared.errors import EventError, PublishError, SettingsError
from shared.events import Event, Payload
from tests.events.made import an_event
from tests.moto_server import moto_server
from tests.scripted_http import Request, answer, reset, served

_ARN = "arn:aws:sns:us-east-1:123456789012:events.fifo"
_ASCII = bytes(range(128)).decode()
#: More than are worth a pass each.
_ALL = "".join(map(chr, range(0x800)))
_CHINESE_AND_EMOJI = "支付按钮崩溃 🎉 \u202e \" \\ & = + % ; \t\n'"


@pytest.fixture(scope="module")
def aws_url() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def aws(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A topic, a queue that hears of issues only, and a bucket; boto3's clients to look at them."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    sns, sqs, s3 = (boto3.client(name) for name in ("sns", "sqs", "s3"))
    topic = sns.create_topic(Name="events.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    queue = sqs.create_queue(QueueName="triage.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    s3.create_bucket(Bucket="payloads")
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint="arn:aws:sqs:us-east-1:123456789012:triage.fifo",
        Attributes={
            "RawMessageDelivery": "true",
            "FilterPolicy": json.dumps({"type": ["github.issues.opened"]}),
        },
    )
    yield {"topic": topic, "queue": queue, "sqs": sqs, "s3": s3}
    sns.delete_topic(TopicArn=topic)
    sqs.delete_queue(QueueUrl=queue)
    for client in (sns, sqs, s3):
        client.close()


def _publish(topic: str, bucket: str, *events: Event) -> None:
    with closing(Bus(topic, bucket)) as publisher:
        for event in events:
            publisher.publish(event)


def _received(aws: dict[str, Any]) -> list[Any]:
    answer = aws["sqs"].receive_message(
        QueueUrl=aws["queue"], MaxNumberOfMessages=10, AttributeNames=["All"]
    )
    return list(answer.get("Messages", []))


@pytest.mark.parametrize("text", [_CHINESE_AND_EMOJI, _ASCII, _ALL])
def test_event_goes_through_topic_and_queue_unchanged(aws: dict[str, Any], text: str) -> None:
    event = an_event(text=text, payload={"body": text, "none": None})
    _publish(aws["topic"], "payloads", event)
    (message,) = _received(aws)
    assert load(message["Body"], "payloads") == event


def test_a_body_goes_through_as_it_was_written(aws: dict[str, Any]) -> None:
    written = '{\r\n\t"body": "\x7f 100 % + 1 & =; \\u0041"\n}'
    event = an_event(payload=Payload(json.loads(written), written))
    _publish(aws["topic"], "payloads", event)
    (message,) = _received(aws)
    assert load(message["Body"], "payloads") == event
    assert message["Body"].endswith(f',"payload":{written}}}')


@pytest.mark.parametrize("text", [_CHINESE_AND_EMOJI, _ASCII, _ALL])
def test_the_form_holds_only_what_a_url_may(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with served(answer(200)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", server.url)
        _publish(_ARN, "", an_event(text=text, payload=Payload({"body": text}, _as_came(text))))
    (request,) = server.requests
    assert re.fullmatch(rb"[A-Za-z0-9._~!$'()*,/:?@%&=-]+", request.body)
    assert json.loads(_fields(request)["Message"])["payload"] == {"body": text}


def _as_came(text: str) -> str:
    """Write a body as GitHub does: in UTF-8, with a few spaces."""
    return json.dumps({"body": text}, ensure_ascii=False, indent=1)


def test_an_event_that_is_published_once_more_comes_once_more(aws: dict[str, Any]) -> None:
    event = an_event(id="github:again")
    _publish(aws["topic"], "payloads", event, event)
    with closing(Bus(aws["topic"], "payloads")) as publisher:
        for reason in ("its answer is there", "its answer is there", "another"):
            publisher.publish(event, again=reason)
    assert [load(message["Body"], "payloads") for message in _received_in_turn(aws)] == [event] * 3


def _received_in_turn(aws: dict[str, Any]) -> list[Any]:
    """A group's next message comes when the one before is deleted."""
    found = []
    while messages := _received(aws):
        found += messages
        for message in messages:
            aws["sqs"].delete_message(QueueUrl=aws["queue"], ReceiptHandle=message["ReceiptHandle"])
    return found


def test_filter_policy_sees_the_type(aws: dict[str, Any]) -> None:
    unwanted = an_event(id="github:d2", type="github.issues.closed")
    _publish(aws["topic"], "payloads", unwanted, an_event(id="github:d3"))
    assert [load(message["Body"], "payloads").id for message in _received(aws)] == ["github:d3"]


def test_same_event_is_delivered_once_and_conversations_are_groups(aws: dict[str, Any]) -> None:
    other = an_event(id="github:d4", conversation="github:acme/shop#8")
    _publish(aws["topic"], "payloads", an_event(), an_event(), other, an_event())
    messages = _received(aws)
    assert [load(message["Body"], "payloads").id for message in messages] == [
        "github:d1",
        "github:d4",
    ]
    groups = [message["Attributes"]["MessageGroupId"] for message in messages]
    assert len(set(groups)) == 2


def test_a_stop_waits_behind_no_other_event() -> None:
    stops = [
        an_event(type=kind, id=f"d{number}")
        for number, kind in enumerate(("github.command.cancel", "slack.stop"))
    ]
    assert len({event.group for event in (an_event(), *stops)}) == 3
    assert an_event(type="github.command.plan").group == an_event().group


@pytest.mark.parametrize("letter", ["x", "中"])
def test_large_event_travels_by_way_of_s3(aws: dict[str, Any], letter: str) -> None:
    event = an_event(payload={"diff": letter * 1_500_000}, received_at=1_700_000_000.5)
    _publish(aws["topic"], "payloads", event)
    (message,) = _received(aws)
    address = json.loads(message["Body"])["s3"]
    assert address["bucket"] == "payloads"
    assert address["key"].startswith("events/github-acme/2023-11-14/")
    assert load(message["Body"], "payloads") == event


@pytest.mark.parametrize(("over", "is_stored"), [(0, False), (1, True)])
def test_limit_counts_bytes_of_the_whole_message(
    aws: dict[str, Any], over: int, is_stored: bool
) -> None:
    room = MAX_MESSAGE - len(an_event(payload={"diff": ""}).to_json().encode()) + over
    _publish(aws["topic"], "payloads", an_event(payload={"diff": "x" * room}))
    (message,) = _received(aws)
    assert ("s3" in json.loads(message["Body"])) is is_stored


def test_large_event_without_a_bucket_is_a_publish_error(aws: dict[str, Any]) -> None:
    with pytest.raises(PublishError, match="set PAYLOAD_BUCKET"):
        _publish(aws["topic"], "", an_event(payload={"diff": "x" * MAX_MESSAGE}))


def test_missing_bucket_is_a_publish_error(aws: dict[str, Any]) -> None:
    with pytest.raises(PublishError, match="s3: the bucket nowhere answered 404 NoSuchBucket"):
        _publish(aws["topic"], "nowhere", an_event(payload={"diff": "x" * MAX_MESSAGE}))


def test_missing_topic_is_a_publish_error(aws: dict[str, Any]) -> None:
    with pytest.raises(PublishError, match="sns: the topic answered 404 NotFound; look at"):
        _publish(_ARN.replace("events", "other"), "", an_event())


def test_object_that_is_gone_is_an_event_error(aws: dict[str, Any]) -> None:
    key = f"events/github-acme/2023-11-14/{'0' * 64}.json"
    with pytest.raises(EventError, match=rf"s3: payloads/{key} is gone"):
        load(json.dumps({"s3": {"bucket": "payloads", "key": key}}), "payloads")


@pytest.mark.parametrize("place", [{"bucket": "theirs"}, {"key": "other/{key}"}, {"key": "{key}x"}])
def test_an_address_elsewhere_is_not_fetched(
    monkeypatch: pytest.MonkeyPatch, place: dict[str, str]
) -> None:
    key = f"events/github-acme/2023-11-14/{'0' * 64}.json"
    address = {"bucket": "payloads", "key": key} | place
    address["key"] = address["key"].replace("{key}", key)
    with served(answer(200, an_event().to_json().encode())) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        for bucket in ("payloads", ""):
            with pytest.raises(EventError, match="not that of an event in PAYLOAD_BUCKET"):
                load(json.dumps({"s3": address}), bucket)
    assert server.requests == []


def test_an_address_names_its_own_event_only(aws: dict[str, Any]) -> None:
    """An object of another tenant, of another event, or that is no event of ours."""
    large = an_event(payload={"diff": "x" * MAX_MESSAGE}, tenant="..")
    _publish(aws["topic"], "payloads", large)
    (message,) = _received(aws)
    assert load(message["Body"], "payloads") == large
    key = json.loads(message["Body"])["s3"]["key"]
    other = key.replace("/-/", "/github-rival/")
    assert other != key
    aws["s3"].put_object(Bucket="payloads", Key=other, Body=large.to_json())
    with pytest.raises(EventError, match="not that of an event"):
        load(json.dumps({"s3": {"bucket": "payloads", "key": other}}), "payloads")


@pytest.mark.parametrize(
    "message",
    [
        "",
        "null",
        "[]",
        "{}",
        "no JSON",
        "[" * 100_000,
        '{"s3": {}}',
        '{"s3": {"bucket": "evil.example/x#", "key": "k"}}',
        '{"s3": {"bucket": "payloads", "key": "a b?c"}}',
        '{"s3": {"bucket": "payloads", "key": "events/../2023-11-14/x.json"}}',
        '{"s3": {"bucket": null, "key": null}}',
        '{"id": "1"}',
    ],
)
def test_message_that_is_no_event_is_an_event_error(message: str) -> None:
    with pytest.raises(EventError):
        load(message, "payloads")


@pytest.mark.parametrize("arn", ["", "events", "arn:aws:sns:us-east-1:1:events", "a:b:c:d:e"])
def test_topic_that_is_not_fifo_is_a_settings_error(arn: str) -> None:
    with pytest.raises(SettingsError, match=r"expected arn:<partition>:sns:.*\.fifo"):
        Bus(arn, "")


def test_event_that_nests_too_deep_is_an_event_error() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(EventError, match="nests too deep"):
        _publish(_ARN, "", an_event(payload={"deep": deep}))


def _fields(request: Request) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(request.body.decode(), strict_parsing=True))


def test_ids_fit_the_alphabet_and_length_of_sns(monkeypatch: pytest.MonkeyPatch) -> None:
    with served() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", server.url)
        strange = an_event(id="x" * 5000, conversation="github:中/文#1\ud800")
        _publish(_ARN, "", strange, an_event(id="x" * 5000), an_event(id="y"))
    first, second, third = (_fields(request) for request in server.requests)
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        assert len(first[name]) <= 128
        assert first[name].isascii()
        assert first[name].isalnum()
    assert first["MessageDeduplicationId"] == second["MessageDeduplicationId"]
    assert second["MessageDeduplicationId"] != third["MessageDeduplicationId"]
    assert first["MessageGroupId"] != second["MessageGroupId"] == third["MessageGroupId"]


def test_retry_repeats_the_deduplication_id(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(reset) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", server.url)
        _publish(_ARN, "", an_event())
    first, second = (_fields(request) for request in server.requests)
    assert first == second


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (403, b"<Error><Code>AuthorizationError</Code></Error>", "403 AuthorizationError;"),
        (400, b"not XML", "400;"),
        (500, b"", "500;"),
    ],
)
def test_refusal_names_status_and_code(
    status: int, body: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(answer(status, body), answer(status, body)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", server.url)
        with pytest.raises(PublishError, match=reason):
            _publish(_ARN, "", an_event())


def test_open_connects_ahead_and_hides_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with served() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", server.url)
        with closing(Bus(_ARN, "")) as publisher:
            publisher.open()
            assert server.accepted.wait(5)
            publisher.publish(an_event())
    assert server.connections == 1
    publisher = Bus(_ARN, "")
    publisher.open()
    with pytest.raises(PublishError, match="refused"):
        publisher.publish(an_event())


def test_bucket_is_in_the_path_for_other_servers_and_in_the_host_for_aws(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = bus._key(an_event())
    with served(answer(200, an_event().to_json().encode())) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        load(json.dumps({"s3": {"bucket": "payloads", "key": key}}), "payloads")
    assert server.requests[0].line == f"GET /payloads/{key} HTTP/1.1"
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    assert signed_http._s3_address("payloads", "k", "eu-west-1") == (
        "payloads.s3.eu-west-1.amazonaws.com",
        "/k",
    )
