"""Reads the app's own list of webhook deliveries, and asks GitHub to send one again.

https://docs.github.com/en/rest/apps/webhooks
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, Self

from shared.actions.github.connection import GitHubResponse
from shared.actions.github.paths import of_app
from shared.errors import ActionRejected
from shared.events import Json
from shared.github_app.client import PyGithubClient, app_client
from shared.paging import pages
from shared.settings import Settings

_PATH = ("hook", "deliveries")
_DOING = "list the app's deliveries"
#: Seconds that GitHub may take to connect, and for each part of an answer.
_TIMEOUT = 10

#: The parameters of a page.
_Query = tuple[tuple[str, int | str], ...]


class HookDelivery(NamedTuple):
    """One attempt of GitHub to deliver, made `at` seconds since the epoch. Attempts for one event
    share its `guid`. `code` is the status that we answered, 0 when nobody did."""

    id: int
    guid: str
    event: str
    action: str
    at: float
    status: str
    code: int
    redelivery: bool

    @classmethod
    def from_row(cls, row: Json) -> Self:
        return cls(
            id=int(row["id"]),
            guid=str(row["guid"]),
            event=str(row["event"]),
            action=str(row.get("action") or ""),
            at=datetime.fromisoformat(row["delivered_at"]).timestamp(),
            status=str(row["status"]),
            code=int(row.get("status_code") or 0),
            redelivery=bool(row["redelivery"]),
        )

    @property
    def arrived(self) -> bool:
        """Tell whether we took it.

        https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
        """
        return self.status == "OK" or 200 <= self.code < 300


class DeliveryPage(NamedTuple):
    """A page of the list, and GitHub's time, which a sleeping machine's can be minutes off."""

    rows: list[HookDelivery]
    now: float


class DeliveryList:
    """The list, about the newest first. github.com keeps three days, GitHub Enterprise Server
    seven."""

    def __init__(self, client: PyGithubClient) -> None:
        self._client = client

    @classmethod
    def of_app(cls, settings: Settings) -> Self:
        """Return the list of the settings' App; raises SettingsError without one."""
        return cls(app_client(settings, _TIMEOUT))

    def close(self) -> None:
        self._client.close()

    def pages(self, most: int) -> Iterator[DeliveryPage]:
        """Yield the pages of 100 deliveries; raises ActionRejected when there are more than `most`,
        or they lead in a circle."""
        path = of_app(_DOING, _PATH)

        def fetch(query: _Query) -> GitHubResponse:
            return self._client.call(_DOING, "GET", path, parameters=dict(query), writes=False)

        def following(answer: GitHubResponse) -> _Query | None:
            return tuple(answer.next_query.items()) or None

        def endless(why: str) -> ActionRejected:
            return ActionRejected(f"github: could not {_DOING}: {why}")

        first: _Query = (("per_page", 100),)
        for answer in pages(fetch, following, first, most=most, endless=endless):
            with _reading(_DOING):
                now = parsedate_to_datetime(answer.headers["date"]).timestamp()
                rows = [HookDelivery.from_row(row) for row in answer.data]
            yield DeliveryPage(rows, now)

    def payload(self, delivery: HookDelivery) -> Any:
        """Return what GitHub sent."""
        doing = f"read delivery {delivery.guid}"
        answer = self._client.call(doing, "GET", of_app(doing, (*_PATH, delivery.id)), writes=False)
        with _reading(doing):
            return answer.data["request"]["payload"]

    def redeliver(self, delivery: HookDelivery) -> None:
        """Let GitHub send it again, soon. A second time does no harm: the id of its event is the
        same."""
        doing = f"redeliver {delivery.guid}"
        path = of_app(doing, (*_PATH, delivery.id, "attempts"))
        self._client.call(doing, "POST", path, writes=True)


@contextmanager
def _reading(doing: str) -> Iterator[None]:
    """Turn an answer of another shape into ActionRejected."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as err:
        raise ActionRejected(
            f"github: could not {doing}: this is not what GitHub answers; check GITHUB_API_URL"
        ) from err
