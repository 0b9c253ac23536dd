"""Sends again the webhooks that GitHub could not deliver: GitHub itself never does.

It keeps nothing between its turns. GitHub's list says which attempts there were and when, so how
long to wait and what came back follow from the list alone.

https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from shared.errors import ActionError, ActionRejected, ActionUnavailable
from shared.github_app.deliveries import DeliveryList, HookDelivery
from shared.log import log
from shared.metrics import measure

#: Seconds between two turns; the schedule in template.yaml has the same.
PERIOD = 900.0
#: GitHub sends again what happened in the past three days, in seconds; an hour less, so that the
#: first attempt is still listed when the event is given up.
#: https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
KEPT = 71 * 3600.0
#: Seconds to wait after so many failed attempts; after more, the last.
_PAUSES = (60.0, 900.0, 1800.0, 3600.0, 7200.0)
#: The front door's word that it never takes this body: no event, too large.
FINAL = frozenset({400, 413})
#: Seconds until what GitHub does is surely listed; what is counted in a turn is that much older.
_LAG = 60.0
#: At most so many pages of 100 deliveries are read in a turn. With four turns an hour that is a
#: quarter of the 5000 requests that GitHub allows in an hour.
_PAGES = 300
#: At most so many are sent again in a turn, and no more than one a second.
#: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api (80 a minute, 500
#: an hour for requests that make something)
_MOST, _PACE = 120, 1.0
#: At most so many lost deliveries are named in the log of a turn.
_NAMED = 20


class WebhookFindings(NamedTuple):
    """What the list says: those `due` to be sent again, the oldest first; how many events are still
    `failing`; and which came back or were `lost` in the time that the turn counts."""

    due: list[HookDelivery]
    failing: int
    recovered: int
    lost: list[HookDelivery]


class RedeliveryTurn(NamedTuple):
    """What a turn did. GitHub `accepted` to send so many again; it `refused` others."""

    listed: int
    failing: int
    recovered: int
    lost: int
    accepted: int
    refused: int


class Redelivery:
    """`most` and `pages` bound a turn, `pace` is in seconds, `clock` in seconds since any time."""

    def __init__(
        self,
        listed: DeliveryList,
        *,
        most: int = _MOST,
        pages: int = _PAGES,
        pace: float = _PACE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listed = listed
        self._most = most
        self._pages = pages
        self._pace = pace
        self._clock = clock

    def turn(self, function: str, at: float, seconds: float) -> RedeliveryTurn:
        """Send again what is due within so many `seconds`, and count what came back or was lost.

        `at` is when the schedule wanted this turn, so that turns count each event once. `function`
        is the name that the metrics carry. When the list broke off, it does what it can and then
        raises the ActionError.
        """
        deadline = self._clock() + seconds
        read = self._read()
        found = examined(read.rows, at - PERIOD - _LAG, read.now, whole=read.whole)
        accepted, refused = self._redeliver(found.due, deadline)
        counts = RedeliveryTurn(
            listed=len(read.rows),
            failing=found.failing,
            recovered=found.recovered,
            lost=len(found.lost),
            accepted=accepted,
            refused=refused,
        )
        _report(function, counts, found.lost)
        if read.trouble:
            raise read.trouble
        return counts

    def _read(self) -> "_Read":
        """Read the list back to what GitHub still sends again."""
        rows: dict[int, HookDelivery] = {}
        now = 0.0
        try:
            for number, page in enumerate(self._listed.pages(self._pages + 1), 1):
                now = now or page.now
                rows |= {row.id: row for row in page.rows}
                # GitHub lists about the newest first; a slow one may stand a few places further.
                if all(row.at < now - KEPT - PERIOD for row in page.rows):
                    break
                if number == self._pages:
                    log("the list of deliveries is longer than one turn reads", pages=number)
                    return _Read([*rows.values()], now, whole=False)
        except ActionError as err:
            if not now:
                raise
            return _Read([*rows.values()], now, whole=False, trouble=err)
        return _Read([*rows.values()], now)

    def _redeliver(self, due: list[HookDelivery], deadline: float) -> tuple[int, int]:
        """Ask GitHub to send these again, until the time is over or GitHub wants to be left alone;
        what is left is due in the next turn."""
        accepted, refused = 0, 0
        for delivery in due[: self._most]:
            if self._clock() + self._pace >= deadline:
                break
            try:
                self._listed.redeliver(delivery)
                accepted += 1
            except ActionRejected as err:
                refused += 1
                log("webhook not redelivered", guid=delivery.guid, reason=str(err))
            except ActionUnavailable as err:
                log("redelivery goes on in the next turn", reason=str(err))
                break
            time.sleep(self._pace)
        return accepted, refused


class _Read(NamedTuple):
    rows: list[HookDelivery]
    now: float
    whole: bool = True
    trouble: ActionError | None = None


def examined(
    rows: Iterable[HookDelivery], since: float, now: float, *, whole: bool = True
) -> WebhookFindings:
    """Say what to do about the deliveries in `rows`, and what happened in the PERIOD from `since`.

    Attempts for one event share their GUID; one that arrived is enough. Without the `whole` list an
    event may be older than its oldest attempt here.
    """
    events: defaultdict[str, list[HookDelivery]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.at, row.id)):
        events[row.guid].append(row)
    due: list[HookDelivery] = []
    lost: list[HookDelivery] = []
    failing, recovered = 0, 0
    for attempts in sorted(events.values(), key=lambda attempts: attempts[0].at):
        last, arrived = attempts[-1], [row.arrived for row in attempts]
        if any(arrived):
            first = arrived.index(True)
            recovered += first > 0 and _between(attempts[first].at, since)
        elif last.code in FINAL:
            lost += [last] if _between(last.at, since) else []
        elif attempts[0].redelivery and whole:
            continue  # GitHub has dropped its first attempt, and it was counted then
        elif not attempts[0].redelivery and attempts[0].at + KEPT <= now:
            lost += [last] if _between(attempts[0].at + KEPT, since) else []
        else:
            failing += 1
            pause = _PAUSES[min(len(attempts), len(_PAUSES)) - 1]
            due += [last] if last.at + pause <= now else []
    return WebhookFindings(due, failing, recovered, lost)


def _between(at: float, since: float) -> bool:
    return since < at <= since + PERIOD


def _report(function: str, counts: RedeliveryTurn, lost: list[HookDelivery]) -> None:
    for delivery in lost[:_NAMED]:
        log(
            "webhook lost",
            guid=delivery.guid,
            event=delivery.event,
            action=delivery.action,
            answered=delivery.code,
        )
    values: dict[str, float | None] = {
        "WebhooksFailing": counts.failing,
        "WebhooksRedelivered": counts.accepted,
        "WebhooksRecovered": counts.recovered,
        "WebhooksLost": counts.lost,
    }
    others = {"listed": counts.listed, "refused": counts.refused}
    measure("webhooks redelivered", values, function=function, **others)
