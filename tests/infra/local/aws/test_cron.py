"""Schedules are due at the times of their expressions."""

from datetime import UTC, datetime, timedelta

import pytest

from infra.local.aws.cron import parse
from infra.local.aws.errors import TemplateError

NOW = datetime(2026, 2, 27, 12, 0, 30, tzinfo=UTC)  # a Friday


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 8 * * ? *)", "2026-02-28 08:00"),
        ("cron(15 12 * * ? *)", "2026-02-27 12:15"),
        ("cron(0/20 * * * ? *)", "2026-02-27 12:20"),
        ("cron(*/7 13-14 * * ? *)", "2026-02-27 13:00"),
        ("cron(0 9 ? * MON-FRI *)", "2026-03-02 09:00"),
        ("cron(0 9 ? * 1 *)", "2026-03-01 09:00"),
        ("cron(0 0 1,15 * ? *)", "2026-03-01 00:00"),
        ("cron(30 23 L * ? *)", "2026-02-28 23:30"),
        ("cron(0 9 ? * TUE#2 *)", "2026-03-10 09:00"),
        ("cron(0 9 ? * FRIL *)", "2026-03-27 09:00"),
        ("cron(0 0 29 2 ? *)", "2028-02-29 00:00"),
        ("cron(0 0 1 JAN ? 2030)", "2030-01-01 00:00"),
        ("at(2026-03-01T10:00:00)", "2026-03-01 10:00"),
    ],
)
def test_an_expression_is_due_at_its_next_time(expression: str, expected: str) -> None:
    due = parse(expression)(NOW)
    assert due is not None
    assert due.strftime("%Y-%m-%d %H:%M") == expected


def test_a_rate_counts_from_the_last_time() -> None:
    assert parse("rate(5 minutes)")(NOW) == NOW + timedelta(minutes=5)
    assert parse("rate(1 day)")(NOW) == NOW + timedelta(days=1)


def test_a_time_zone_moves_with_the_clock() -> None:
    daily = parse("cron(0 8 * * ? *)", "Europe/Berlin")
    winter = daily(datetime(2026, 3, 27, 12, tzinfo=UTC))
    summer = daily(datetime(2026, 3, 29, 12, tzinfo=UTC))
    assert winter == datetime(2026, 3, 28, 7, tzinfo=UTC)
    assert summer == datetime(2026, 3, 30, 6, tzinfo=UTC)


def test_what_is_over_is_never_due_again() -> None:
    assert parse("at(2020-01-01T00:00:00)")(NOW) is None
    assert parse("cron(0 0 1 1 ? 2020)")(NOW) is None


@pytest.mark.parametrize(
    "expression",
    ["hourly", "cron(0 8 * * *)", "cron(61 8 * * ? *)", "cron(0 8 * * * *)", "cron(0 8 ? * XYZ *)"],
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(TemplateError, match=expression.replace("(", r"\(")[:9]):
        parse(expression)
