"""Every place where the local cloud departs from stock moto 5.2.5, each with its reason.

moto is made for tests of seconds that call it themselves. Here it runs for days, under functions
that crash. tests/infra/local/aws/test_moto_repairs.py holds a test per repair; drop a repair when
moto passes its test without it.
"""
# moto's classes have no types that mypy reads here, so they are Any to it.
# mypy: disallow-subclassing-any=False

import copy
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from moto.s3.models import S3Backend, s3_backends
from moto.sns.exceptions import InvalidParameterValue
from moto.sns.models import SNSBackend, Topic, sns_backends
from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.sqs.models import Message, Queue, SQSBackend, _filter_message_attributes, sqs_backends

from infra.local.aws.store import Store, StoredMessage
from infra.local.http_server import QuietHandler

#: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
_SNS_LIMIT_BYTES = 262_144


def install(account: str, region: str, store: Store) -> tuple["Sqs", "Sns", "S3"]:
    """Put the repaired services in place of moto's own, for one account."""
    _forget_messages()
    sqs_backends[account][region] = sqs = Sqs(region, account)
    sns_backends[account][region] = sns = Sns(region, account)
    s3_backends[account]["aws"] = s3 = S3("aws", account)
    s3.store = store
    return sqs, sns, s3


def _forget_messages() -> None:
    """Stop moto from keeping every message that it ever saw.

    Its base class lists each instance for moto's dashboard (moto/core/common_models.py, BaseModel).
    """
    Message.instances_tracked = deque(maxlen=0)


class DurableQueue(Queue):
    """An SQS queue that keeps its order, its deduplication and its messages whatever happens.

    moto's own queue forgets a deduplication id once its message is deleted (SQS: five minutes after
    it was sent), can hand one message to two receivers that ask at once, because it locks nothing,
    fills a batch across conversations, and keeps nothing across restarts (moto/sqs/models.py,
    Queue.add_message and SQSBackend.receive_message). The retention period is not applied: it would
    count the time that the machine was off.
    """

    _messages: list[Any]

    def __init__(
        self, name: str, region: str, account: str, store: Store, attributes: Mapping[str, Any]
    ) -> None:
        super().__init__(name, region, account, **attributes)
        self._store = store
        self._looked_at = 0.0
        #: Notified whenever a message comes, goes or becomes visible.
        self.changed = self._messages_lock
        for stored in store.messages(name):
            self._messages.append(_message(stored))

    def add_message(self, message: Any) -> None:
        """Append the message, unless its deduplication id was sent within five minutes."""
        with self.changed:
            message.id, position, new = self._store.add(self.name, _stored(message))
            message.sequence_number = f"{position:020d}"
            if new:
                self._append(message)

    def take(self, limit: int, visibility_timeout: int, *, mixed: bool = True) -> list[Any]:
        """Receive up to `limit` messages; without `mixed`, of one conversation only.

        A conversation with a message in flight, or waiting for its visibility time-out, stays
        blocked. Messages that were received too often go to the dead-letter queue.
        """
        with self.changed:
            now = self._looked_at = _now()
            self._bury(now)
            hidden = [message for message in self._messages if _hidden_until(message) > now]
            blocked = {message.group_id for message in hidden} if self.fifo_queue else set()
            free = [
                message
                for message in self._messages
                if _hidden_until(message) <= now and message.group_id not in blocked
            ]
            if not mixed and free:
                free = [message for message in free if message.group_id == free[0].group_id]
            taken = free[:limit]
            for message in taken:
                message.mark_received(visibility_timeout)
            counts = {message.id: message.approximate_receive_count for message in taken}
            self._store.received(self.name, counts)
            return taken

    def discard(self, messages: Sequence[Any]) -> None:
        """Delete messages for good."""
        gone = {message.id for message in messages}
        with self.changed:
            self._store.remove(self.name, list(gone))
            self._forget(gone)

    def next_change(self) -> float | None:
        """Return in how many seconds the next hidden message that `take` found becomes visible."""
        times = [until for m in self._messages if (until := _hidden_until(m)) > self._looked_at]
        return max(0.0, (min(times) - _now()) / 1000) if times else None

    def delete_message(self, receipt_handle: str) -> None:
        with self.changed:
            for message in self._messages:
                if message.had_receipt_handle(receipt_handle):
                    self.deleted_messages.update(message.all_receipt_handles)
                    return self.discard([message])
        if receipt_handle not in self.deleted_messages:
            raise ReceiptHandleIsInvalid

    def redrive(self) -> int:
        """Send the messages of the dead-letter queue to this queue again; return how many."""
        dead = self.dead_letter_queue
        with dead.changed:
            messages = list(dead._messages)
            dead._forget({message.id for message in messages})
        for message in messages:
            message.approximate_receive_count = 0
            message.visible_at = 0.0
            self._store.move(_stored(message), dead.name, self.name)
            self._append(message)
        return len(messages)

    def _append(self, message: Any) -> None:
        with self.changed:
            self._messages.append(message)
            self.changed.notify_all()

    def _forget(self, gone: set[str]) -> None:
        self._messages = [message for message in self._messages if message.id not in gone]
        self.changed.notify_all()

    def _bury(self, now: float) -> None:
        dead = self.dead_letter_queue
        if dead is None:
            return
        limit = self.redrive_policy["maxReceiveCount"]
        worn = [
            message
            for message in self._messages
            if message.approximate_receive_count >= limit and _hidden_until(message) <= now
        ]
        for message in worn:
            self._store.move(_stored(message), self.name, dead.name)
            message.visible_at = 0.0
            dead._append(message)
        if worn:
            self._forget({message.id for message in worn})


class Sqs(SQSBackend):
    """moto's SQS over durable queues: receiving, hiding and purging take the queue's lock."""

    __module__ = "moto.sqs.models"  # moto finds the URLs of a service by it

    def receive_message(
        self,
        queue_name: str,
        count: int,
        wait_seconds_timeout: float,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> list[Any]:
        queue = self.get_queue(queue_name)
        deadline = time.monotonic() + wait_seconds_timeout
        with queue.changed:
            while not (taken := queue.take(count, visibility_timeout)):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                change = queue.next_change()
                queue.changed.wait(left if change is None else min(left, change + 0.001))
            copies = [copy.copy(message) for message in taken]
        for message in copies:
            _filter_message_attributes(message, message_attribute_names or [])
        return copies

    def change_message_visibility(
        self, queue_name: str, receipt_handle: str, visibility_timeout: int
    ) -> None:
        queue = self.get_queue(queue_name)
        with queue.changed:
            super().change_message_visibility(queue_name, receipt_handle, visibility_timeout)
            queue.changed.notify_all()

    def purge_queue(self, queue_name: str) -> None:
        queue = self.get_queue(queue_name)
        with queue.changed:
            queue.discard(list(queue._messages))


class Sns(SNSBackend):
    """moto's SNS with the size limit in bytes: stock moto counts characters, so Chinese passes."""

    __module__ = "moto.sns.models"  # moto finds the URLs of a service by it

    def publish(self, message: str, *arguments: Any, **named: Any) -> str:
        if len(message.encode()) > _SNS_LIMIT_BYTES:
            raise InvalidParameterValue("Invalid parameter: Message too long")
        return str(super().publish(message, *arguments, **named))

    def create_topic(self, *arguments: Any, **named: Any) -> Topic:
        topic = super().create_topic(*arguments, **named)
        # Stock moto keeps every message that was ever published, for assertions in tests.
        topic.sent_notifications = deque(maxlen=0)
        return topic


class S3(S3Backend):
    """moto's S3 with the objects in the store, because stock moto keeps nothing across restarts."""

    __module__ = "moto.s3.models"  # moto finds the URLs of a service by it

    store: Store

    def restore(self, bucket: str) -> None:
        for key, body in self.store.objects(bucket):
            super().put_object(bucket, key, body)

    def put_object(self, bucket_name: str, key_name: str, value: bytes, **options: Any) -> Any:
        key = super().put_object(bucket_name, key_name, value, **options)
        self.store.put_object(bucket_name, key_name, value)
        return key

    def delete_object(self, bucket_name: str, key_name: str, *arguments: Any, **named: Any) -> Any:
        self.store.remove_object(bucket_name, key_name)
        return super().delete_object(bucket_name, key_name, *arguments, **named)


class MotoHandler(QuietHandler, MotoRequestHandler):
    """moto's request handler, without its log; it keeps header names that werkzeug drops."""


def _now() -> float:
    return time.time() * 1000


def _hidden_until(message: Any) -> float:
    return float(max(message.visible_at, message.delayed_until))


def _stored(message: Any) -> StoredMessage:
    return StoredMessage(
        message.id,
        message.body,
        message.message_attributes,
        message.group_id,
        message.deduplication_id,
        message.sent_timestamp,
        message.approximate_receive_count,
    )


def _message(stored: StoredMessage) -> Any:
    message = Message(stored.id, stored.body)
    attributes: Mapping[str, Any] = stored.attributes
    message.message_attributes = dict(attributes)
    message.group_id = stored.conversation
    message.deduplication_id = stored.deduplication
    message.sent_timestamp = stored.sent
    message.approximate_receive_count = stored.receives
    message.sequence_number = f"{stored.position:020d}"
    return message
