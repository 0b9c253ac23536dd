"""Keeps in one SQLite file what must survive a kill -9: messages, objects, executions,
schedules."""

import base64
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shared.database import queries

_SQL = queries(__file__, "store.sql")

#: For how long SQS remembers a deduplication id, in milliseconds.
#: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-exactly-once-processing.html
DEDUPLICATION_MS = 300_000


class StoredMessage(NamedTuple):
    """`attributes` are SQS message attributes; `position` grows with every message of the store."""

    id: str
    body: str
    attributes: Mapping[str, Any]
    conversation: str | None
    deduplication: str | None
    sent: int
    receives: int = 0
    position: int = 0


class Store:
    """The durable side of queues and buckets. Threads may share it.

    Its content survives the death of the process at any instant, and a power cut up to the last
    checkpoint (SQLite's WAL mode with synchronous=NORMAL). Without a directory it is in memory.
    """

    def __init__(self, directory: Path | None = None) -> None:
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
        path = ":memory:" if directory is None else directory / "cloud.db"
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = normal")
        self._database.executescript(_SQL["schema"])

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def add(self, queue: str, message: StoredMessage) -> tuple[str, int, bool]:
        """Store the message; return id, position and True, or those of its duplicate and False."""
        with self._lock, self._database as database:
            database.execute("begin immediate")
            database.execute(_SQL["forget"], {"oldest": message.sent - DEDUPLICATION_MS})
            parameters = _parameters(queue, message)
            if duplicate := database.execute(_SQL["duplicate"], parameters).fetchone():
                return duplicate[0], duplicate[1], False
            position = database.execute(_SQL["add"], parameters).lastrowid or 0
            if message.deduplication is not None:
                database.execute(_SQL["remember"], {**parameters, "position": position})
            return message.id, position, True

    def move(self, message: StoredMessage, source: str, target: str) -> int:
        """Append the message to another queue, without looking for duplicates."""
        with self._lock, self._database as database:
            database.execute("begin immediate")
            database.execute(_SQL["remove"], {"queue": source, "id": message.id})
            return database.execute(_SQL["add"], _parameters(target, message)).lastrowid or 0

    def received(self, queue: str, counts: Mapping[str, int]) -> None:
        """Note how often each message was received, so that a poison message stays known."""
        self._run(
            "received",
            [{"queue": queue, "id": id, "receives": count} for id, count in counts.items()],
        )

    def remove(self, queue: str, messages: Sequence[str]) -> None:
        self._run("remove", [{"queue": queue, "id": id} for id in messages])

    def messages(self, queue: str) -> list[StoredMessage]:
        """Return the messages of the queue, the oldest first."""
        with self._lock:
            rows = self._database.execute(_SQL["messages"], {"queue": queue}).fetchall()
        return [_message(*row) for row in rows]

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        self._run("put_object", [{"bucket": bucket, "key": key, "body": body}])

    def remove_object(self, bucket: str, key: str) -> None:
        self._run("remove_object", [{"bucket": bucket, "key": key}])

    def objects(self, bucket: str) -> Iterator[tuple[str, bytes]]:
        """Yield key and body of each object, one body in memory at a time."""
        with self._lock:
            keys = self._database.execute(_SQL["keys"], {"bucket": bucket}).fetchall()
        for (key,) in keys:
            with self._lock:
                parameters = {"bucket": bucket, "key": key}
                row = self._database.execute(_SQL["object"], parameters).fetchone()
            if row:
                yield key, row[0]

    def begin_execution(self, arn: str, machine: str, input: str) -> bool:
        """Keep an execution; False when there was one of that name before."""
        parameters = {"arn": arn, "machine": machine, "input": input}
        with self._lock, self._database as database:
            database.execute("begin immediate")
            return database.execute(_SQL["begin_execution"], parameters).rowcount > 0

    def end_execution(self, arn: str) -> None:
        self._run("end_execution", [{"arn": arn}])

    def executions(self) -> list[tuple[str, str, str]]:
        """Return ARN, state machine and input of each execution that has not ended."""
        with self._lock:
            return self._database.execute(_SQL["executions"]).fetchall()

    def add_schedule(self, group: str, name: str, body: str, due: float) -> bool:
        """Keep a one-time schedule; False when there is one of that name."""
        parameters = {"group": group, "name": name, "body": body, "due": due}
        with self._lock, self._database as database:
            database.execute("begin immediate")
            return database.execute(_SQL["add_schedule"], parameters).rowcount > 0

    def remove_schedule(self, group: str, name: str) -> bool:
        """Delete a one-time schedule; False when there is none."""
        with self._lock, self._database as database:
            database.execute("begin immediate")
            parameters = {"group": group, "name": name}
            return database.execute(_SQL["remove_schedule"], parameters).rowcount > 0

    def schedules(self) -> list[tuple[str, str, str, float]]:
        """Return group, name, body and time of each one-time schedule, the next first."""
        with self._lock:
            return self._database.execute(_SQL["schedules"]).fetchall()

    def _run(self, name: str, parameters: Sequence[Mapping[str, object]]) -> None:
        with self._lock, self._database as database:
            database.execute("begin immediate")
            database.executemany(_SQL[name], parameters)


def _parameters(queue: str, message: StoredMessage) -> dict[str, object]:
    attributes = json.dumps(message.attributes, default=_encode)
    return {**message._asdict(), "queue": queue, "attributes": attributes}


def _encode(value: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(value).decode()}


def _decode(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["base64"]) if value.keys() == {"base64"} else value


def _message(id: str, body: str, attributes: str, *others: Any) -> StoredMessage:
    return StoredMessage(id, body, json.loads(attributes, object_hook=_decode), *others)
