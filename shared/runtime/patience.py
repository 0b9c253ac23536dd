"""How a failed attempt goes on: another one after a pause, or the end of the run.

What another server has to mend, such as an outage, pauses as long as it takes and costs no attempt.
Anything else that may pass has a few attempts.
"""

import random
from typing import NamedTuple

from shared.errors import AgentFlowsError, EffectUnknown, ProcessDied, SettingsError
from shared.events import Json
from shared.settings import Settings

#: Seconds before the second try. Each further pause is twice as long.
_FIRST = 30.0
#: Seconds after which a run that is due was not delivered: its queue may have much to do.
GRACE = 600.0
#: The person who waits is told after so many pauses, about 4 minutes.
_SAID_AFTER = 3
#: Doubling further makes no difference, however long a pause may be.
_DOUBLINGS = 20


class Consequence(NamedTuple):
    """What becomes of a run after an error: its state, the seconds until the next attempt, None at
    its end, and whether it `gave_up`. The person who waits hears of it if it `is_said`."""

    state: str
    pause: float | None = None
    gave_up: bool = False
    is_said: bool = True


class Patience(NamedTuple):
    """The settings MAX_ATTEMPTS and MAX_PAUSE_HOURS, the latter in seconds. What is `overdue` can
    wait no longer. `message` names what the queue hides meanwhile."""

    attempts: int
    longest: float
    overdue: bool = False
    message: Json | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Patience":
        """Raises SettingsError when one of them is no number."""
        try:
            attempts, hours = int(settings.max_attempts), float(settings.max_pause_hours)
        except ValueError as err:
            raise SettingsError(
                f"MAX_ATTEMPTS={settings.max_attempts} and"
                f" MAX_PAUSE_HOURS={settings.max_pause_hours}; both must be numbers"
            ) from err
        return cls(attempts, hours * 3600)

    def pause(self, before: int, at_least: float | None = None) -> float:
        """Return the next pause in seconds, after so many others. It differs a little each time, so
        that not all that waited comes back at once."""
        grown = min(1.2 * _FIRST * 2 ** min(before, _DOUBLINGS), self.longest)
        return float(min(max(grown * random.uniform(2 / 3, 1.0), at_least or 0.0), self.longest))

    def consequence(self, err: Exception, failures: int, pauses: int) -> Consequence:
        """Judge an error after so many `failures` and `pauses` of the run."""
        if is_outage(err):
            if self.overdue:
                return Consequence("failed", gave_up=True)
            pause = self.pause(pauses, getattr(err, "retry_after", None))
            return Consequence("parked", pause, is_said=pauses + 1 == _SAID_AFTER)
        if isinstance(err, EffectUnknown):
            return Consequence("waiting")
        if isinstance(err, AgentFlowsError):
            return Consequence("failed", gave_up=isinstance(err, ProcessDied))
        if failures + 1 < self.attempts and not self.overdue:
            return Consequence("retrying", self.pause(failures), is_said=False)
        return Consequence("failed", gave_up=True)


def is_outage(err: Exception) -> bool:
    """Tell if the same may succeed later, when a model, a platform or the database is back."""
    return isinstance(err, AgentFlowsError) and err.retryable
