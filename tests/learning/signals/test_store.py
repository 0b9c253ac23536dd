"""A signal is kept once, for the run that caused it, whatever comes twice, late or in another
order; and nobody counts for more than their share."""

import random
from collections.abc import Sequence

import psycopg
import pytest

from shared.database import Database, Statement
from shared.journal import Journal, Run
from shared.learning.signals.store import KINDS, MOST_A_WEEK, VALUES, Caused, Signal, kept
from tests.events.made import an_event

TENANT = "github:acme"
DAY = 86_400.0
NOON = 1_790_000_000.0
COUNTS = "select kind, value, actor, weight, cause from signals where weight > 0 order by at, actor"


@pytest.fixture
def run(database: Database) -> Run:
    run = Journal(database).claim(an_event(id="github:told"), "review", 60)
    assert run
    return run


def opinion(run: Run, kind: str, at: float, actor: str = "7", value: float | None = None) -> Signal:
    assert kind in {"liked", "disliked"}
    effect = "e-1"
    return Signal((kind, effect, actor), Caused(effect), kind, at, actor, value=value)  # type: ignore[arg-type]


def keep(database: Database, run: Run, *signals: Signal) -> None:
    database.run(TENANT, kept(run, signals))


def effect_of(database: Database, run: Run) -> None:
    sql = """insert into effects
      (tenant, key, run_id, flow, tool, target, slot, arguments, state)
      values (%(tenant)s, 'e-1', %(run)s, 'review', 'Comment', 'acme/shop#7', '', '{}', 'committed')
    """
    database.run(TENANT, [Statement(sql, {"tenant": TENANT, "run": run.id})])


def counted(database: Database) -> list[tuple[object, ...]]:
    [rows] = database.run(TENANT, [Statement(COUNTS, {})])
    return [tuple(row.values()) for row in rows]


def test_a_signal_is_of_the_run_whose_effect_it_is_about(database: Database, run: Run) -> None:
    effect_of(database, run)
    keep(database, run, opinion(run, "liked", NOON))
    [rows] = database.run(TENANT, [Statement("select run_id, flow, effect from signals", {})])
    assert [tuple(row.values()) for row in rows] == [(run.id, "review", "e-1")]


def test_the_answer_of_a_thread_is_found_by_its_index(
    database: Database, database_url: str, run: Run
) -> None:
    """Each message in a thread asks for it, and a tenant has a million effects."""
    many = """insert into effects
      (tenant, key, run_id, flow, tool, target, slot, arguments, state, settled_at)
      select %(tenant)s, 'e-' || n, %(run)s, 'chat', 'Reply', 'slack:T1:C1:' || n, '', '{}',
        'committed', now() from generate_series(1, 20000) as n"""
    database.run(TENANT, [Statement(many, {"tenant": TENANT, "run": run.id})])
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("analyze effects")
    said = Signal(("after", "m"), Caused(thread="slack:T1:C1:7"), "corrected", 4e9, "7")
    keeping = kept(run, [said])[0]
    [rows] = database.run(TENANT, [keeping._replace(sql=f"explain (analyze) {keeping.sql}")])
    plan = "\n".join(row["QUERY PLAN"] for row in rows)
    by_index = plan.partition("on effects e ")[2].partition("Index Cond:")[2].partition("\n")[0]
    assert "target" in by_index, plan
    [found] = database.run(TENANT, [Statement("select effect from signals", {})])[0]
    assert found == {"effect": "e-7"}


@pytest.mark.parametrize("seed", range(6))
def test_whatever_comes_20_times_and_in_any_order_counts_as_said_last(
    database: Database, run: Run, seed: int
) -> None:
    effect_of(database, run)
    said = [
        opinion(run, "liked", NOON),
        opinion(run, "disliked", NOON + 10)._replace(cause="wrong", words="No."),
        opinion(run, "liked", NOON + 20, value=0.0),
        opinion(run, "liked", NOON + 30, actor="8"),
        opinion(run, "liked", NOON + 40, actor="8", value=0.0),
    ]
    delivered = said * 20
    random.Random(seed).shuffle(delivered)
    keep(database, run, *delivered)
    assert counted(database) == [("disliked", -1.0, "7", 1.0, "wrong")]


def test_what_is_about_a_run_that_expired_is_dropped(database: Database, run: Run) -> None:
    effect_of(database, run)
    keep(database, run, opinion(run, "liked", NOON))
    gone = Statement("delete from events where tenant = %(tenant)s", {"tenant": TENANT})
    database.run(TENANT, [gone])
    keep(database, run, opinion(run, "disliked", NOON + 1))
    assert counted(database) == []


def about_run(run: Run, number: int, actor: str, at: float) -> Signal:
    thing, caused = ("finding", f"f-{number}"), Caused(run=run.id)
    return Signal(thing, caused, "dismissed", at, actor, "acme/shop")


def total(database: Database, actors: Sequence[str]) -> float:
    sum_ = "select coalesce(sum(weight), 0) as all from signals where actor = any (%(actors)s)"
    return float(database.run(TENANT, [Statement(sum_, {"actors": [*actors]})])[0][0]["all"])


def test_one_person_counts_for_no_more_than_so_much_a_week(database: Database, run: Run) -> None:
    keep(database, run, *(about_run(run, n, "7", NOON + n) for n in range(100)))
    keep(database, run, *(about_run(run, 1_000 + n, "8", NOON + n) for n in range(5)))
    assert total(database, ["7"]) == MOST_A_WEEK and total(database, ["8"]) == 5
    keep(database, run, about_run(run, 2_000, "7", NOON + 8 * DAY))
    assert total(database, ["7"]) == MOST_A_WEEK + 1


def test_what_nobody_in_particular_did_counts_half(database: Database, run: Run) -> None:
    keep(database, run, Signal(("quiet",), Caused(run=run.id), "quiet", NOON))
    assert counted(database) == [("quiet", 0.25, None, 0.5, "")]


def test_another_tenant_has_none_of_them(database: Database, run: Run) -> None:
    keep(database, run, about_run(run, 1, "7", NOON))
    assert database.run("github:other", [Statement(COUNTS, {})])[0] == []


def test_each_kind_has_a_value_and_a_place_in_the_table(database: Database, run: Run) -> None:
    assert set(VALUES) == set(KINDS)
    for kind in KINDS:
        keep(database, run, Signal((kind,), Caused(run=run.id), kind, NOON, "9"))
    [[row]] = database.run(TENANT, [Statement("select count(*) as n from signals", {})])
    assert row["n"] == len(KINDS)


def test_a_word_that_was_kept_before_there_were_signals_is_replaced(
    database: Database, run: Run
) -> None:
    """Its key is another, so that a thumb that is taken back would count for ever."""
    effect_of(database, run)
    copied = """insert into signals
      (tenant, key, run_id, effect, flow, kind, value, actor, weight, at)
      select %(tenant)s, 'feedback e-1 ' || actor, %(run)s, 'e-1', 'chat', 'liked', 1, actor, 1,
        to_timestamp(%(at)s) from unnest('{7,8}'::text[]) as actor"""
    values = {"tenant": TENANT, "run": run.id, "at": NOON}
    database.run(TENANT, [Statement(copied, values)])
    keep(database, run, opinion(run, "liked", NOON - 60, value=0.0))
    assert {row[2] for row in counted(database)} == {"7", "8"}
    keep(database, run, *[opinion(run, "liked", NOON + 60, value=0.0)] * 20)
    assert [row[2] for row in counted(database)] == ["8"]
