"""Quiet hours, such as `22:00-07:00 Europe/Berlin`, or `20:00-08:00 weekends Europe/Berlin` for
Saturdays and Sundays too. They follow the clock on the wall, also when that is set for summer."""

import re
from datetime import datetime, time
from functools import lru_cache
from typing import NamedTuple, Self

from shared.events import Json
from shared.patterns import lazily

EXAMPLE = "22:00-07:00 Europe/Berlin"
_CLOCK = r"((?:[01]?\d|2[0-3]):[0-5]\d)"
_FORM = lazily(
    rf"{_CLOCK}\s*[-–]\s*{_CLOCK}(?:\s+(?:and\s+)?(weekends?))?\s+([A-Za-z][\w+\-/]{{1,60}})",
    re.ASCII | re.IGNORECASE,
)
_SATURDAY = 5


class QuietHours(NamedTuple):
    """From one time of the day to another, perhaps of the next day."""

    begin: time
    end: time
    weekends: bool
    zone: str

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what people write; raises ValueError, which says what is wrong."""
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"must be hours and a time zone, such as {EXAMPLE}")
        begin, end = (_time(found[group]) for group in (1, 2))
        if begin == end:
            raise ValueError("begin and end at the same time; give two times, or pause me")
        return cls(begin, end, bool(found[3]), _zone_name(found[4]))

    def __str__(self) -> str:
        weekends = " weekends" if self.weekends else ""
        return f"{self.begin:%H:%M}-{self.end:%H:%M}{weekends} {self.zone}"

    def hold(self, at: float) -> bool:
        """Do they hold at this moment, in seconds since the epoch?"""
        from zoneinfo import ZoneInfo  # which few channels need

        here = datetime.fromtimestamp(at, ZoneInfo(self.zone))
        now = here.time()
        if self.weekends and here.weekday() >= _SATURDAY:
            return True
        if self.begin < self.end:
            return self.begin <= now < self.end
        return now >= self.begin or now < self.end


class Hours(NamedTuple):
    """The kind of a key that takes quiet hours, or nothing."""

    def schema(self) -> Json:
        return {"type": "string", "maxLength": 100}

    def problem(self, value: object) -> str:
        if not isinstance(value, str):
            return "must be text"
        try:
            if value:
                hours_of(value)
        except ValueError as err:
            return str(err)
        return ""


@lru_cache(maxsize=64)  # the channels of a process
def hours_of(text: str) -> QuietHours:
    return QuietHours.read(text)


def _time(text: str) -> time:
    hour, minute = text.split(":")
    return time(int(hour), int(minute))


def _zone_name(text: str) -> str:
    """Return the zone as its database writes it; raises ValueError for one that does not exist."""
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    known = {name.lower(): name for name in available_timezones() if not name.startswith("posix")}
    if name := known.get(text.lower()):
        return name
    near = get_close_matches(text.lower(), known, 1)
    hint = f"did you mean {known[near[0]]}?" if near else "write one such as Europe/Berlin"
    raise ValueError(f"name no time zone that I know; {hint}")
