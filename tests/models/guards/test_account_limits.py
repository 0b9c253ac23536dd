"""Limits that many functions share, in a real Postgres."""

import threading
from collections.abc import Sequence

import pytest

from shared.database import Database, Row, Statement
from shared.errors import ModelUnavailable, SettingsError
from shared.models.deadline import Deadline
from shared.models.guards.account_limits import AccountLimit, Buckets, limits_of

MODEL = "openai:gpt-5.4-mini"


def _reserved(buckets: Buckets, tokens: int = 0, usd: float = 0.0, *, left: float = 600) -> float:
    return buckets.reserve(MODEL, tokens, usd, Deadline(left)).wait


def _clock(database: Database) -> float:
    """Return when the last reservation was made, by the server's clock."""
    sql = "select extract(epoch from drained_at)::float8 as at from model_buckets"
    return float(database.run("", [Statement(sql, {})])[0][0]["at"])


def _pass(database: Database, seconds: float) -> None:
    """Let time pass for the buckets and what is reserved in them."""
    past = "make_interval(secs => %(seconds)s)"
    statements = [
        f"update model_buckets set drained_at = drained_at - {past}",
        f"update model_reservations set expires_at = expires_at - {past}",
    ]
    database.run("", [Statement(statement, {"seconds": seconds}) for statement in statements])


def test_the_setting_is_read() -> None:
    text = " openai:gpt-5.4-mini=rpm:500,tpm:200000; bedrock:*=rpm:60 , usd_per_day:2.5;"
    assert limits_of(text) == (
        AccountLimit("openai:gpt-5.4-mini", rpm=500, tpm=200_000),
        AccountLimit("bedrock:*", rpm=60, usd_per_day=2.5),
    )
    assert limits_of("") == ()
    assert limits_of("http://h/v1?a=b#m=rpm:1") == (AccountLimit("http://h/v1?a=b#m", rpm=1),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("openai:x", "'openai:x'"),
        ("=rpm:5", "'=rpm:5'"),
        ("openai:x=", "''"),
        ("openai:x=rps:5", "'rps:5'"),
        ("openai:x=rpm:5,rpm:6", "'rpm:6'"),
        ("openai:x=rpm:0", "rpm:0"),
        ("openai:x=rpm:-5", "rpm:-5"),
        ("openai:x=rpm:many", "rpm:many"),
        ("openai:x=tpm:1e999", "tpm:1e999"),
        ("openai:x=usd_per_day:nan", "usd_per_day:nan"),
        ("a=rpm:1;a=tpm:1", "'a' twice"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match="MODEL_LIMITS") as caught:
        limits_of(text)
    assert said in str(caught.value)


def test_a_model_without_a_limit_costs_no_round_trip() -> None:
    nowhere = Database("postgresql://127.0.0.1:1/none", patience=0)
    buckets = Buckets(nowhere, limits_of("bedrock:*=rpm:1"))
    assert buckets.reserve(MODEL, 10, None, Deadline(1)) == ("", 0.0)


def test_a_sixth_of_a_minute_may_come_at_once_and_the_rest_evenly(database: Database) -> None:
    buckets = Buckets(database, [AccountLimit("openai:*", rpm=60)])
    waits = [_reserved(buckets) for _ in range(14)]
    assert waits[:10] == [0] * 10
    assert waits[10:] == pytest.approx([1.2, 2.4, 3.6, 4.8], abs=0.5)
    _pass(database, 60)
    assert _reserved(buckets) == 0


def test_no_minute_holds_more_than_the_limit(database: Database) -> None:
    buckets = Buckets(database, [AccountLimit("*", rpm=60)])
    began = [_reserved(buckets) + _clock(database) for _ in range(120)]
    assert max(sum(at <= other < at + 59.999 for other in began) for at in began) <= 60


def test_tokens_are_counted_and_what_was_not_used_is_given_back(database: Database) -> None:
    buckets = Buckets(database, [AccountLimit("*", tpm=6000)])
    first = buckets.reserve(MODEL, 1000, None, Deadline(60))
    assert first.wait == 0
    second = buckets.reserve(MODEL, 500, None, Deadline(60))
    assert second.wait == pytest.approx(6, abs=0.5)
    buckets.settle(first, 100, None)
    buckets.settle(second, 0, None)
    assert _reserved(buckets, 800) == 0


def test_a_call_larger_than_what_may_come_at_once_goes_alone(database: Database) -> None:
    buckets = Buckets(database, [AccountLimit("*", tpm=6000)])
    assert _reserved(buckets, 5000) == 0
    assert _reserved(buckets, 10) > 40


def test_a_turn_after_the_deadline_is_not_taken(database: Database) -> None:
    buckets = Buckets(database, [AccountLimit("openai:*", rpm=6)])
    assert _reserved(buckets) == 0
    for _ in range(5):
        with pytest.raises(ModelUnavailable, match=r"MODEL_LIMITS openai:\* rpm") as caught:
            _reserved(buckets, left=3)
        assert caught.value.retry_after == pytest.approx(12, abs=1)
        assert not caught.value.overloaded
    assert _reserved(buckets) == pytest.approx(12, abs=1)


def test_dollars_are_a_ceiling_for_what_is_reserved_and_what_was_spent(database: Database) -> None:
    buckets = Buckets(database, [AccountLimit("*", usd_per_day=1.0)])
    first = buckets.reserve(MODEL, 0, 0.6, Deadline(60))
    with pytest.raises(ModelUnavailable, match="usd_per_day"):
        _reserved(buckets, usd=0.6)
    buckets.settle(first, 0, 0.3)
    assert _reserved(buckets, usd=0.6) == 0
    with pytest.raises(ModelUnavailable, match="usd_per_day"):
        _reserved(buckets, usd=0.2)
    database.run("", [Statement("update model_buckets set day = day - 1", {})])
    assert _reserved(buckets, usd=0.4) == 0


def test_all_buckets_that_fit_are_reserved_or_none(database: Database) -> None:
    limits = [AccountLimit("openai:*", rpm=600), AccountLimit(MODEL, usd_per_day=1)]
    buckets = Buckets(database, limits)
    for _ in range(3):
        with pytest.raises(ModelUnavailable, match=MODEL):
            _reserved(buckets, usd=2)
    [[row]] = database.run("", [Statement("select sum(requests) as n from model_buckets", {})])
    assert row["n"] == 0


def test_what_a_function_that_died_had_reserved_is_spent_on_that_day(database: Database) -> None:
    buckets = Buckets(database, [AccountLimit("*", usd_per_day=1.0), AccountLimit("a", rpm=60)])
    buckets.reserve(MODEL, 0, 0.7, Deadline(30))
    for seconds in (80, 20, 0):
        _pass(database, seconds)
        with pytest.raises(ModelUnavailable):
            _reserved(buckets, usd=0.4)
    assert _reserved(buckets, usd=0.3) == 0
    [[row]] = database.run("", [Statement("select spent from model_buckets", {})])
    assert row["spent"] == pytest.approx(0.7)
    database.run("", [Statement("update model_buckets set day = day - 1", {})])
    assert _reserved(buckets, usd=0.7) == 0


def test_what_expired_on_another_day_is_not_spent_today(database: Database) -> None:
    buckets = Buckets(database, [AccountLimit("*", usd_per_day=1.0)])
    buckets.reserve(MODEL, 0, 1.0, Deadline(30))
    _pass(database, 2 * 86_400)
    assert _reserved(buckets, usd=1.0) == 0


class Twice(Database):
    """A database that loses its first answer to everything: each transaction is repeated."""

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        super().run(tenant, statements)
        return super().run(tenant, statements)


def test_a_lost_answer_changes_nothing(database_url: str) -> None:
    with Twice(database_url, patience=5) as database:
        buckets = Buckets(database, [AccountLimit("*", rpm=60, tpm=6000, usd_per_day=1.0)])
        for _ in range(5):
            buckets.settle(buckets.reserve(MODEL, 150, 0.2, Deadline(60)), 100, 0.1)
        buckets.flush()
        rows = "select requests, tokens, spent from model_buckets"
        [[row]] = database.run("", [Statement(rows, {})])
    assert row["requests"] == pytest.approx(5, abs=1)
    assert row["tokens"] == pytest.approx(500, abs=150)
    assert row["spent"] == pytest.approx(0.5)


def test_a_settlement_survives_a_database_that_is_away(database_url: str) -> None:
    class Away(Database):
        away = False

        def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
            if self.away:
                raise ConnectionError
            return super().run(tenant, statements)

    with Away(database_url, patience=5) as database:
        buckets = Buckets(database, [AccountLimit("*", usd_per_day=1.0)])
        buckets.settle(buckets.reserve(MODEL, 0, 1.0, Deadline(60)), 0, 0.1)
        database.away = True
        with pytest.raises(ConnectionError):
            buckets.flush()
        database.away = False
        assert _reserved(buckets, usd=0.9) == 0


def test_the_ceiling_holds_for_many_at_once(database_url: str) -> None:
    """Fifty callers on ten connections want a fifth of a dollar each; five may have it."""
    granted, errors = [], []

    def call(buckets: Buckets) -> None:
        try:
            granted.append(buckets.reserve(MODEL, 10, 0.2, Deadline(60)))
        except ModelUnavailable as err:
            errors.append(err)

    databases = [Database(database_url, patience=30) for _ in range(10)]
    limits = [
        AccountLimit("*", usd_per_day=1.0),
        AccountLimit("openai:*", rpm=6000),
        AccountLimit(MODEL, tpm=60000),
    ]
    shuffled = [Buckets(one, limits[i % 3 :] + limits[: i % 3]) for i, one in enumerate(databases)]
    threads = [threading.Thread(target=call, args=[shuffled[n % 10]]) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for database in databases:
        database.close()
    assert (len(granted), len(errors)) == (5, 45)
