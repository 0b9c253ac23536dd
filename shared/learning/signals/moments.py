"""Tells when something happened, by the platform's clock where it says so: a delivery may be late,
and two may change places."""

from contextlib import suppress
from datetime import datetime

from shared.events import Event
from shared.perception import items, string


def moment_of(event: Event) -> float:
    """Return when the event happened, in seconds since the epoch; when it was received, where the
    platform does not say, and never later than that."""
    return min(_said(event) or event.received_at, event.received_at)


def _said(event: Event) -> float:
    payload = event.payload
    if event.source == "slack":
        press = next(iter(items(payload, "actions")), None)
        stamps = (string(payload, "event", "event_ts"), string(press, "action_ts"))
        with suppress(ValueError):
            return next((float(stamp) for stamp in stamps if stamp), 0.0)
        return 0.0
    # A thread, a comment, an issue or a pull request: what was changed says when.
    subject = event.type.split(".")[1].removeprefix("pull_request_review_")
    times = (
        string(payload, "updated_at") if subject == "thread" else "",
        string(payload, "pull_request", "closed_at") if event.type.endswith("closed") else "",
        string(payload, "issue", "updated_at") if subject == "issues" else "",
    )
    with suppress(ValueError):
        return next((datetime.fromisoformat(one).timestamp() for one in times if one), 0.0)
    return 0.0
