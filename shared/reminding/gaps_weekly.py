"""Posts the gaps of the documentation into a channel each week, if somebody there wants it. The
channel's timer alone holds that, so there is nothing else to keep or to forget."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from shared.agent.timers import Timers
from shared.desk import Loan
from shared.reminding.rules import USUAL, Recurrence, zone_of

#: The timer that brings the gaps, on Mondays at nine.
TIMER = "timer.gaps"
_MONDAYS = Recurrence((0,), 0, USUAL, 0)


class WeeklyGaps:
    """Switches the weekly gaps of a channel on and off. Each channel has at most one timer."""

    def __init__(self, loan: Loan) -> None:
        self._event = loan.run.event
        self._timers = Timers(loan, conversation=f"{self._event.scope}:gaps")

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    @property
    def is_on(self) -> bool:
        return bool(self._pending())

    def switch_on(self, zone: str, shift: int) -> str:
        """Let them come on Mondays at nine in this time zone; returns what to say."""
        if self.is_on:
            return "The gaps come here each week already. `gaps off` ends that."
        at = self._set({"zone": zone, "shift": shift}, self._event.received_at)
        first = datetime.fromtimestamp(at, zone_of(zone, shift))
        return (
            "I post here each week which questions found no answer, if there are any: first on"
            f" {first:%A, %d %B %Y, %H:%M}. `gaps off` ends that."
        )

    def switch_off(self) -> str:
        ended = [self._timers.cancel(one) for one in self._pending()]
        return "The gaps come here no more." if any(ended) else "No gaps come here."

    def go_on(self, payload: Mapping[str, Any]) -> None:
        """Let them come a week later again."""
        about = {name: payload[name] for name in ("zone", "shift")}
        self._set(about, self._event.received_at)

    def _set(self, about: Mapping[str, Any], after: float) -> float:
        at = _MONDAYS.following(after, zone_of(about["zone"], about["shift"]))
        return self._timers.at(at, TIMER, about).at

    def _pending(self) -> list[str]:
        return [one.id for one in self._timers.pending() if one.event == TIMER]
