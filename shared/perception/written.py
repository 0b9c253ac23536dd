"""Tells when the text of an event was written, by the clock of its platform."""

from datetime import datetime
from typing import NamedTuple

from shared.events import Event
from shared.perception import dig, string

#: Where GitHub puts the time: the text of an event is that of the first of these in its payload.
_TIMES = (
    ("comment", "created_at"),
    ("review", "submitted_at"),
    ("issue", "created_at"),
    ("pull_request", "created_at"),
)


class Moment(NamedTuple):
    """Seconds since the epoch by a platform's clock. GitHub's seconds are whole; within one, the
    `number` of a comment tells what came first, if it is not 0."""

    at: float
    number: int = 0

    def is_before(self, other: "Moment") -> bool:
        """Was this surely before the other? Not when nobody can tell."""
        if self.at != other.at:
            return self.at < other.at
        return 0 < self.number < other.number


def written(event: Event) -> Moment | None:
    """Return when a person wrote the text of a GitHub or Slack event; None when it does not say."""
    if event.source == "slack":
        return on_slack(event.message_target.ts) if event.message_target else None
    if event.source != "github":
        return None
    for kind, name in _TIMES:
        if isinstance(event.payload.get(kind), dict):
            number = dig(event.payload, kind, "id") if kind == "comment" else 0
            # Comments on a diff are numbered for themselves.
            is_comment = type(number) is int and "issue" in event.payload
            return on_github(string(event.payload, kind, name), number if is_comment else 0)
    return None


def on_github(text: str, number: int = 0) -> Moment | None:
    """Read a time as GitHub writes it; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return Moment(moment.timestamp(), number) if moment.tzinfo else None


def on_slack(ts: str) -> Moment | None:
    """Read the time stamp of a Slack message; None for anything else."""
    try:
        return Moment(float(ts))
    except ValueError:
        return None
