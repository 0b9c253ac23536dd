"""Times in words: each is the moment that a person means, in their zone, or a question back."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from shared.errors import RequestUnclear
from shared.reminding.moments import find_time
from shared.reminding.resolving import when
from shared.reminding.rules import Recurrence, zone_of
from shared.reminding.wishes import wish

BERLIN = ZoneInfo("Europe/Berlin")
#: A Monday.
NOW = datetime(2026, 11, 30, 10, 30, tzinfo=BERLIN).timestamp()

ONCE = {
    "on Monday at 11": "2026-11-30 11:00",
    "on Monday at 10": "2026-12-07 10:00",
    "next Monday at 10": "2026-12-07 10:00",
    "Tuesday 9am": "2026-12-01 09:00",
    "next week on Tuesday": "2026-12-08 09:00",
    "in 2 hours": "2026-11-30 12:30",
    "in 2 hours and 30 minutes": "2026-11-30 13:00",
    "in half an hour": "2026-11-30 11:00",
    "in 3 days": "2026-12-03 09:00",
    "in two weeks at 14:00": "2026-12-14 14:00",
    "in 3 months": "2027-02-28 09:00",
    "tomorrow morning": "2026-12-01 09:00",
    "tomorrow afternoon at 3": "2026-12-01 15:00",
    "tomorrow evening at 8": "2026-12-01 20:00",
    "tonight": "2026-11-30 18:00",
    "at 9": "2026-12-01 09:00",
    "at 3": "2026-11-30 15:00",
    "at 3am": "2026-12-01 03:00",
    "at 03:00": "2026-12-01 03:00",
    "at noon": "2026-11-30 12:00",
    "at midnight": "2026-12-01 00:00",
    "half past 4pm": "2026-11-30 16:30",
    "at half past 11": "2026-11-30 11:30",
    "quarter to 12": "2026-11-30 11:45",
    "on December 24th at 6pm": "2026-12-24 18:00",
    "on 24 December": "2026-12-24 09:00",
    "on 1 November": "2027-11-01 09:00",
    "on 29 February": "2028-02-29 09:00",
    "on 2027-03-04 at 10": "2027-03-04 10:00",
    "25/12 at 9": "2026-12-25 09:00",
    "3/4 at 9": None,
    "am Montag um 10": "2026-12-07 10:00",
    "am Montag um 11 Uhr 30": "2026-11-30 11:30",
    "morgen früh": "2026-12-01 09:00",
    "übermorgen um 7:15": "2026-12-02 07:15",
    "heute Abend um 8": "2026-11-30 20:00",
    "in einer halben Stunde": "2026-11-30 11:00",
    "nächste Woche": "2026-12-07 09:00",
    "am 24.12. um 18 Uhr": "2026-12-24 18:00",
    "am 24. Dezember 2027": "2027-12-24 09:00",
    "halb 12": "2026-11-30 11:30",
    "明天上午10点": "2026-12-01 10:00",
    "明天下午3点半": "2026-12-01 15:30",
    "后天晚上8点": "2026-12-02 20:00",
    "下周一10点": "2026-12-07 10:00",
    "2小时后": "2026-11-30 12:30",
    "半小时后": "2026-11-30 11:00",
    "三天后": "2026-12-03 09:00",
    "12月24日下午6点": "2026-12-24 18:00",
    "today at 9": None,
    "today": None,
    "on 2025-01-01 at 9": None,
    "on 31.02.": None,
    "at 25:00": None,
    "at 10:75": None,
    "in 9999 years": None,
    "every hour": None,
    "jede Stunde": None,
    "soon": None,
    "": None,
}


@pytest.mark.parametrize("words", ONCE)
def test_a_time_is_the_moment_that_is_meant(words: str) -> None:
    try:
        found = when(find_time(words).spoken, NOW, BERLIN)
        said = f"{datetime.fromtimestamp(found.at, BERLIN):%Y-%m-%d %H:%M}"
        assert found.rule is None
    except RequestUnclear:
        said = ""
    assert said == (ONCE[words] or "")


RULES = {
    "every weekday at 9": ("0,1,2,3,4 0 9:00", "2026-12-01 09:00"),
    "weekdays at 11": ("0,1,2,3,4 0 11:00", "2026-11-30 11:00"),
    "every day at 8:15": ("0,1,2,3,4,5,6 0 8:15", "2026-12-01 08:15"),
    "daily": ("0,1,2,3,4,5,6 0 9:00", "2026-12-01 09:00"),
    "every Monday and Thursday at 14:30": ("0,3 0 14:30", "2026-11-30 14:30"),
    "on Fridays at 16": ("4 0 16:00", "2026-12-04 16:00"),
    "every week on Thursday at 16:00": ("3 0 16:00", "2026-12-03 16:00"),
    "weekly at 9": ("0 0 9:00", "2026-12-07 09:00"),
    "every month on the 31st at 9": ("- 31 9:00", "2026-12-31 09:00"),
    "monthly at 9": ("- 30 9:00", "2026-12-30 09:00"),
    "jeden Montag um 10": ("0 0 10:00", "2026-12-07 10:00"),
    "jeden Werktag um 9": ("0,1,2,3,4 0 9:00", "2026-12-01 09:00"),
    "täglich um 18 Uhr": ("0,1,2,3,4,5,6 0 18:00", "2026-11-30 18:00"),
    "每天上午9点": ("0,1,2,3,4,5,6 0 9:00", "2026-12-01 09:00"),
    "每个工作日9点": ("0,1,2,3,4 0 9:00", "2026-12-01 09:00"),
    "每周一和周四10点": ("0,3 0 10:00", "2026-12-03 10:00"),
    "每月1号9点": ("- 1 9:00", "2026-12-01 09:00"),
}


@pytest.mark.parametrize("words", RULES)
def test_what_recurs_has_a_rule(words: str) -> None:
    found = when(find_time(words).spoken, NOW, BERLIN)
    first = f"{datetime.fromtimestamp(found.at, BERLIN):%Y-%m-%d %H:%M}"
    assert found.rule is not None
    assert (found.rule.text, first) == RULES[words]
    assert Recurrence.of(found.rule.text) == found.rule


def test_what_is_past_comes_tomorrow_and_says_so() -> None:
    assert when(find_time("at 9").spoken, NOW, BERLIN).note == "It is past 9:00, so tomorrow."
    assert when(find_time("at 11").spoken, NOW, BERLIN).note == ""


@pytest.mark.parametrize(
    ("words", "local", "note"),
    [
        ("on 2027-03-28 at 2:30", "2027-03-28 03:30", True),  # the clocks skip it
        ("on 2027-10-31 at 2:30", "2027-10-31 02:30", False),  # it comes twice: the first
    ],
)
def test_gaps_and_folds(words: str, local: str, note: bool) -> None:
    found = when(find_time(words).spoken, NOW, BERLIN)
    at = datetime.fromtimestamp(found.at, BERLIN)
    assert f"{at:%Y-%m-%d %H:%M}" == local
    assert at.fold == 0
    assert bool(found.note) == note


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"])
def test_a_rule_comes_once_a_day_at_its_hour_across_all_changes_of_clocks(zone: str) -> None:
    there, at, seen = ZoneInfo(zone), NOW, []
    rule = Recurrence(tuple(range(7)), 0, 2, 30)
    for _ in range(400):
        at = rule.following(at, there)
        seen.append(datetime.fromtimestamp(at, there))
    days = [one.date() for one in seen]
    assert len(set(days)) == len(days) == (days[-1] - days[0]).days + 1
    assert all(one.minute in (0, 30) and one.hour in (2, 3) for one in seen)
    assert sum(one.hour == 3 for one in seen) <= 2


def test_a_month_without_the_day_has_its_last() -> None:
    at, days = NOW, []
    for _ in range(4):
        at = Recurrence((), 31, 9, 0).following(at, BERLIN)
        days.append(f"{datetime.fromtimestamp(at, BERLIN):%m-%d}")
    assert days == ["12-31", "01-31", "02-28", "03-31"]


@pytest.mark.parametrize("name", ["Nowhere/Else", "", "../etc/passwd", "\0"])
def test_a_zone_that_nobody_knows_is_its_offset(name: str) -> None:
    assert zone_of(name, 3_600).utcoffset(None) is not None
    assert zone_of(name, 10**9).utcoffset(None) is not None


WISHES = {
    "me on Monday at 10 to check the deploy": ("me", "", "check the deploy"),
    "me to call Bob on Monday at 10 about the budget": ("me", "", "call Bob about the budget"),
    "me tomorrow at 9 to buy 3 apples": ("me", "", "buy 3 apples"),
    "me in 5 minutes 3 eggs": ("me", "", "3 eggs"),
    "me that the cat sat tomorrow": ("me", "", "the cat sat"),
    "me about this tomorrow": ("me", "", ""),
    "me tomorrow": ("me", "", ""),
    "<@U0BOB> tomorrow at 9: call": ("person", "U0BOB", "call"),
    "<@U0BOB|bob> in 2 hours": ("person", "U0BOB", ""),
    "<#C0GENERAL|general> every weekday at 9 standup": ("channel", "C0GENERAL", "standup"),
    "us at 9 to eat": ("here", "", "eat"),
    "mich am Montag um 10 an den Bericht": ("me", "", "an den Bericht"),
    "mich morgen um 9 daran, dass wir liefern": ("me", "", "wir liefern"),
    "明天上午10点提醒我开会": ("me", "", "开会"),
    "提醒我明天上午10点开会": ("me", "", "开会"),
    "@bob tomorrow": None,
    "messy people tomorrow": None,
    "me": None,
    "me what we decided": None,
    "": None,
}


@pytest.mark.parametrize("words", WISHES)
def test_whom_and_of_what(words: str) -> None:
    try:
        read = wish(words)
        assert (read.where, read.to, read.text) == WISHES[words]
    except RequestUnclear:
        assert WISHES[words] is None
