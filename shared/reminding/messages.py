"""What people read of reminders, and the buttons below one that came."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from shared.actions.slack.actions import Button
from shared.patterns import lazily
from shared.reminding.desk import Reminder
from shared.reminding.rules import Recurrence, zone_of

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CLICK = lazily(r"remind (hour|tomorrow|stop) (r-[0-9a-f]{8})/(\d+(?:\.\d+)?)")
#: Characters of a text in a list.
_BRIEF = 120


class ReminderClick(NamedTuple):
    """The value of a pressed button: what to do with which reminder, as it came at which time."""

    verb: str
    id: str
    at: str


def reminder_click(value: str) -> ReminderClick | None:
    """Read the value of a button; None for a button of others."""
    found = _CLICK.fullmatch(value)
    return ReminderClick(*found.groups()) if found else None


def buttons(reminder: Reminder) -> tuple[Button, ...]:
    """Return the buttons below a reminder that came: later, or not again."""
    of = f"{reminder.id}/{reminder.next_at!r}"
    later = (
        Button("In 1 hour", f"remind hour {of}"),
        Button("Tomorrow", f"remind tomorrow {of}"),
    )
    return (*later, Button("Stop", f"remind stop {of}", "danger")) if reminder.rule else later


def came(reminder: Reminder, whom: str) -> str:
    """Say what somebody is reminded of, and who wanted that."""
    by = "" if whom == reminder.asker_name else f", by {reminder.asker_name}"
    about = reminder.text or "this conversation"
    said = "\n".join(f"> {line}" for line in about.splitlines())
    again = ""
    if (following := reminder.following) is not None:
        again = f" Next on {moment_of(reminder._replace(next_at=following))}."
    return f"⏰ **Reminder for {whom}{by}**\n\n{said}\n\n_{reminder.id}.{again}_"


def kept(reminder: Reminder, whom: str, note: str) -> str:
    """Say that a reminder is set, and how it was understood."""
    about = f": {reminder.text}" if reminder.text else ", about this conversation"
    how = f"⏰ I remind {whom} {often(reminder)}{about}"
    cancel = f"`reminders cancel {reminder.id}` takes it back."
    return "\n\n".join(filter(None, (how, note, cancel)))


def listed(reminders: Iterable[Reminder], hidden: int) -> str:
    """List reminders; `hidden` are those of other conversations, which readers here may not see."""
    lines = [f"- `{one.id}` {often(one)}{_brief(one.text)}" for one in reminders]
    if hidden:
        lines.append(f"- {hidden} more of other conversations. Ask me in a direct message.")
    if not lines:
        return "You have no reminders. Say `remind me tomorrow at 9 to …`."
    return "\n".join(["Your reminders:", "", *lines, "", "`reminders cancel ID` takes one back."])


def moment_of(reminder: Reminder) -> str:
    """Write when it comes, in the zone of who set it."""
    zone = zone_of(reminder.zone, reminder.shift)
    at = datetime.fromtimestamp(reminder.next_at, zone)
    return f"{_DAYS[at.weekday()]} {at.day} {at:%b %Y, %H:%M} ({reminder.zone})"


def often(reminder: Reminder) -> str:
    """Say when it comes, or how often and when first."""
    if not reminder.rule:
        return f"on {moment_of(reminder)}"
    return f"{' '.join(_rule(Recurrence.of(reminder.rule)))}, first on {moment_of(reminder)}"


def _rule(rule: Recurrence) -> Iterator[str]:
    if rule.day:
        yield f"every month on day {rule.day}"
    elif rule.weekdays == tuple(range(7)):
        yield "every day"
    elif rule.weekdays == (0, 1, 2, 3, 4):
        yield "every weekday"
    else:
        yield "every " + " and ".join(_DAYS[day] for day in rule.weekdays)
    yield f"at {rule.hour}:{rule.minute:02}"


def _brief(text: str) -> str:
    plain = " ".join(text.split())
    cut = plain if len(plain) <= _BRIEF else f"{plain[: _BRIEF - 1]}…"
    return f": {cut}" if cut else ""
