"""The grammar of times: each line is one piece that people say, and what it adds to the rest."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from shared.errors import RequestUnclear
from shared.frozen import frozen
from shared.patterns import lazily
from shared.reminding.words import (
    CALENDAR,
    DAYS,
    MONTHS,
    NUMBERS,
    PARTS,
    SECONDS,
    WEEKDAYS,
    WORKDAYS,
)


@frozen
class Spoken:
    """What words say of a time, before a calendar and a zone make a moment of it."""

    seconds: float | None = None
    #: Days and months from today.
    days: int | None = None
    months: int = 0
    weekday: int | None = None
    next_week: bool = False
    date: tuple[int | None, int, int] | None = None
    part: str = ""
    time: tuple[int, int] | None = None
    #: The hour may be of either half of a clock with twelve.
    half: bool = False
    repeat: tuple[int, ...] = ()
    day_of_month: int = 0
    #: It recurs on the day that it is first for: each `week` or `month`.
    each: str = ""

    @property
    def has_day(self) -> bool:
        named = (self.days, self.weekday, self.date, self.seconds)
        return any(one is not None for one in named) or self.recurs

    @property
    def recurs(self) -> bool:
        return bool(self.repeat or self.day_of_month or self.each)


def _any(words: Iterable[str]) -> str:
    """Return a pattern for one of the words, the longest first; Latin ones whole."""
    ordered = sorted(words, key=len, reverse=True)
    return "(?:" + "|".join(rf"{one}\b" if one.isascii() else one for one in ordered) + ")"


_WEEKDAY = _any(one for one in WEEKDAYS if one.isascii())
_HAN_DAY = "[一二三四五六日天]"
_HAN_WEEKDAY = rf"(?:周|星期|礼拜)({_HAN_DAY})"
NUMBER = rf"(?:\d{{1,4}}(?:[.,]\d)?|{_any(NUMBERS)})"
UNIT = _any([*SECONDS, *CALENDAR])
_MONTH = _any(MONTHS)
_PART = _any(PARTS)
_EVERY = r"(?:every|each|jeden?|jedes|jede|alle|immer)"
_ORDINAL = r"(\d{1,2})(?:st|nd|rd|th|\.)?"
_AM = r"(a\.?m\b\.?|p\.?m\b\.?)"

Read = Callable[[Spoken, "re.Match[str]"], Spoken | None]


def _later(spoken: Spoken, found: "re.Match[str]") -> Spoken | None:
    """`in 2 hours and 30 minutes`, `in two weeks`."""
    if spoken.has_day or spoken.time:
        return None
    seconds, days, months = 0.0, 0, 0
    for number, unit in re.findall(rf"({NUMBER})\s*({UNIT})", found[0], re.I):
        much = NUMBERS.get(number.lower()) or float(number.replace(",", "."))
        if (unit := unit.lower()) in SECONDS:
            seconds += much * SECONDS[unit]
        else:
            of_days, of_months = CALENDAR[unit]
            days, months = days + int(much * of_days), months + int(much * of_months)
    if seconds and (days or months):
        return None
    if seconds:
        return replace(spoken, seconds=seconds)
    return replace(spoken, days=days, months=months)


def _each_day(spoken: Spoken, _: "re.Match[str]") -> Spoken | None:
    return None if spoken.has_day else replace(spoken, repeat=tuple(range(7)))


def _workdays(spoken: Spoken, _: "re.Match[str]") -> Spoken | None:
    return None if spoken.has_day else replace(spoken, repeat=WORKDAYS)


def _each_weekday(spoken: Spoken, found: "re.Match[str]") -> Spoken | None:
    named = re.findall(rf"{_WEEKDAY}|[一二三四五六日天]", found[1], re.I)
    days = sorted({WEEKDAYS[one.lower()] for one in named})
    return None if spoken.has_day else replace(spoken, repeat=tuple(days))


def _each_month_on(spoken: Spoken, found: "re.Match[str]") -> Spoken | None:
    day = int(next(filter(None, found.groups())))
    if spoken.has_day or not 1 <= day <= 31:
        return None
    return replace(spoken, day_of_month=day)


def _each(what: str) -> Read:
    return lambda spoken, _: None if spoken.recurs else replace(spoken, each=what)


def _too_often(_: Spoken, __: "re.Match[str]") -> Spoken | None:
    raise RequestUnclear("I remind at most once a day: say `every day at 9`, or name one time.")


def _day(spoken: Spoken, found: "re.Match[str]") -> Spoken | None:
    return None if spoken.has_day else replace(spoken, days=DAYS[found[1].lower()])


def _part_of(days: int, part: str) -> Read:
    def read(spoken: Spoken, _: "re.Match[str]") -> Spoken | None:
        return None if spoken.has_day or spoken.part else replace(spoken, days=days, part=part)

    return read


def _weekday(spoken: Spoken, found: "re.Match[str]") -> Spoken | None:
    is_open = spoken.each == "week" or spoken.next_week
    if spoken.weekday is not None or (spoken.has_day and not is_open):
        return None
    is_next = spoken.next_week or (found[1] or "").lower().startswith(("next", "nächst", "下"))
    return replace(
        spoken, weekday=WEEKDAYS[found[2].lower()], next_week=is_next, days=None, months=0
    )


def _shifted(spoken: Spoken, found: "re.Match[str]") -> Spoken | None:
    """`next week`, which a weekday may follow."""
    if spoken.has_day:
        return None
    is_month = re.search(r"mon|月", found[0], re.I)
    if is_month:
        return replace(spoken, days=0, months=1)
    return replace(spoken, days=7, next_week=True)


def _dated(*order: str) -> Read:
    """Read groups of these names as a date."""

    def read(spoken: Spoken, found: "re.Match[str]") -> Spoken | None:
        named = dict(zip(order, found.groups(), strict=True))
        month = MONTHS.get((named["month"] or "").lower().rstrip(".")) or int(named["month"])
        year = int(named["year"]) if named.get("year") else None
        return None if spoken.has_day else replace(spoken, date=(year, month, int(named["day"])))

    return read


def _slashed(spoken: Spoken, found: "re.Match[str]") -> Spoken | None:
    first, second = int(found[1]), int(found[2])
    if first <= 12 and second <= 12 and first != second:
        raise RequestUnclear(f"{found[0].strip()} may be two dates. Write it as `2027-03-04`.")
    month, day = (second, first) if first > 12 else (first, second)
    return None if spoken.has_day else replace(spoken, date=(None, month, day))


def _part(spoken: Spoken, found: "re.Match[str]") -> Spoken | None:
    if spoken.part:
        return None
    is_today = re.match(r"this|heute", found[0], re.I) and not spoken.has_day
    return replace(spoken, part=found[1].lower(), days=0 if is_today else spoken.days)


def _clock(spoken: Spoken, found: "re.Match[str]") -> Spoken | None:
    """`at 10`, `10:30`, `3 pm`, `10 Uhr 30`."""
    hour, minute = int(found["hour"]), int(found.groupdict().get("minute") or 0)
    half = (found.groupdict().get("half") or "").lower().replace(".", "")
    if spoken.time or hour > 24 or minute > 59 or (half and not 1 <= hour <= 12):
        return None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    is_open = not half and not minute and found["hour"] == str(hour) and "at" in found[0].lower()
    return replace(spoken, time=(hour % 24, minute), half=is_open)


def _half_hour(spoken: Spoken, found: "re.Match[str]") -> Spoken | None:
    """`half past 9` and `quarter to 10`; in German `halb 10` is half past nine."""
    words, hour = found[0].lower(), int(found[1])
    minutes = {"half past": 30, "quarter past": 15, "quarter to": -15, "halb": -30}
    shift = next(value for name, value in minutes.items() if name in words)
    if spoken.time or not 1 <= hour <= 24:
        return None
    hour += 12 if (found[2] or "").lower() == "p" and hour < 12 else 0
    total = (hour * 60 + shift) % 1_440
    return replace(spoken, time=(total // 60, total % 60))


def _han_clock(spoken: Spoken, found: "re.Match[str]") -> Spoken | None:
    """`10点`, `3点半`, `10点30分`; the half of the day stands before it."""
    hour = int(found[1]) if found[1].isdecimal() else int(NUMBERS.get(found[1], 99))
    minute = 30 if found[2] == "半" else int(found[3] or 0)
    if spoken.time or hour > 24 or minute > 59:
        return None
    return replace(spoken, time=(hour % 24, minute))


def _named_hour(hour: int, days: int = 0) -> Read:
    def read(spoken: Spoken, _: "re.Match[str]") -> Spoken | None:
        if spoken.time:
            return None
        return replace(spoken, time=(hour, 0), days=days if not spoken.has_day else spoken.days)

    return read


def _bare(spoken: Spoken, found: "re.Match[str]") -> Spoken | None:
    """A number alone is an hour only behind a day."""
    hour = int(found[1])
    return replace(spoken, time=(hour, 0)) if _takes_hour(spoken) and hour < 24 else None


def _takes_hour(spoken: Spoken) -> bool:
    return spoken.has_day and spoken.seconds is None and spoken.time is None


#: The pieces, in the order in which they are tried.
WORDS: tuple[tuple["re.Pattern[str]", Read], ...] = tuple(
    (lazily(pattern, re.I), read)
    for pattern, read in (
        (rf"in {NUMBER}\s*{UNIT}(?:(?:,| and| und)? {NUMBER}\s*{UNIT})?", _later),
        (rf"{NUMBER}\s*{UNIT} from now\b", _later),
        (rf"{NUMBER}\s*{UNIT}(?:{NUMBER}\s*{UNIT})?(?:之|以)?后", _later),
        (
            rf"{_EVERY} (?:(?:\d+|other|second|few) )?(?:hours?|minutes?|stunden?|minuten?)\b",
            _too_often,
        ),
        (r"(?:hourly|stündlich|每(?:个)?小时|每分钟)", _too_often),
        (rf"{_EVERY} (?:day|tag|tage)\b|daily\b|täglich|每天|每日", _each_day),
        (
            rf"(?:{_EVERY} (?:(?:week|work|working |business )day|werktag|arbeitstag)s?\b"
            r"|(?:on )?weekdays\b|werktags\b|每?个?工作日)",
            _workdays,
        ),
        (rf"{_EVERY} ((?:{_WEEKDAY})(?:(?:,| and| und|/|, and) ?(?:{_WEEKDAY}))*)", _each_weekday),
        (
            r"(?:on )?((?:mon|tues|wednes|thurs|fri|satur|sun)days(?: and (?:mon|tues|wednes|thurs"
            r"|fri|satur|sun)days)*\b|(?:mon|diens|donners|frei|sams|sonn)tags\b|mittwochs\b)",
            _each_weekday,
        ),
        (
            rf"每个?(?:周|星期|礼拜)({_HAN_DAY}(?:[、,，和]?(?:周|星期)?{_HAN_DAY})*)",
            _each_weekday,
        ),
        (
            rf"(?:{_EVERY} month|monthly) on the {_ORDINAL}"
            rf"|(?:on )?the {_ORDINAL} of (?:every|each) month\b"
            rf"|{_EVERY} {_ORDINAL}(?: des monats| of the month)?(?![:\w])"
            r"|每个?月(\d{1,2})[日号]",
            _each_month_on,
        ),
        (rf"{_EVERY} week\b|weekly\b|{_EVERY} woche\b|wöchentlich|每周|每星期", _each("week")),
        (rf"{_EVERY} month\b|monthly\b|{_EVERY} monat\b|monatlich|每个?月", _each("month")),
        (r"tonight\b|heute abend\b|今晚", _part_of(0, "evening")),
        (r"明晚", _part_of(1, "evening")),
        (r"明早", _part_of(1, "morning")),
        (rf"({_any(DAYS)})", _day),
        (
            r"next (?:week|month)\b|nächste[nr]? (?:woche|monat)\b"
            rf"|下周(?!{_HAN_DAY})|下个(?:月|星期)",
            _shifted,
        ),
        (rf"(?:on |am )?(next |this |coming |nächsten |diesen |kommenden )?({_WEEKDAY})", _weekday),
        (rf"(下|这|本)?个?{_HAN_WEEKDAY}", _weekday),
        (r"(?:on |am )?(\d{4})-(\d{1,2})-(\d{1,2})\b", _dated("year", "month", "day")),
        (r"(?:am )?(\d{1,2})\.\s?(\d{1,2})\.(?:\s?(\d{4}))?", _dated("day", "month", "year")),
        (
            rf"(?:on |am )?(?:the )?{_ORDINAL} (?:of )?({_MONTH})(?:,? (\d{{4}}))?",
            _dated("day", "month", "year"),
        ),
        (
            rf"(?:on )?({_MONTH}) {_ORDINAL}(?:,? (\d{{4}}))?(?![:\w])",
            _dated("month", "day", "year"),
        ),
        (r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})[日号]", _dated("year", "month", "day")),
        (r"(?:on )?(\d{1,2})/(\d{1,2})(?![\d/])", _slashed),
        (r"(?:at )?(?:midnight|mitternacht)\b|(?:um )mitternacht\b|午夜|零点", _named_hour(0, 1)),
        (rf"(?:in the |at |am |in der |this |heute )?({_PART})", _part),
        (
            rf"(?:at |um |by )?(?P<hour>\d{{1,2}})[:.h](?P<minute>\d\d)\s*(?P<half>{_AM})?"
            r"(?:\s*uhr\b)?(?![\w.]\d)",
            _clock,
        ),
        (rf"(?:at |um |by )?(?P<hour>\d{{1,2}})\s*(?P<half>{_AM})", _clock),
        (r"(?:um )?(?P<hour>\d{1,2})\s*(?:uhr|o'clock)\b(?: (?P<minute>[0-5]\d)\b)?", _clock),
        (r"(?:at|um) (?P<hour>\d{1,2})\b(?![:.]\d)", _clock),
        (
            r"(?:at |um )?(?:half past|quarter past|quarter to|halb) (\d{1,2})"
            r"(?:\s*([ap])\.?m\b\.?|\b)",
            _half_hour,
        ),
        (
            rf"(\d{{1,2}}|{_any(one for one in NUMBERS if not one.isascii())})[点點时](?:钟|整)?"
            r"(?:(半)|(\d{1,2})分?)?",
            _han_clock,
        ),
        (r"(\d{1,2})(?=\s*(?:$|[:,.])|\s+(?:to|that|about|an|zu|dass)\b)", _bare),
    )
)
