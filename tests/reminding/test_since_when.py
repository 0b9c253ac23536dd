"""Since when: words of the past, in a person's zone, mean the newest such moment that is over."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from shared.errors import RequestUnclear
from shared.reminding.past import moment_since

BERLIN = ZoneInfo("Europe/Berlin")
#: A Wednesday.
NOW = datetime(2026, 11, 25, 14, 30, tzinfo=BERLIN).timestamp()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("since Monday", "Mon 2026-11-23 00:00"),
        ("since last Monday", "Mon 2026-11-23 00:00"),
        ("letzten Freitag", "Fri 2026-11-20 00:00"),
        ("since Wednesday", "Wed 2026-11-25 00:00"),
        ("since Wednesday at 18", "Wed 2026-11-18 18:00"),
        ("seit gestern", "Tue 2026-11-24 00:00"),
        ("gestern abend", "Tue 2026-11-24 18:00"),
        ("since last night", "Tue 2026-11-24 20:00"),
        ("since this morning", "Wed 2026-11-25 09:00"),
        ("since 9", "Wed 2026-11-25 09:00"),
        ("since 3", "Tue 2026-11-24 15:00"),
        ("since 15:00", "Tue 2026-11-24 15:00"),
        ("yesterday 10am", "Tue 2026-11-24 10:00"),
        ("last 3 days", "Sun 2026-11-22 00:00"),
        ("the last 2 hours", "Wed 2026-11-25 12:30"),
        ("last 24h", "Tue 2026-11-24 14:30"),
        ("vor 3 Tagen", "Sun 2026-11-22 00:00"),
        ("den letzten drei Tagen", "Sun 2026-11-22 00:00"),
        ("past month", "Sun 2026-10-25 00:00"),
        ("this week", "Mon 2026-11-23 00:00"),
        ("since 2026-11-20", "Fri 2026-11-20 00:00"),
        ("since 20 November", "Fri 2026-11-20 00:00"),
        ("seit dem 20.11.", "Fri 2026-11-20 00:00"),
        ("since Dec 24", "Wed 2025-12-24 00:00"),
        ("from Friday on", "Fri 2026-11-20 00:00"),
        ("昨天", "Tue 2026-11-24 00:00"),
        ("最近3天", "Sun 2026-11-22 00:00"),
        ("从周一", "Mon 2026-11-23 00:00"),
        ("上周一", "Mon 2026-11-23 00:00"),
        ("自从昨天上午10点", "Tue 2026-11-24 10:00"),
        ("两小时前", "Wed 2026-11-25 12:30"),
    ],
)
def test_words_mean_a_moment_that_is_over(words: str, expected: str) -> None:
    at = datetime.fromtimestamp(moment_since(words, NOW, BERLIN), BERLIN)
    assert f"{at:%a %Y-%m-%d %H:%M}" == expected


@pytest.mark.parametrize(
    "words",
    [
        "",
        "since",
        "lunch",
        "tomorrow",
        "every day",
        "since 31 Feb",
        "Monday and Tuesday",
        "2030-01-01",
    ],
)
def test_what_names_none_is_told(words: str) -> None:
    with pytest.raises(RequestUnclear):
        moment_since(words, NOW, BERLIN)
