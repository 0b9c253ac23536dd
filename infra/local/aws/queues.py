"""Event source mappings: from a queue to its function, as Lambda's pollers do it."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from infra.local.aws.environments import Log
from infra.local.aws.errors import FunctionError, LocalCloudError
from infra.local.aws.moto_repairs import DurableQueue
from shared.events import Json

#: Invokes a function with an event and returns its response; raises FunctionError.
Invoke = Callable[[str, Json], Any]


class EventSource(NamedTuple):
    """A queue that triggers a function, as the template declares it."""

    queue: Any
    function: str
    batch_size: int
    reports_failures: bool
    concurrency: int


class QueueStatus(NamedTuple):
    """The numbers of messages that wait, are in flight (or wait for another try), and are dead."""

    function: str
    waiting: int
    in_flight: int
    dead: int


class Poller:
    """Hands the messages of one queue to its function.

    One thread sleeps until the queue changes or a message becomes visible again. More threads start
    with demand, up to the concurrency; each runs one batch at a time.
    """

    def __init__(self, source: EventSource, invoke: Invoke, log: Log) -> None:
        self.source = source
        self._queue: DurableQueue = source.queue
        self._invoke = invoke
        self._log = log
        self._busy = 0
        self._stopping = False
        self._workers = ThreadPoolExecutor(source.concurrency, f"{source.function}-batch")
        self._dispatcher = threading.Thread(
            target=self._dispatch, name=f"{source.function}-poller", daemon=True
        )

    def start(self) -> None:
        self._dispatcher.start()

    def stop(self) -> None:
        """Take no more messages."""
        with self._queue.changed:
            self._stopping = True
            self._queue.changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait until no batch runs, up to `seconds`."""
        with self._queue.changed:
            self._queue.changed.wait_for(lambda: self._busy == 0, max(0.0, seconds))

    def join(self) -> None:
        """Wait until all its threads have ended."""
        self._dispatcher.join()
        self._workers.shutdown()

    def status(self) -> QueueStatus:
        queue, dead = self._queue, self._queue.dead_letter_queue
        with queue.changed:
            waiting = len(queue.messages)
            in_flight = len(queue._messages) - waiting
        return QueueStatus(
            self.source.function, waiting, in_flight, len(dead._messages) if dead else 0
        )

    def _dispatch(self) -> None:
        queue, source = self._queue, self.source
        with queue.changed:
            while not self._stopping:
                free = source.concurrency - self._busy
                # A batch is one conversation while others could run beside it, as SQS prefers too.
                batch = free and queue.take(
                    source.batch_size, queue.visibility_timeout, mixed=free == 1
                )
                if batch:
                    self._busy += 1
                    # What nobody expected is logged with its trace, not lost in the future.
                    self._workers.submit(self._run, batch).add_done_callback(Future.result)
                else:
                    queue.changed.wait(queue.next_change() if free else None)

    def _run(self, batch: Sequence[Any]) -> None:
        done: Sequence[Any] = ()
        try:
            response = self._invoke(self.source.function, event_of(self._queue, batch))
            failed = self._failures(batch, response)
            done = [message for message in batch if message.id not in failed]
        except FunctionError as err:
            self._log(
                self.source.function, f"{err}; {len(batch)} messages wait for another attempt"
            )
        except LocalCloudError:
            pass  # the cloud is stopping; the messages are in the store
        finally:
            with self._queue.changed:
                if done:
                    self._queue.discard(done)
                self._busy -= 1
                self._queue.changed.notify_all()

    def _failures(self, batch: Sequence[Any], response: Any) -> set[str]:
        """Return the ids to try again; all of them when the answer is malformed.

        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
        """
        if not self.source.reports_failures or not response:
            return set()
        everything = {message.id for message in batch}
        items = response.get("batchItemFailures") or [] if isinstance(response, dict) else None
        if isinstance(items, list):
            failed: set[Any] = {
                item.get("itemIdentifier") if isinstance(item, dict) else None for item in items
            }
            if failed <= everything:
                return failed
        self._log(self.source.function, "batchItemFailures make no sense; all messages go back")
        return everything


def event_of(queue: Any, batch: Sequence[Any]) -> Json:
    """Return the event that Lambda hands to a function for these messages."""
    return {"Records": [_record(queue, message) for message in batch]}


def _record(queue: Any, message: Any) -> Json:
    attributes = {
        "ApproximateReceiveCount": message.approximate_receive_count,
        "ApproximateFirstReceiveTimestamp": message.approximate_first_receive_timestamp,
        "SentTimestamp": message.sent_timestamp,
        "SenderId": message.sender_id,
        "SequenceNumber": message.sequence_number,
        "MessageGroupId": message.group_id,
        "MessageDeduplicationId": message.deduplication_id,
    }
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": {name: str(value) for name, value in attributes.items() if value is not None},
        "messageAttributes": {
            name: _attribute(value) for name, value in message.message_attributes.items()
        },
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.queue_arn,
        "awsRegion": queue.region,
    }


def _attribute(attribute: Mapping[str, Any]) -> Json:
    value = {"stringValue": attribute.get("StringValue"), "dataType": attribute["DataType"]}
    return {**value, "stringListValues": [], "binaryListValues": []}


def dead_letter(message: Any) -> Json:
    """Return the details of a dead message for a person."""
    return {
        "id": message.id,
        "conversation": message.group_id,
        "receives": message.approximate_receive_count,
        "sent": message.sent_timestamp / 1000,
        "attributes": {
            name: value.get("StringValue") for name, value in message.message_attributes.items()
        },
        "body": _parsed(message.body),
    }


def _parsed(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body
