"""When a reminder comes: a time of day in a time zone, once or by a rule.

An hour that the clocks skip comes an hour later; one that they repeat comes the first time.
"""

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

#: The hour of a day that is named alone.
USUAL = 9
#: Days that a rule is looked ahead: a 29th of February comes every fourth or eighth year.
_AHEAD = 366 * 9


class Recurrence(NamedTuple):
    """The days on which something recurs: of these weekdays (0 is Monday), or the day of each
    month, which is the last where a month is shorter; at this hour and minute."""

    weekdays: tuple[int, ...]
    day: int
    hour: int
    minute: int

    @property
    def text(self) -> str:
        """The rule as it is kept: `0,1,2,3,4 0 9:00`."""
        days = ",".join(map(str, self.weekdays))
        return f"{days or '-'} {self.day} {self.hour}:{self.minute:02}"

    @classmethod
    def of(cls, text: str) -> "Recurrence":
        days, day, at = text.split(" ")
        hour, minute = at.split(":")
        weekdays = tuple(map(int, days.split(","))) if days != "-" else ()
        return cls(weekdays, int(day), int(hour), int(minute))

    def holds(self, day: date) -> bool:
        if self.day:
            last = calendar.monthrange(day.year, day.month)[1]
            return day.day == min(self.day, last)
        return day.weekday() in self.weekdays

    def following(self, after: float, zone: tzinfo) -> float:
        """Return the next moment after `after`, in seconds since the epoch."""
        for day in _days(datetime.fromtimestamp(after, zone).date()):
            if self.holds(day) and (at := moment(day, self.hour, self.minute, zone)) > after:
                return at
        raise AssertionError(f"the rule {self.text} has no next day")


def moment(day: date, hour: int, minute: int, zone: tzinfo) -> float:
    """Return the moment of a local time, in seconds since the epoch."""
    return datetime.combine(day, time(hour, minute), zone).timestamp()


def is_skipped(day: date, hour: int, minute: int, zone: tzinfo) -> bool:
    """Do the clocks skip this local time?"""
    local = datetime.fromtimestamp(moment(day, hour, minute, zone), zone)
    return (local.hour, local.minute) != (hour, minute)


def zone_of(name: str, offset: int) -> tzinfo:
    """Return the zone of this name; where the system does not know it, the `offset` from UTC in
    seconds that it has now."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        pass
    except KeyError:
        pass
    return timezone(timedelta(seconds=offset)) if abs(offset) < 86_400 else UTC


def _days(first: date) -> Iterator[date]:
    for number in range(_AHEAD):
        yield first + timedelta(days=number)
