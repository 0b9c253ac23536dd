"""Sends the sandbox's webhooks as GitHub does: signed, in the background, once, within ten seconds.

https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

import hashlib
import hmac
import json
import queue
import threading
import time
import uuid
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

import urllib3

from infra.local.sandbox.github.state import SandboxState, now
from shared.events import Json

#: GitHub's status of a delivery that was made, and of one that never was.
_DONE, _WAITING, _LOST = "OK", "pending", "failed to connect to host"

#: No name below it is anybody's. https://www.rfc-editor.org/rfc/rfc6761#section-6.4
_NOWHERE = ".invalid"
#: So many deliveries are kept; GitHub keeps them for three days.
_KEPT = 1000


#: What every App hears without subscribing to it, and cannot subscribe to.
ALWAYS = frozenset(
    {
        *("github_app_authorization", "installation", "installation_repositories"),
        *("installation_target", "ping"),
    }
)


def signature(secret: str, body: bytes) -> str:
    """Return the X-Hub-Signature-256 of `body`.

    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Hooks:
    """Keeps each delivery. One thread makes them, in the order of the changes."""

    def __init__(self, state: SandboxState, url: str, secret: str, timeout: float) -> None:
        self.url = url
        self._state = state
        self._secret = secret
        self._stopped = False
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=timeout))
        self._waiting: queue.SimpleQueue[Json | None] = queue.SimpleQueue()
        self._unsettled = 0
        self._settled = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="github-hooks", daemon=True)

    def start(self) -> None:
        for row in self._state.rows("deliveries", status=_WAITING):
            # It was under way when the sandbox died; GitHub does not try again by itself either.
            self._state.change("deliveries", row, status=_LOST)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the delivery under way, if it ends soon; the rest is lost."""
        with self._settled:
            self.url, self._stopped = "", True
        self._waiting.put(None)
        self._thread.join(2.0)
        self._http.clear()

    def is_heard(self, repository: Json) -> bool:
        """Tell if somebody hears of a repository, given as its row."""
        return next(self._listeners(repository, "", ALWAYS), None) is not None

    def announce(self, event: str, payload: Json) -> None:
        """Deliver `payload` soon to each App that hears it."""
        repository = self._state.get("repositories", payload.get("repository", {}).get("id", 0))
        owner = payload.get("organization", {}).get("login", "")
        for app, installation in self._listeners(repository, owner, {event}):
            own = {"installation": installation} if installation else {}
            self.tell(app, event, {**payload, **own})

    def tell(self, app: Json, event: str, payload: Json) -> None:
        """Deliver `payload` to one App."""
        self._take(event, payload, str(uuid.uuid4()), app["id"], redelivery=False)

    def ping(self, app: Json) -> None:
        """Tell a new App's webhook that it is there."""
        hook = app["hook"]
        config = {"url": hook["url"], "content_type": "json", "insecure_ssl": "0"}
        shown = {"type": "App", "id": app["id"], "name": "web", "active": hook["active"]}
        more = {"events": app["events"], "config": config, "app_id": app["id"]}
        if hook["active"]:
            self.tell(app, "ping", {"zen": "Design for failure.", "hook": {**shown, **more}})

    def _listeners(
        self, repository: Json | None, owner: str, events: Collection[str]
    ) -> Iterator[tuple[Json, Json | None]]:
        """Yield the Apps that hear of a repository or an owner, with their installation there."""
        owner = repository["name"].partition("/")[0] if repository else owner
        for app in self._state.rows("app"):
            if "hook" not in app:
                if repository is None or (self.url and repository["installed"]):
                    yield app, None
            elif app["hook"]["active"] and (events is ALWAYS or {*events} & {*app["events"]}):
                found = self._state.first("installations", app=app["id"], owner=owner)
                if found and not found["suspended_at"]:
                    yield app, {"id": found["id"], "node_id": f"I_{found['id']}"}

    def address(self, row: Json) -> str:
        """Return where a delivery goes."""
        return self._way(row)[0]

    def _way(self, row: Json) -> tuple[str, str]:
        """Return where a delivery goes, and what signs it."""
        app = self._state.get("app", row.get("app", 0)) or {}
        if hook := app.get("hook"):
            return ("" if self._stopped else hook["url"]), hook["secret"]
        return self.url, self._secret

    def redeliver(self, delivery: Json) -> None:
        """Deliver the same body under the same GUID again."""
        number = delivery.get("app") or self._state.rows("app")[0]["id"]
        self._take(
            delivery["event"], delivery["payload"], delivery["guid"], number, redelivery=True
        )

    def settle(self, timeout: float) -> bool:
        """Wait until nothing is under way; False when that takes longer than `timeout` seconds."""
        with self._settled:
            return self._settled.wait_for(lambda: not self._unsettled, timeout)

    def _take(self, event: str, payload: Json, guid: str, app: int, *, redelivery: bool) -> None:
        row = self._state.add(
            "deliveries",
            app=app,
            guid=guid,
            event=event,
            payload=payload,
            redelivery=redelivery,
            status=_WAITING,
            status_code=0,
            duration=0.0,
            answer="",
        )
        for old in self._state.rows("deliveries")[:-_KEPT]:
            self._state.remove("deliveries", old)
        with self._settled:
            self._unsettled += 1
        self._waiting.put(row)

    def _run(self) -> None:
        while (row := self._waiting.get()) is not None:
            self._deliver(row)
            with self._settled:
                self._unsettled -= 1
                self._settled.notify_all()

    def _deliver(self, row: Json) -> None:
        body, start = body_of(row), time.monotonic()
        status, code, answer = _LOST, 0, ""
        url = self.address(row)
        if url and not (urlsplit(url).hostname or "").endswith(_NOWHERE):
            try:
                answered = self._http.request(
                    "POST", url, body=body, headers=self.headers(row, body), redirect=False
                )
                code, answer = answered.status, answered.data[:10_000].decode("utf-8", "replace")
                status = _DONE if code < 300 else f"Invalid HTTP Response: {code}"
            except urllib3.exceptions.ReadTimeoutError:
                status = "timed out"
            except urllib3.exceptions.HTTPError:
                status = _LOST
        self._state.change(
            "deliveries",
            row,
            status=status,
            status_code=code,
            answer=answer,
            created_at=now(),
            duration=round(time.monotonic() - start, 2),
        )

    def headers(self, row: Json, body: bytes) -> dict[str, str]:
        return {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/sandbox",
            "X-GitHub-Delivery": row["guid"],
            "X-GitHub-Event": row["event"],
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            "X-Hub-Signature-256": signature(self._way(row)[1], body),
        }


def body_of(row: Json) -> bytes:
    """Write a payload as GitHub does: without spaces, in UTF-8."""
    text = json.dumps(row["payload"], ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def shown(row: Json) -> Json:
    """Show a delivery as GET /app/hook/deliveries lists it."""
    payload = row["payload"]
    return {
        "id": row["id"],
        "guid": row["guid"],
        "delivered_at": row["created_at"],
        "redelivery": row["redelivery"],
        "duration": row["duration"],
        "status": row["status"],
        "status_code": row["status_code"],
        "event": row["event"],
        "action": payload.get("action"),
        "installation_id": payload.get("installation", {}).get("id"),
        "repository_id": payload.get("repository", {}).get("id"),
        "throttled_at": None,
    }


def shown_in_full(row: Json, headers: dict[str, str], url: str) -> Json:
    """Show a delivery with its request and its response."""
    return {
        **shown(row),
        "url": url,
        "request": {"headers": headers, "payload": row["payload"]},
        "response": {"headers": {}, "payload": row["answer"]},
    }
