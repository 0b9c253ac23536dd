"""Schedule expressions of EventBridge Scheduler: rate(…), cron(…) and at(…).

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import calendar
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from infra.local.aws.errors import TemplateError

#: Returns the first time after the given one, or None when there is none.
NextTime = Callable[[datetime], datetime | None]

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
#: Sunday is 1, as in Quartz.
_WEEKDAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_YEARS_AHEAD = 10


class _Cron(NamedTuple):
    minutes: list[int]
    hours: list[int]
    is_day: Callable[[date], bool]
    years: set[int]


def parse(expression: str, zone: str = "UTC") -> NextTime:
    """Return when the expression is due; raises TemplateError when it is malformed."""
    expression = expression.strip()
    if match := _RATE.fullmatch(expression):
        period = timedelta(**{f"{match[2]}s": int(match[1])})
        return lambda after: after + period
    if match := _AT.fullmatch(expression):
        once = datetime.fromisoformat(match[1]).replace(tzinfo=ZoneInfo(zone))
        return lambda after: once if once > after else None
    if match := _CRON.fullmatch(expression):
        try:
            cron = _cron(match.groups())
        except (ValueError, KeyError) as err:
            raise TemplateError(f"{expression}: {err} is not known in a cron expression") from err
        return lambda after: _next(cron, after, ZoneInfo(zone))
    raise TemplateError(
        f"{expression!r} is no schedule; expected rate(1 hour) or cron(0 8 * * ? *)"
    )


def _cron(fields: Sequence[str]) -> _Cron:
    minutes, hours, day, month, weekday, year = fields
    if (day == "?") == (weekday == "?"):
        raise ValueError("day of month and day of week (exactly one must be '?')")
    months = _numbers(month, 1, 12, _MONTHS)
    is_day = _day_of_month(day) if weekday == "?" else _day_of_week(weekday)
    return _Cron(
        sorted(_numbers(minutes, 0, 59)),
        sorted(_numbers(hours, 0, 23)),
        lambda moment: moment.month in months and is_day(moment),
        _numbers(year, 1970, 2199),
    )


def _next(cron: _Cron, after: datetime, zone: ZoneInfo) -> datetime | None:
    local = after.astimezone(zone)
    for offset in range(366 * _YEARS_AHEAD):
        day = local.date() + timedelta(days=offset)
        if day.year not in cron.years or not cron.is_day(day):
            continue
        for hour in cron.hours:
            for minute in cron.minutes:
                moment = datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
                if moment > after:
                    return moment
    return None


def _day_of_month(field: str) -> Callable[[date], bool]:
    if field == "L":
        return lambda day: day.day == calendar.monthrange(day.year, day.month)[1]
    days = _numbers(field, 1, 31)
    return lambda day: day.day in days


def _day_of_week(field: str) -> Callable[[date], bool]:
    if match := re.fullmatch(r"(\w+)#([1-5])", field):
        wanted, week = _number(match[1], _WEEKDAYS), int(match[2])
        return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == week
    if match := re.fullmatch(r"(\w{1,3})L", field):
        last = _number(match[1], _WEEKDAYS)
        return lambda day: _weekday(day) == last and (day + timedelta(days=7)).month != day.month
    days = _numbers(field, 1, 7, _WEEKDAYS)
    return lambda day: _weekday(day) in days


def _weekday(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _numbers(field: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    """Expand `*`, `5`, `1-5`, `*/15`, `0/15` and lists of them."""
    numbers: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if first == "*":
            start, end = low, high
        else:
            start = _number(first, names)
            end = _number(last, names) if dash else high if step else start
        if not (low <= start <= end <= high):
            raise ValueError(part)
        numbers.update(range(start, end + 1, int(step or 1)))
    return numbers


def _number(text: str, names: dict[str, int] | None) -> int:
    return int(text) if text.isdigit() else (names or {})[text.upper()]
