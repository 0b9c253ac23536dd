"""Posts the deliveries of a real GitHub App to the local front door, signed: GitHub itself cannot
reach it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self

import urllib3

from infra.local.posted_deliveries import PostedDeliveries, WebhookDelivery
from infra.local.sandbox.github.hooks import signature
from shared.actions.github.connection import GitHubResponse
from shared.actions.github.identity import app_identity
from shared.actions.github.paths import of_app
from shared.errors import ActionRejected, ActionUnavailable, PublishError
from shared.paging import pages
from shared.settings import Settings

#: https://docs.github.com/en/rest/apps/webhooks
_PATH = ("hook", "deliveries")
#: At most so many pages of deliveries are read at once, of a hundred each.
_PAGES = 500
#: The longest pause after an error, in seconds.
_PATIENCE = 60.0
#: Seconds that GitHub and the front door may take to answer.
_TIMEOUT = 10
#: The front door's word that it never takes this body: no event, too large.
_FINAL = {400, 413}


#: The parameters of a page.
_Query = tuple[tuple[str, int | str], ...]


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
        self._github = app_identity(settings, _TIMEOUT).as_app
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

    def _waiting(self) -> list[WebhookDelivery]:
        """Return the deliveries to post, oldest first; GitHub lists the newest first."""
        doing, found = "list the app's deliveries", dict[str, WebhookDelivery]()
        path = of_app(doing, _PATH)

        def fetch(query: _Query) -> GitHubResponse:
            return self._github.call(doing, "GET", path, parameters=dict(query), writes=False)

        def following(answer: GitHubResponse) -> _Query | None:
            return tuple(answer.next_query.items()) or None

        def endless(why: str) -> ActionRejected:
            return ActionRejected(f"github: could not {doing}: {why}")

        first: _Query = (("per_page", 100),)
        for answer in pages(fetch, following, first, most=_PAGES, endless=endless):
            with _reading(doing):
                # Not this machine's time, which can be minutes off after a sleep.
                now = parsedate_to_datetime(answer.headers["date"]).timestamp()
                since = self._posted.since(now, time.monotonic() - self._started)
                rows = [WebhookDelivery.from_row(row) for row in answer.data]
            new = {row.id: row for row in rows if row.at >= since and row not in self._posted}
            found |= new
            if not new:
                break
        return list(reversed(found.values()))

    def _body(self, delivery: WebhookDelivery) -> bytes:
        doing = f"read delivery {delivery.guid}"
        path = of_app(doing, (*_PATH, delivery.id))
        answer = self._github.call(doing, "GET", path, writes=False)
        with _reading(doing):
            payload = answer.data["request"]["payload"]
        return json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")

    def _post(self, delivery: WebhookDelivery, body: bytes) -> None:
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


@contextmanager
def _reading(doing: str) -> Iterator[None]:
    """Turn an answer of another shape into ActionRejected."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as err:
        raise ActionRejected(
            f"github: could not {doing}: this is not what GitHub answers; check GITHUB_API_URL"
        ) from err
