"""SummaryDesk: tells who may see a summary, and checks the messages that it cites where they stand.

A message that was edited or deleted meanwhile does not stand; nor does one in a channel that became
closed to the asker, or to the readers of the answer.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Self

from shared.actions import Query
from shared.actions.slack.actions import AskClock, AskDirect
from shared.actions.slack.heard.queries import ReadSpan
from shared.database import Database
from shared.desk import Loan
from shared.events import Json
from shared.evidence.passages import GivenPassage, GivenPassages
from shared.evidence.readers import readers_of
from shared.evidence.standing import SourceCheck
from shared.journal import Outcome


class SummaryDesk:
    """The checks of one run's summary."""

    #: What a flow that borrows it names in `reads`.
    READS: tuple[type[Query], ...] = (ReadSpan, AskClock, AskDirect)

    def __init__(self, loan: Loan) -> None:
        self._loan, self._event = loan, loan.run.event
        self._readers = readers_of(loan)
        self.named = loan.named

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def is_for_all(self, found: Json) -> bool:
        """May everybody who reads the place of the answer see what was found?"""
        return not found["audience"] or self._readers.see(found["audience"])

    def standing(
        self, span: ReadSpan, found: Json, items: Sequence[Json], cited: Collection[int]
    ) -> set[int]:
        """Return the numbers, counted from 1, of the cited messages that still say the same."""
        wanted, for_all = sorted({*cited}), self.is_for_all(found)

        def work() -> Outcome:
            given = GivenPassages()
            numbers = {given.add(_passage(items[one - 1])): one for one in wanted}
            again = {"message": lambda rows: self._again(span, found, items, wanted, for_all)}
            check = SourceCheck(
                self._event,
                given,
                self._readers,
                database=self._loan.services[Database],
                read=self._loan.read,
                again=again,
            )
            return Outcome(sorted(numbers[one] for one in check([*numbers])))

        about = {"messages": [items[one - 1]["at"] for one in wanted]}
        return {*self._loan.run.step("evidence", about, work, defer=True)} if wanted else set()

    def _again(
        self,
        span: ReadSpan,
        found: Json,
        items: Sequence[Json],
        wanted: Iterable[int],
        for_all: bool,
    ) -> Mapping[str, str]:
        """Read the cited messages once more, as the asker may."""
        cited = [items[one - 1] for one in wanted]
        stamps = sorted((one["at"] for one in cited), key=_moment)
        among = tuple(sorted({one["root"] for one in cited if one["root"] != one["at"]}))
        narrow = replace(
            span,
            channel=found["channel"],
            oldest=stamps[0],
            latest=_after(stamps[-1]),
            among=None if span.thread else among,
            limit=10_000,
        )
        now = self._loan.read(narrow)
        if "note" in now or (for_all and not self.is_for_all(now)):
            return {}
        return {one["at"]: one["text"] for one in now["items"]}


def _passage(said: Json) -> GivenPassage:
    return GivenPassage.of("message", said["at"], "", "", said["text"])


def _moment(ts: str) -> tuple[int, int]:
    seconds, _, fraction = ts.partition(".")
    return int(seconds), int(fraction or 0)


def _after(ts: str) -> str:
    """Return the next time stamp: the border before which a message is read."""
    seconds, fraction = _moment(ts)
    more, micros = divmod(fraction + 1, 1_000_000)
    return f"{seconds + more}.{micros:06}"
