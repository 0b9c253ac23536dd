"""The desk of reminders: keeps them, and lets each come by a timer that says which one it is. What
is in the timer is no text, so that forgetting a reminder forgets all of it."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from shared.agent.timers import Timers
from shared.canonical import digest
from shared.database import queries
from shared.desk import Loan
from shared.errors import RequestUnclear
from shared.events import Json
from shared.journal import Outcome
from shared.redaction.redacting import without_secrets
from shared.reminding.rules import Recurrence, zone_of

SQL = queries(__file__, "store.sql")

#: The timer of a reminder.
TIMER = "timer.remind"
#: Seconds: a timer is at most a year ahead; one that is further goes there in hops.
HOP = 300 * 86_400.0
#: Characters of a reminder, and how many a person has.
LONGEST, MOST = 1_000, 100


class Reminder(NamedTuple):
    """A reminder as it is kept. Without `whom` and `place` it comes in its conversation."""

    id: str
    conversation: str
    asker: str
    asker_name: str
    whom: str
    place: str
    text: str
    zone: str
    shift: int
    rule: str
    next_at: float
    state: str = "active"
    now: float = 0.0

    @property
    def following(self) -> float | None:
        """When it comes next, after it came: what was missed meanwhile does not come again."""
        if not self.rule:
            return None
        zone = zone_of(self.zone, self.shift)
        return Recurrence.of(self.rule).following(max(self.next_at, self.now), zone)


class Reminders:
    """The reminders of the tenant, for the person who caused the run."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def set(self, asked: Reminder, key: str = "") -> Reminder:
        """Keep a reminder and set its clock. Those of one `key` are one. Raises RequestUnclear for
        a text that is too long, or when the person has too many."""
        if len(asked.text) > LONGEST:
            raise RequestUnclear(f"A reminder has at most {LONGEST} characters.")
        if len(self.of(asked.asker)) >= MOST:
            raise RequestUnclear(f"You have {MOST} reminders. Cancel some first.")
        id_ = self.id_of(key or self._run.id)
        reminder = asked._replace(id=id_, text=str(without_secrets(asked.text)))
        kept = self._run.statement("keep_reminder", reminder._asdict(), SQL)
        self._run.step("remind", {"id": id_}, lambda: Outcome(id_, statements=[kept]))
        self._wake(reminder)
        return reminder

    def id_of(self, key: str) -> str:
        """Return the id of the reminder that is set under this key."""
        return f"r-{digest([self._run.event.tenant, key])[:8]}"

    def of(self, person: str) -> list[Reminder]:
        """Return the reminders that a person set, or that are for them."""
        rows = self._read("reminders_of", {"person": person})
        return [Reminder(**row) for row in rows]

    def find(self, id_: str) -> Reminder | None:
        """Return a reminder of the tenant, whatever its state."""
        rows = self._read("reminder", {"id": id_})
        return Reminder(**rows[0]) if rows else None

    def due(self, payload: Mapping[str, Any]) -> Reminder | None:
        """Return the reminder that a timer is of, if it should come now. A timer that is only half
        the way sets the next one."""
        found = self.find(str(payload["reminder"]))
        if found is None or found.state != "active" or found.next_at != payload["at"]:
            return None
        if found.next_at > self._run.event.received_at:
            self._wake(found)
            return None
        return found

    def came(self, reminder: Reminder) -> None:
        """Note that it came, and set the clock for its next time."""
        following = reminder.following
        if following is not None:
            self._wake(reminder._replace(next_at=following))
        about = {"id": reminder.id, "at": reminder.next_at, "following": following}
        noted = self._run.statement("came", about, SQL)
        self._run.step("came", about, lambda: Outcome(None, statements=[noted]))

    def cancel(self, id_: str, person: str) -> bool:
        """Let a reminder that the person set, or that is for them, not come again. A timer of
        another conversation stays, and comes for nothing."""
        if not self._read("cancel_reminder", {"id": id_, "person": person}):
            return False
        timers = Timers.lend(self._loan)
        for timer in timers.pending():
            if timer.payload.get("reminder") == id_:
                timers.cancel(timer.id)
        return True

    def _wake(self, reminder: Reminder) -> None:
        """Set the clock."""
        at = min(reminder.next_at, self._run.event.received_at + HOP)
        about = {"reminder": reminder.id, "at": reminder.next_at}
        Timers.lend(self._loan).at(at, TIMER, about)

    def _read(self, name: str, about: Json) -> list[Json]:
        def work() -> Outcome:
            return Outcome(self._run.write([self._run.statement(name, about, SQL)])[0])

        rows: list[Json] = self._run.step(name, about, work)
        return rows
