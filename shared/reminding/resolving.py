"""Makes a moment of what was said: from now on, in a person's time zone."""

import calendar
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from shared.errors import RequestUnclear
from shared.reminding.grammar import Spoken
from shared.reminding.rules import USUAL, Recurrence, is_skipped, moment
from shared.reminding.words import PARTS

#: From here on an hour without `am` is one of the morning: nobody is reminded at 3 in the night.
HALF_BEFORE = 7
#: Years that a reminder may be ahead.
_YEARS = 5


class When(NamedTuple):
    """When a reminder comes first, in seconds since the epoch; the rule of one that recurs; and
    what a person should hear of how they were understood."""

    at: float
    rule: Recurrence | None = None
    note: str = ""


def when(spoken: Spoken, now: float, zone: tzinfo) -> When:
    """Return the moment; raises RequestUnclear for one that is over, or too far away."""
    if spoken.seconds is not None:
        return _checked(When(now + spoken.seconds), now)
    today = datetime.fromtimestamp(now, zone).date()
    hour, minute = _time(spoken)
    if spoken.recurs:
        rule = _rule(spoken, today)._replace(hour=hour, minute=minute)
        return When(rule.following(now, zone), rule)
    if spoken.days == 0 and not spoken.months and spoken.time is None and not spoken.part:
        raise RequestUnclear("At what time today?")
    day, note = _day(spoken, today), ""
    at = moment(day, hour, minute, zone)
    if at <= now and not spoken.has_day:
        day += timedelta(days=1)
        at, note = moment(day, hour, minute, zone), f"It is past {hour}:{minute:02}, so tomorrow."
    elif at <= now and spoken.weekday is not None:
        day += timedelta(days=7)
        at = moment(day, hour, minute, zone)
    if is_skipped(day, hour, minute, zone):
        note = f"The clocks skip {hour}:{minute:02} that day, so it comes when they have."
    return _checked(When(at, None, note), now)


def _rule(spoken: Spoken, today: date) -> Recurrence:
    """Return on which days it recurs."""
    if spoken.each == "week":
        return Recurrence((today.weekday() if spoken.weekday is None else spoken.weekday,), 0, 0, 0)
    return Recurrence(spoken.repeat, today.day if spoken.each else spoken.day_of_month, 0, 0)


def _time(spoken: Spoken) -> tuple[int, int]:
    """Return hour and minute, in the part of the day that was named."""
    usual = PARTS.get(spoken.part, USUAL)
    if spoken.time is None:
        return usual, 0
    hour, minute = spoken.time
    is_late = usual >= 12 and hour < 12 and spoken.part not in ("noon", "midday", "中午")
    if is_late or (not spoken.part and spoken.half and 0 < hour < HALF_BEFORE):
        hour += 12
    return hour, minute


def _day(spoken: Spoken, today: date) -> date:
    if spoken.date:
        return _dated(*spoken.date, today)
    if spoken.weekday is not None:
        monday = today - timedelta(days=today.weekday())
        ahead = (spoken.weekday - today.weekday()) % 7
        if spoken.next_week:
            return monday + timedelta(days=7 + spoken.weekday)
        return today + timedelta(days=ahead)
    return months_on(today, spoken.months) + timedelta(days=spoken.days or 0)


def _dated(year: int | None, month: int, day: int, today: date) -> date:
    """Return the date; without a year the next one of that name."""
    for candidate in [year] if year else range(today.year, today.year + 9):
        try:
            found = date(candidate, month, day)
        except ValueError:
            continue
        if year or found >= today:
            return found
    raise RequestUnclear(f"There is no day {day} of month {month}.")


def months_on(day: date, months: int) -> date:
    """Return the day so many months later, or before; the last one of a month that is too short."""
    total = day.year * 12 + day.month - 1 + months
    year, month = divmod(total, 12)
    if year > date.max.year:
        raise _too_far()
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def _checked(found: When, now: float) -> When:
    if found.at <= now:
        raise RequestUnclear("That time is over. Name one that is to come.")
    if found.at > now + _YEARS * 366 * 86_400:
        raise _too_far()
    return found


def _too_far() -> RequestUnclear:
    return RequestUnclear(f"I remind at most {_YEARS} years ahead.")
