"""Tells who switched `mode answers` on, once and to them alone, how its first week went and how it
goes on. A timer of the flow that switched it on brings the moment."""

from typing import NamedTuple, Self

from shared.actions.slack.actions import AskDirect, Channel, Post
from shared.agent.timers import Timers
from shared.database import queries
from shared.desk import Loan
from shared.events import Json
from shared.journal import Outcome
from shared.team_settings.channels.keys import DRAFT_WEEK

SQL = queries(__file__, "first_week.sql")


class WeekCounts(NamedTuple):
    """What became of the drafts of a week, and whether drafts stay on."""

    person: str
    keeps: bool
    drafts: int
    sent: int
    edited: int
    dropped: int
    open: list[str]


class FirstWeek:
    """The first week of `mode answers` in the channel of the run's event."""

    READS = (AskDirect,)

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run
        self._event = loan.run.event

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def begin(self) -> None:
        """Set the timer `timer.answers-<flow>`, which the flow takes."""
        end = self._event.received_at + DRAFT_WEEK
        Timers(self._loan).at(end, f"timer.answers-{self._run.flow}")

    def end(self) -> Post | None:
        """Return what tells it, as the timer's event comes; None where the channel is set in
        another way since."""

        def work() -> Outcome:
            about = {"place": self._event.scope, "at": self._event.timer["set_at"]}
            [rows] = self._run.write([self._run.statement("week", about, SQL)])
            return Outcome(dict(rows[0]) | {"open": rows[0]["open"] or []} if rows else None)

        found: Json | None = self._run.step("first week", {}, work)
        if found is None:
            return None
        counts = WeekCounts(**found)
        _, team, channel = self._event.scope.split(":")
        query = AskDirect(team, channel, counts.person)
        direct = self._run.step("direct", {}, lambda: Outcome(self._loan.read(query)["channel"]))
        return Post(Channel(direct), _told(channel, counts))


def _told(channel: str, counts: WeekCounts) -> str:
    undecided = counts.drafts - counts.sent - counts.edited - counts.dropped
    lines = [
        f"The first week of `mode answers` in <#{channel}> is over. I would have answered"
        f" {counts.drafts} questions: {counts.sent} drafts were sent, {counts.edited} edited and"
        f" sent, {counts.dropped} dropped, and about {undecided} nobody decided.",
    ]
    if counts.open:
        lines += ["", "Nobody decided about:", "", *(f"- {_line(one)}" for one in counts.open)]
    live = (
        "I go on with drafts, as `drafts` is on. `@agent settings drafts off` there lets me answer"
        " by myself."
        if counts.keeps
        else "From now on I answer there by myself when I am sure. `@agent settings drafts on`"
        " there keeps the drafts."
    )
    return "\n".join([*lines, "", f"{live} `@agent settings mode mentions` ends it."])


def _line(text: str) -> str:
    return " ".join(text.split())
