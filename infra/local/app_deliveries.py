"""Posts the deliveries of a real GitHub App to the local front door, signed: GitHub itself cannot
reach it."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import urllib3

from infra.local.posted_deliveries import PostedDeliveries
from infra.local.sandbox.github.hooks import signature
from shared.errors import ActionRejected, ActionUnavailable, PublishError
from shared.github_app.deliveries import DeliveryList, HookDelivery
from shared.settings import Settings

#: At most so many pages of deliveries are read at once, of a hundred each.
_PAGES = 500
#: The longest pause after an error, in seconds.
_PATIENCE = 60.0
#: Seconds that the front door may take to answer.
_TIMEOUT = 10
#: The front door's word that it never takes this body: no event, too large.
_FINAL = {400, 413}


class AppDeliveries:
    """Polls the app's own list of deliveries, as GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY.

    It posts each delivery since the first start that is not older than an hour to the front door at
    `url`, oldest first, until it answers 200. `state` is a directory that remembers the posted ones
    across restarts. `say` gets failures, a line each. `interval` is in seconds.
    """

    def __init__(
        self,
        settings: Settings,
        url: str,
        state: Path,
        say: Callable[[str], None],
        *,
        interval: float = 3.0,
    ) -> None:
        """Raises SettingsError when the app or the webhook's secret is not set."""
        self._listed = DeliveryList.of_app(settings)
        self._secret = settings.require("github_webhook_secret")
        self._url = url.rstrip("/") + "/github/webhook"
        self._posted = PostedDeliveries(state / f"app-{settings.github_app_id}.json")
        self._say = say
        self._interval = interval
        self._http = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="app-deliveries", daemon=True)
        self._started = 0.0

    def start(self) -> Self:
        self._started = time.monotonic()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop after the request under way, if it ends soon."""
        self._stopping.set()
        self._thread.join(2.0)
        self._http.clear()
        self._listed.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        pause, trouble = 0.0, ""
        while not self._stopping.wait(pause):
            try:
                self._round()
                pause, trouble = self._interval, ""
            except (ActionRejected, ActionUnavailable, PublishError) as err:
                if trouble != type(err).__name__ and not self._stopping.is_set():
                    self._say(str(err))
                asked = getattr(err, "retry_after", None) or 0.0
                pause = min(max(pause * 2, self._interval, asked), _PATIENCE)
                trouble = type(err).__name__

    def _round(self) -> None:
        for delivery in self._waiting():
            body = self._body(delivery)
            if self._stopping.is_set():
                return
            self._post(delivery, body)
            self._posted.add(delivery)

    def _waiting(self) -> list[HookDelivery]:
        """Return the deliveries to post, oldest first; GitHub lists the newest first."""
        found = dict[int, HookDelivery]()
        for page in self._listed.pages(_PAGES):
            since = self._posted.since(page.now, time.monotonic() - self._started)
            new = {row.id: row for row in page.rows if row.at >= since and row not in self._posted}
            found |= new
            if not new:
                break
        return list(reversed(found.values()))

    def _body(self, delivery: HookDelivery) -> bytes:
        payload = self._listed.payload(delivery)
        return json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")

    def _post(self, delivery: HookDelivery, body: bytes) -> None:
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Delivery": delivery.guid,
            "X-GitHub-Event": delivery.event,
            "X-Hub-Signature-256": signature(self._secret, body),
        }
        what = f"github: delivery {delivery.guid} ({delivery.event})"
        try:
            answer = self._http.request(
                "POST", self._url, body=body, headers=headers, redirect=False
            )
        except urllib3.exceptions.HTTPError as err:
            raise PublishError(f"{what}: no answer from {self._url}; it is tried again") from err
        if answer.status in _FINAL:
            self._say(f"{what} is left out: the front door answered {answer.status}")
        elif answer.status != 200:
            raise PublishError(f"{what}: {self._url} answered {answer.status}; it is tried again")
