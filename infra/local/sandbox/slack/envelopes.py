"""Slack's side of Socket Mode: what would be posted to a URL goes through a websocket instead."""

import json
import queue
import socket
import threading
import uuid

from infra.local.sandbox.slack.courier import Delivery
from infra.local.sandbox.slack.front_door import Answer
from infra.local.sandbox.slack.socket import WebSocket
from infra.local.sandbox.slack.workspace import APP
from shared.events import Json

_TYPES = {"event": "events_api", "interaction": "interactive", "command": "slash_commands"}


class Envelopes:
    """The websockets that apps have opened. https://docs.slack.dev/apis/events-api/using-socket-mode"""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._open: list[WebSocket] = []
        self._unacknowledged: dict[str, queue.SimpleQueue[Json]] = {}

    @property
    def connected(self) -> bool:
        return bool(self._open)

    def serve(self, connection: socket.socket, key: str) -> None:
        """Talk with one app until it goes."""
        web = WebSocket(connection, key)
        web.send(json.dumps({"type": "hello", "connection_info": {"app_id": APP}}))
        with self._lock:
            self._open.append(web)
        try:
            while (text := web.receive()) is not None:
                answer = json.loads(text)
                with self._lock:
                    waiting = self._unacknowledged.get(answer.get("envelope_id"))
                if waiting is not None:
                    waiting.put(answer.get("payload") or {})
        finally:
            with self._lock:
                self._open.remove(web)

    def send(self, delivery: Delivery, number: int, reason: str) -> Answer:
        """Send one envelope and wait until the app acknowledges it; raises TimeoutError when it
        does not, and OSError when it has gone."""
        envelope: Json = {
            "envelope_id": str(uuid.uuid4()),
            "type": _TYPES[delivery.kind],
            "payload": delivery.body,
            "accepts_response_payload": delivery.kind != "event",
        }
        if delivery.kind == "event":
            envelope |= {"retry_attempt": number, "retry_reason": reason}
        waiting: queue.SimpleQueue[Json] = queue.SimpleQueue()
        with self._lock:
            if not self._open:
                raise ConnectionResetError("the app has closed its websocket")
            web = self._open[-1]
            self._unacknowledged[envelope["envelope_id"]] = waiting
        try:
            web.send(json.dumps(envelope))
            payload = waiting.get(timeout=self._patience)
        except queue.Empty:
            raise TimeoutError from None
        finally:
            with self._lock:
                del self._unacknowledged[envelope["envelope_id"]]
        headers = {"content-type": "application/json"}
        return Answer(200, json.dumps(payload).encode() if payload else b"", headers)

    def close(self) -> None:
        with self._lock:
            opened = list(self._open)
        for web in opened:
            web.close()
