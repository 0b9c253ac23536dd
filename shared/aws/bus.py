"""The bus: publishes events to an SNS FIFO topic, and loads them from its queues' messages."""

import contextlib
import hashlib
import json
import re
import time

from shared.aws.signed_http import AwsConnection, HttpResponse, host_of, s3_object
from shared.errors import EventError, PublishError, SettingsError
from shared.events import Event

#: Bytes. SNS and SQS take 256 KiB with attributes. What is larger lies in S3; its address travels.
MAX_MESSAGE = 192 * 1024

#: Not compiled at import, which costs each cold start for what hardly ever happens.
_KEY = r"events/(?!\.)[A-Za-z0-9_.-]{1,400}/\d{4}-\d\d-\d\d/[0-9a-f]{64}\.json"

_TYPE = (
    b"MessageAttributes.entry.1.Name=type&MessageAttributes.entry.1.Value.DataType=String"
    b"&MessageAttributes.entry.1.Value.StringValue="
)


class Bus:
    """The topic `topic_arn`, and the bucket `bucket` for what does not fit into a message.

    Raises SettingsError when the topic is no FIFO topic. Not for use by two threads at once.
    """

    def __init__(self, topic_arn: str, bucket: str) -> None:
        parts = topic_arn.split(":")
        if len(parts) != 6 or not topic_arn.endswith(".fifo"):
            raise SettingsError(
                f"TOPIC_ARN={topic_arn!r} is no SNS FIFO topic; "
                "expected arn:<partition>:sns:<region>:<account>:<name>.fifo"
            )
        self._form = b"Action=Publish&Version=2010-03-31&TopicArn=" + _escape(topic_arn.encode())
        self._bucket = bucket
        self._sns = AwsConnection("sns", parts[3], host_of("sns", parts[3]))

    def open(self) -> None:
        """Connect to SNS while the function starts; a failure shows at the first publish."""
        with contextlib.suppress(OSError):
            self._sns.open()

    def close(self) -> None:
        self._sns.close()

    def publish(self, event: Event, again: str = "") -> None:
        """Publish `event`; safe to repeat, since its id deduplicates. Raises PublishError.

        `again` names a reason to deliver it once more: it deduplicates together with the id.
        """
        message = _to_bytes(event)
        if len(message) > MAX_MESSAGE:
            message = self._store(event, message)
        body = b"%b&Message=%b&MessageGroupId=%b&MessageDeduplicationId=%b&%b%b" % (
            self._form,
            _escape_json(message),
            _digest(event.group),
            _digest(f"{event.id} {again}" if again else event.id),
            _TYPE,
            _escape(event.type.encode()),
        )
        reply = self._sns.request(
            "POST", "/", {"content-type": "application/x-www-form-urlencoded"}, body
        )
        _check(
            reply, "sns: the topic", "look at TOPIC_ARN and at the function's policy (sns:Publish)"
        )

    def _store(self, event: Event, message: bytes) -> bytes:
        """Put `message` into the bucket and return its address, which travels instead."""
        if not self._bucket:
            raise PublishError(
                f"event of {len(message)} bytes does not fit into a message; set PAYLOAD_BUCKET"
            )
        key = _key(event)
        reply = s3_object("PUT", self._bucket, key, message)
        _check(
            reply,
            f"s3: the bucket {self._bucket}",
            "look at PAYLOAD_BUCKET and at the function's policy (s3:PutObject)",
        )
        return json.dumps({"s3": {"bucket": self._bucket, "key": key}}).encode()


def load(message: str, bucket: str) -> Event:
    """Return the event in the body of a queue's message; fetch it from `bucket` when the body is an
    address, which must be the one that the event has there.

    Raises EventError when it is malformed or gone, PublishError when S3 cannot be asked now.
    """
    try:
        content = json.loads(message)
        address = content.get("s3") if isinstance(content, dict) else None
        if not isinstance(address, dict):
            return Event.from_json(message)
        key = str(address.get("key"))
        if not bucket or address.get("bucket") != bucket or not re.fullmatch(_KEY, key):
            raise _elsewhere()
        reply = s3_object("GET", bucket, key, b"")
        if reply.status == 404:
            raise EventError(
                f"s3: {bucket}/{key} is gone; objects must live longer than messages in a queue"
            )
        _check(reply, f"s3: the bucket {bucket}", "look at the function's policy (s3:GetObject)")
        event = Event.from_json(reply.body.decode())
        if key != _key(event):
            raise _elsewhere()
        return event
    except (ValueError, RecursionError) as err:
        raise EventError(
            f"not an event: {type(err).__name__} in a message of {len(message)} characters"
        ) from err


def publication(topic_arn: str, event: Event) -> dict[str, object]:
    """Return the parameters of SNS's Publish for `event`, for who publishes it in our place."""
    return {
        "TopicArn": topic_arn,
        "Message": event.to_json(),
        "MessageGroupId": _digest(event.group).decode(),
        "MessageDeduplicationId": _digest(event.id).decode(),
        "MessageAttributes": {"type": {"DataType": "String", "StringValue": event.type}},
    }


def _key(event: Event) -> str:
    """Name the one object that may hold `event`."""
    day = time.strftime("%Y-%m-%d", time.gmtime(event.received_at))
    tenant = re.sub(r"[^A-Za-z0-9_.-]+|^\.+", "-", event.tenant)
    return f"events/{tenant}/{day}/{_digest(event.id).decode()}.json"


def _elsewhere() -> EventError:
    return EventError(
        "the message's S3 address is not that of an event in PAYLOAD_BUCKET; only the ingress may"
        " publish to the topic"
    )


def _check(reply: HttpResponse, what: str, then: str) -> None:
    if reply.status != 200:
        code = re.search(rb"<Code>([\w.]{1,80})</Code>", reply.body)
        reason = f"{reply.status} {code[1].decode() if code else ''}".strip()
        raise PublishError(f"{what} answered {reason}; {then}")


def _to_bytes(event: Event) -> bytes:
    try:
        return event.to_json().encode()
    except RecursionError as err:
        raise EventError(f"event {event.id} nests too deep to be written as JSON") from err


def _digest(text: str) -> bytes:
    """Hash to the alphabet and the length that SNS allows for group and deduplication ids."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest().encode()


def _escape(value: bytes) -> bytes:
    """Percent-encode every byte for a form; the limit of SNS counts what it decodes to."""
    return b"%" + value.hex("%").encode()


def _escape_json(text: bytes) -> bytes:
    """Percent-encode the bytes that mean something in a form or that no URL may hold (RFC 3986,
    3.4).

    That leaves two fifths to sign and send, in as much time. urllib.parse.quote takes 20 times it.
    """
    others = b"" if text.isascii() else text.translate(None, _ASCII)
    if len(others) > _FEW:
        return _escape(text)
    for plain, escaped in (*_ESCAPES, *map(_pair, set(others))):
        text = text.replace(plain, escaped)
    return text


def _pair(byte: int) -> tuple[bytes, bytes]:
    return bytes((byte,)), b"%%%02X" % byte


_ASCII = bytes(range(128))
#: The percent sign comes first, because all others are written with it. Of the control characters
#: JSON holds no more.
_ESCAPES = tuple(map(_pair, b'%"{}[]\\ &+=#<>|`^;\t\r\n\x7f'))
#: Each byte of a dash or an emoji is worth a pass over all; those of another script are not.
_FEW = 32
