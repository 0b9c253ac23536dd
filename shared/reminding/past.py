"""Reads since when: `Monday`, `yesterday at 9`, `the last 3 days`, `seit gestern`, `昨天`. The
words are those of reminders, and some more, and mean the newest such moment that is over."""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo

from shared.errors import RequestUnclear
from shared.patterns import lazily
from shared.reminding.grammar import NUMBER, UNIT, WORDS, Read, Spoken
from shared.reminding.moments import read_words
from shared.reminding.resolving import HALF_BEFORE, months_on
from shared.reminding.rules import moment
from shared.reminding.words import CALENDAR, NUMBERS, PARTS, SECONDS

#: What a person may say before the moment.
_SINCE = lazily(
    r"[\s,:]*(?:since|from|after|starting|of|in|over|during|for|seit|ab|von|aus|der|den|dem|die"
    r"|the|从|自|自从)(?![a-z])\s*",
    re.I,
)
_AFTER = lazily(
    r"\s*(?:on(?:wards?)?|till now|until now|bis jetzt|以来|之后|起|开始)?[\s.!。！?？]*", re.I
)
_LAST = r"(?:last|past|previous|letzte[rsnm]?|vergangene[rsnm]?|vorige[rsnm]?|最近|过去|上)"


def _back(spoken: Spoken, found: "re.Match[str]") -> Spoken | None:
    """`last 3 days`, `2 hours ago`, `3 Tagen`, `last week`."""
    if spoken.has_day or spoken.time:
        return None
    unit, number = found["unit"].lower(), (found["number"] or "1").lower()
    much = NUMBERS.get(number) or float(number.replace(",", "."))
    if unit in SECONDS:
        return replace(spoken, seconds=-much * SECONDS[unit])
    days, months = CALENDAR[unit]
    return replace(spoken, days=-int(much * days), months=-int(much * months))


def _days_ago(days: int, part: str = "") -> Read:
    def read(spoken: Spoken, _: "re.Match[str]") -> Spoken | None:
        return None if spoken.has_day else replace(spoken, days=-days, part=part)

    return read


def _this_week(spoken: Spoken, _: "re.Match[str]") -> Spoken | None:
    return None if spoken.has_day else replace(spoken, weekday=0, each="")


def _last_weekday(spoken: Spoken, _: "re.Match[str]") -> Spoken | None:
    """`last` before a weekday adds nothing."""
    return spoken


def _hour(spoken: Spoken, found: "re.Match[str]") -> Spoken | None:
    hour = int(found[1])
    if spoken.time or spoken.seconds is not None or hour > 23:
        return None
    return replace(spoken, time=(hour, 0), half=True)


#: What is said of the past alone, and before the other words.
_PAST: tuple[tuple["re.Pattern[str]", Read], ...] = tuple(
    (lazily(pattern, re.I), read)
    for pattern, read in (
        (r"(?:yesterday|gestern) (?=evening|abend)", _days_ago(1)),
        (r"(?:last night|gestern nacht)\b", _days_ago(1, "night")),
        (r"(?:the day before yesterday|day before yesterday|vorgestern)\b|前天", _days_ago(2)),
        (r"(?:yesterday|gestern)\b|昨天", _days_ago(1)),
        (r"昨晚", _days_ago(1, "晚上")),
        (
            r"(?:this week|diese[rn]? woche)\b|(?:本周|这周|这个星期)(?![一二三四五六日天])",
            _this_week,
        ),
        (
            rf"(?:{_LAST}\s*)?(?P<number>{NUMBER})\s*(?P<unit>{UNIT})(?:之前|以前|前)?"
            r"(?: ago| back)?",
            _back,
        ),
        (rf"vor (?P<number>{NUMBER})\s*(?P<unit>{UNIT})", _back),
        (rf"{_LAST}\s*个?(?P<number>)(?P<unit>{UNIT})(?![\w一二三四五六日天])", _back),
        (rf"(?:on |am )?{_LAST}\s*(?=[a-z一二三四五六日天周星礼])", _last_weekday),
        (r"(?:at |um )?(\d{1,2})(?=[\s.!?。]*$|\s+on\b|起)", _hour),
    )
)


def moment_since(words: str, now: float, zone: tzinfo) -> float:
    """Return the moment in seconds since the epoch. Raises RequestUnclear for words that name none,
    or one that is still to come."""
    begin = 0
    while (link := _SINCE.match(words, begin)) and link.end() > begin:
        begin = link.end()
    spoken, end = read_words(words, begin, (*_PAST, *WORDS))
    if spoken is None or spoken.recurs or not _AFTER.fullmatch(words, end):
        raise RequestUnclear(
            "Since when? Say it such as `since Monday`, `since yesterday at 9`, `the last 3 days`"
            " or `since 2026-11-20`."
        )
    at = _moment(spoken, now, zone)
    if at >= now:
        raise RequestUnclear("That time is still to come. Name one that is over.")
    return at


def _moment(spoken: Spoken, now: float, zone: tzinfo) -> float:
    if spoken.seconds is not None:
        return now + spoken.seconds
    today = datetime.fromtimestamp(now, zone).date()
    hour, minute = _time(spoken)
    day = _day(spoken, today)
    at = moment(day, hour, minute, zone)
    if at >= now and not spoken.has_day:
        at = moment(day - timedelta(days=1), hour, minute, zone)
    elif at >= now and spoken.weekday is not None:
        at = moment(day - timedelta(days=7), hour, minute, zone)
    return at


def _time(spoken: Spoken) -> tuple[int, int]:
    """Return hour and minute: of a day without a time its beginning."""
    if spoken.time is None:
        return PARTS.get(spoken.part, 0), 0
    hour, minute = spoken.time
    is_late = PARTS.get(spoken.part, 0) > 12 and hour < 12
    if is_late or (not spoken.part and spoken.half and 0 < hour < HALF_BEFORE):
        hour += 12
    return hour, minute


def _day(spoken: Spoken, today: date) -> date:
    if spoken.date:
        return _dated(*spoken.date, today)
    if spoken.weekday is not None:
        return today - timedelta(days=(today.weekday() - spoken.weekday) % 7)
    return months_on(today, spoken.months) + timedelta(days=spoken.days or 0)


def _dated(year: int | None, month: int, day: int, today: date) -> date:
    """Return the date; without a year the newest one of that name."""
    for candidate in [year] if year else range(today.year, today.year - 9, -1):
        try:
            found = date(candidate, month, day)
        except ValueError:
            continue
        if year or found <= today:
            return found
    raise RequestUnclear(f"There is no day {day} of month {month}.")
