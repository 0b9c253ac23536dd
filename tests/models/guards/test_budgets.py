"""Budgets: no ceiling is ever passed, whoever calls at once, and a person is told which it was."""

import random
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import psycopg
import pytest

from infra.project import ROOT
from shared.database import Database, Row, Statement
from shared.errors import BudgetExceeded, ModelRejected, SettingsError
from shared.models import Payer
from shared.models.guards.budgets import BudgetReservation, Budgets, Standing
from shared.models.guards.ceilings import Ceilings
from tests.models.guards.spending_process import callers_of
from tests.models.guards.spending_process import spend as spend_all

ANN = Payer("acme", "chat", "U-ann")
BOB = Payer("acme", "triage", "U-bob")
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
MODEL = "openai:gpt-5.4"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time


class Repeating(Database):
    """A database whose connection is lost after each commit, so that all is run twice."""

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        super().run(tenant, statements)
        return super().run(tenant, statements)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def at_noon(database: Database, setting: str) -> Budgets:
    return Budgets(database, setting, now=Clock())


def standing(budgets: Budgets, scope: str, tenant: str = "acme") -> Standing:
    [found] = [row for row in budgets.spent(tenant) if row.scope == scope]
    return found


def spend(budgets: Budgets, caller: Payer, dollars: float) -> None:
    budgets.commit(budgets.reserve(caller, MODEL, dollars, 60), dollars)


def spending_processes(
    url: str, budgets: str, mode: str, count: int, threads: int
) -> list[tuple[int, str]]:
    """Run so many spending processes at once; return how each ended and what it printed."""
    command = [
        sys.executable,
        "-m",
        "tests.models.guards.spending_process",
        url,
        budgets,
        mode,
        str(threads),
    ]
    command.append(NOON.isoformat())
    started = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(count)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in started]
    return [(p.returncode, out) for p, out in zip(started, outputs, strict=True)]


def test_what_is_reserved_counts_until_what_was_spent_takes_its_place(
    database: Database, clock: Clock
) -> None:
    budgets = Budgets(database, "tenant=1", now=clock)
    first = budgets.reserve(ANN, MODEL, 0.6, 60)
    with pytest.raises(BudgetExceeded):
        budgets.reserve(BOB, MODEL, 0.6, 60)
    budgets.commit(first, 0.1)
    second = budgets.reserve(BOB, MODEL, 0.6, 60)
    assert standing(budgets, "tenant") == Standing("tenant", "acme", NOON.date(), 0.1, 0.6, 1.0)
    budgets.release(second)
    assert standing(budgets, "tenant").reserved == 0
    spend(budgets, BOB, 0.9)
    with pytest.raises(BudgetExceeded):
        budgets.reserve(ANN, MODEL, 0.000001, 60)


def test_ten_times_ten_cents_are_a_dollar(database: Database) -> None:
    budgets = at_noon(database, "tenant=1")
    for _ in range(10):
        spend(budgets, ANN, 0.1)
    assert standing(budgets, "tenant").spent == 1.0


@pytest.mark.parametrize(
    ("setting", "hers", "his", "other_flow"),
    [
        ("user=1", False, True, False),
        ("flow=1", False, True, True),
        ("flow:chat=1", False, True, True),
        ("flow=1;flow:chat=5", True, True, True),
        ("flow:chat=1;flow=5", False, True, True),
        ("tenant=1", False, False, False),
        ("tenant=5;flow=5;user=1", False, True, False),
        ("flow:triage=1", True, True, True),
    ],
)
def test_each_ceiling_binds_whom_it_names(
    database: Database, setting: str, hers: bool, his: bool, other_flow: bool
) -> None:
    budgets = at_noon(database, setting)
    spend(budgets, ANN, 1)
    callers = (ANN, BOB, Payer("acme", "review", "U-ann"))
    for caller, free in zip(callers, (hers, his, other_flow), strict=True):
        if free:
            budgets.release(budgets.reserve(caller, MODEL, 0.5, 60))
        else:
            with pytest.raises(BudgetExceeded):
                budgets.reserve(caller, MODEL, 0.5, 60)


def test_what_one_reserves_is_taken_from_nobody_else(database: Database) -> None:
    budgets = at_noon(database, "flow=1;user=1")
    for caller in (ANN, BOB):
        budgets.reserve(caller, MODEL, 0.9, 60)
    reserved = {row.name: row.reserved for row in budgets.spent("acme")}
    assert reserved == {"acme": 1.8, "chat": 0.9, "triage": 0.9, "U-ann": 0.9, "U-bob": 0.9}


def test_fifty_threads_of_several_processes_stay_under_the_ceilings(database_url: str) -> None:
    ceilings = "tenant=0.9;flow=0.5;user=0.25"
    ended = spending_processes(database_url, ceilings, "spend", 2, 25)
    assert [code for code, _ in ended] == [0, 0]
    # A thread also stops where calls of others are reserved that cost less: these spend the rest.
    late = [spend_all(database_url, ceilings, caller, NOON) for caller in callers_of(25)]
    spent = (sum(int(out) for _, out in ended) + sum(late)) / 1_000_000
    with Database(database_url) as database:
        rows = at_noon(database, "").spent("acme")
    assert rows[0].spent == pytest.approx(spent)
    assert len(rows) == 1 + 3 + 5
    assert all(row.spent <= (row.ceiling or 0) and row.reserved == 0 for row in rows)
    # They stopped because it was used up: less than a call was left.
    assert spent > 0.9 - 0.02


def test_fifty_calls_at_once_get_as_many_places_as_fit(database: Database) -> None:
    budgets = at_noon(database, "tenant=1")

    def granted(number: int) -> bool:
        try:
            budgets.reserve(Payer("acme", "chat", f"U{number}"), MODEL, 0.1, 60)
        except BudgetExceeded:
            return False
        return True

    with ThreadPoolExecutor(50) as pool:
        assert sum(pool.map(granted, range(50))) == 10


def test_a_lost_connection_counts_nothing_twice(database_url: str) -> None:
    with Repeating(database_url) as database:
        budgets = at_noon(database, "tenant=1")
        reservation = budgets.reserve(ANN, MODEL, 0.6, 60)
        assert standing(budgets, "tenant").reserved == 0.6
        budgets.commit(reservation, 0.5)
        budgets.commit(reservation, 0.5)
        budgets.release(reservation)
        assert standing(budgets, "tenant").spent == 0.5


def test_a_killed_function_holds_its_room_until_its_lease_ends(
    database_url: str, clock: Clock
) -> None:
    assert spending_processes(database_url, "tenant=0.9", "crash", 1, 1)[0][0] == 9
    with Database(database_url) as database:
        budgets = Budgets(database, "tenant=0.9", now=clock)
        assert standing(budgets, "tenant").reserved == 0.5
        with pytest.raises(BudgetExceeded):
            budgets.reserve(BOB, MODEL, 0.9, 60)
        clock.time += timedelta(seconds=60)
        assert standing(budgets, "tenant").reserved == 0
        spend(budgets, ANN, 0.9)


def test_what_is_reserved_is_the_sum_of_the_calls_under_way(
    database: Database, clock: Clock
) -> None:
    """Whatever calls do, the numbers in the rows are those of the reservations."""
    chance = random.Random(7)
    budgets = Budgets(database, "tenant=5/90000;flow=3/50000;user=2/30000", now=clock)
    payers = [
        Payer("acme", f"flow{n % 2}", f"U{n % 3}", place)
        for n in range(6)
        for place in ("", "P1", "P2")
    ]
    held: list[BudgetReservation] = []
    for _ in range(60):
        with suppress(BudgetExceeded):
            dollars = chance.choice([0.1, 0.4, None])
            held.append(budgets.reserve(chance.choice(payers), MODEL, dollars, 60, tokens=9_000))
        if held and chance.random() < 0.6:
            one = held.pop(chance.randrange(len(held)))
            budgets.release(one) if chance.random() < 0.5 else budgets.commit(one, 0.05, 7)
        clock.time += timedelta(seconds=chance.choice([0, 0, 25]))
    sums = """select d.scope, d.name, d.reserved - coalesce(sum(r.dollars), 0) as dollars,
                     d.reserved_tokens - coalesce(sum(r.tokens), 0) as tokens
              from budget_days as d
              left join budget_reservations as r on r.counted and r.day = d.day
                and budget_counts(d.scope, d.name, r.flow, r.person, r.place)
              group by d.tenant, d.day, d.scope, d.name"""
    [rows] = database.run("acme", [Statement(sums, {})])
    assert len(rows) > 6
    assert {(row["dollars"], row["tokens"]) for row in rows} == {(0, 0)}
    assert any(row.reserved for row in budgets.spent("acme"))


def test_a_reservation_of_an_older_version_gives_back_nothing_that_it_did_not_take(
    database: Database,
) -> None:
    budgets = at_noon(database, "tenant=1")
    held = budgets.reserve(ANN, MODEL, 0.4, 60)
    statement = "update budget_reservations set counted = false"
    database.run("acme", [Statement(statement, {})])
    budgets.commit(held, 0.3)
    [[row]] = database.run("acme", [Statement("select min(reserved) as n from budget_days", {})])
    assert row["n"] == Decimal("0.4")


def test_an_expired_call_makes_room_and_is_still_counted(database: Database, clock: Clock) -> None:
    budgets = Budgets(database, "tenant=1", now=clock)
    late = budgets.reserve(ANN, MODEL, 0.8, 60)
    clock.time += timedelta(seconds=59)
    with pytest.raises(BudgetExceeded):
        budgets.reserve(BOB, MODEL, 0.8, 60)
    clock.time += timedelta(seconds=1)
    budgets.commit(budgets.reserve(BOB, MODEL, 0.8, 60), 0.7)
    budgets.commit(late, 0.8)
    assert standing(budgets, "tenant").spent == 1.5


def test_a_call_that_cost_more_than_it_reserved_is_counted(database: Database) -> None:
    budgets = at_noon(database, "tenant=1")
    budgets.commit(budgets.reserve(ANN, MODEL, 0.5, 60), 1.25)
    assert standing(budgets, "tenant").spent == 1.25
    with pytest.raises(BudgetExceeded):
        budgets.reserve(ANN, MODEL, 0.01, 60)


def test_a_call_that_nobody_knows_the_end_of_costs_what_it_reserved(database: Database) -> None:
    budgets = at_noon(database, "tenant=1")
    budgets.commit(budgets.reserve(ANN, MODEL, 0.5, 60), None)
    assert standing(budgets, "tenant").spent == 0.5


def test_a_new_day_begins_at_midnight_utc(database: Database, clock: Clock) -> None:
    budgets = Budgets(database, "tenant=1", now=clock)
    # Half past one in the morning in Berlin is still the day before in UTC.
    clock.time = datetime(2026, 11, 29, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    over_midnight = budgets.reserve(ANN, MODEL, 0.4, 3_600)
    spend(budgets, ANN, 0.6)
    with pytest.raises(BudgetExceeded):
        budgets.reserve(ANN, MODEL, 0.4, 60)
    clock.time += timedelta(minutes=30)
    spend(budgets, ANN, 1)
    budgets.commit(over_midnight, 0.4)
    days = [(row.day, row.spent) for row in budgets.spent("acme", 2) if row.scope == "tenant"]
    assert days == [(date(2026, 11, 29), 1.0), (date(2026, 11, 28), 1.0)]
    assert {row.day for row in budgets.spent("acme")} == {date(2026, 11, 29)}


def test_the_person_is_told_which_ceiling_and_when_it_is_free_again(
    database: Database, clock: Clock
) -> None:
    budgets = Budgets(database, "tenant=1.5;flow=1.25;user=1", now=clock)
    clock.time += timedelta(minutes=55)
    spend(budgets, ANN, 0.77)
    with pytest.raises(BudgetExceeded) as caught:
        budgets.reserve(ANN, MODEL, 0.9, 60)
    assert caught.value.public == (
        "Your budget for the language model, $1.00 a day, has no room left for this."
        " It is free again at the latest at 00:00 UTC, in 11 h 5 min."
    )
    assert str(caught.value) == (
        "budget: user 'U-ann' has $1.00 a day, which leaves no room for up to $0.90 by"
        " openai:gpt-5.4; it is free again at the latest at 00:00 UTC, in 11 h 5 min;"
        " BUDGETS sets it"
    )
    for caller, named in (
        (Payer("acme", "chat", "U-eve"), "The budget of the flow chat"),
        (BOB, "The common budget"),
    ):
        with pytest.raises(BudgetExceeded) as caught:
            budgets.reserve(caller, MODEL, 0.9, 60)
        assert caught.value.public.startswith(named)
        # What others spent is nobody's business.
        assert not any(hers in f"{caught.value}{caught.value.public}" for hers in ("77", "U-ann"))


def test_what_no_day_has_room_for_is_said_so(database: Database) -> None:
    budgets = at_noon(database, "user=0.01")
    with pytest.raises(BudgetExceeded, match=r"may cost up to \$1.25; raise BUDGETS") as caught:
        budgets.reserve(ANN, MODEL, 1.25, 60)
    assert "$0.01 a day, is too small for this" in caught.value.public
    assert "free again" not in caught.value.public


@pytest.mark.parametrize("name", ["小王 🚀", "nul \0 and \ud83d", "x" * 100_000, "a:b=c;d'%s"])
def test_any_name_can_have_a_budget(database: Database, name: str) -> None:
    budgets = at_noon(database, "flow=1;user=1")
    for caller in (Payer("acme", name, ""), Payer("acme", "", name)):
        spend(budgets, caller, 0.9)
        with pytest.raises(BudgetExceeded) as caught:
            budgets.reserve(caller, MODEL, 0.2, 60)
        caught.value.public.encode()
    assert [row.spent for row in budgets.spent("acme")] == [1.8, 0.9, 0.9]


def test_a_flow_of_any_name_can_have_its_own_ceiling(database: Database) -> None:
    budgets = at_noon(database, "flow = 1; flow: 聊天🚀 = 2 ;")
    spend(budgets, Payer("acme", "聊天🚀"), 2)
    with pytest.raises(BudgetExceeded, match="聊天🚀"):
        budgets.reserve(Payer("acme", "聊天🚀"), MODEL, 0.1, 60)


def test_huge_amounts_are_counted_and_refused(database: Database) -> None:
    budgets = at_noon(database, "tenant=1e9")
    with pytest.raises(BudgetExceeded, match=r"\$1,000,000,000.00 a day"):
        budgets.reserve(ANN, MODEL, 1e300, 60)
    budgets.commit(budgets.reserve(ANN, MODEL, 0.000000000001, 60), 1e200)
    assert standing(budgets, "tenant").spent == 1e200


def test_tenants_share_nothing_and_see_nothing_of_each_other(database: Database) -> None:
    budgets = at_noon(database, "tenant=1;flow=1;user=1")
    spend(budgets, ANN, 1)
    spend(budgets, Payer("rival", "chat", "U-ann"), 1)
    assert budgets.spent("nobody") == []
    for caller in (ANN, Payer("rival", "chat", "U-ann")):
        at_noon(database, "tenant=2").reserve(caller, MODEL, 0.5, 60)
    for table in ("budget_days", "budget_reservations"):
        everything = Statement(f"select tenant from {table}", {})
        [rows] = database.run("acme", [everything])
        assert {row["tenant"] for row in rows} == {"acme"}
    foreign = Statement(
        "insert into budget_days (tenant, day, scope, name) values ('rival', now(), 'user', '')", {}
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.run("acme", [foreign])


def test_a_reservation_of_another_tenant_cannot_be_settled(database: Database) -> None:
    budgets = at_noon(database, "tenant=1")
    reservation = budgets.reserve(ANN, MODEL, 0.5, 60)
    stolen = reservation._replace(tenant="rival")
    budgets.commit(stolen, 0.5)
    budgets.release(stolen)
    assert standing(budgets, "tenant")[3:5] == (0.0, 0.5)


def test_a_new_ceiling_counts_what_was_spent_under_the_old_one(database: Database) -> None:
    spend(at_noon(database, "user=5"), ANN, 3)
    with pytest.raises(BudgetExceeded):
        at_noon(database, "tenant=2").reserve(ANN, MODEL, 0.5, 60)
    raised = at_noon(database, "tenant=4")
    raised.release(raised.reserve(ANN, MODEL, 0.5, 60))
    assert [row.ceiling for row in raised.spent("acme")] == [4.0, None, None]


@pytest.mark.parametrize("setting", ["", " ; ", "outsider=0;outsiders=0", "user=none"])
def test_whom_no_ceiling_names_costs_no_question_to_the_database(setting: str) -> None:
    budgets = Budgets(Database("postgresql://127.0.0.1:1/none", patience=0), setting)
    for payer in (Payer("", ""), ANN, BOB):
        for dollars in (None, 1.0):
            reservation = budgets.reserve(payer, MODEL, dollars, 60, tokens=10**9)
            budgets.commit(reservation, 1)
            budgets.release(reservation)
        assert not budgets.counts(payer)


EVE = Payer("acme", "triage", "eve", outside="github:acme/shop")
MAL = EVE._replace(user="mal")


def test_people_from_outside_have_ceilings_of_their_own_by_default(database: Database) -> None:
    budgets = at_noon(database, "")
    spend(budgets, EVE, 1.9)
    elsewhere = EVE._replace(outside="github:acme/other", flow="chat")
    for place in (EVE, elsewhere):
        with pytest.raises(BudgetExceeded) as caught:
            budgets.reserve(place, MODEL, 0.2, 60)
        assert caught.value.public.startswith(
            "Your budget for the language model, as somebody from outside, $2.00 a day, has no room"
        )
    spend(budgets, MAL, 0.2)
    # Nobody else's money is counted, and nobody else waits for their rows.
    assert {(row.scope, row.name, row.spent) for row in budgets.spent("acme")} == {
        ("outsiders", "github:acme/shop", 2.1),
        ("outsiders", "github:acme/other", 0.0),
        ("outsider", "eve", 1.9),
        ("outsider", "mal", 0.2),
    }


def test_many_people_from_outside_share_the_ceiling_of_a_place(database: Database) -> None:
    budgets = at_noon(database, "")
    for number in range(6):
        spend(budgets, EVE._replace(user=f"puppet{number}"), 1.6)
    with pytest.raises(BudgetExceeded) as caught:
        budgets.reserve(MAL, MODEL, 0.5, 60)
    assert caught.value.public.startswith(
        "The budget of people from outside for the language model here, $10.00 a day, has no room"
    )
    spend(budgets, MAL._replace(outside="github:acme/other"), 0.5)
    spend(at_noon(database, "outsiders=none"), MAL, 0.5)
    with pytest.raises(BudgetExceeded, match="outsiders 'github:acme/shop' has"):
        budgets.reserve(MAL, MODEL, 0.5, 60)


def test_without_a_known_price_people_from_outside_are_counted_in_tokens(
    database: Database,
) -> None:
    budgets = at_noon(database, "")
    first = budgets.reserve(EVE, "ollama:qwen3", None, 60, tokens=300_000)
    with pytest.raises(BudgetExceeded, match="eve' has 500,000 tokens a day, which leaves no room"):
        budgets.reserve(EVE, "ollama:qwen3", None, 60, tokens=300_000)
    budgets.commit(first, None, 1_000)
    second = budgets.reserve(EVE, "ollama:qwen3", None, 60, tokens=300_000)
    assert standing(budgets, "outsider")[6:] == (1_000, 300_000, 500_000)
    budgets.commit(second, None)
    assert standing(budgets, "outsider")[3:] == (0.0, 0.0, 2.0, 301_000, 0, 500_000)
    with pytest.raises(BudgetExceeded, match="may cost up to 900,000 tokens") as caught:
        budgets.reserve(EVE, "ollama:qwen3", None, 60, tokens=900_000)
    assert "500,000 tokens a day, is too small for this" in caught.value.public
    # Dollars and tokens are counted apart.
    spend(budgets, EVE, 1.9)
    assert standing(budgets, "outsider").tokens == 301_000


def test_what_is_settled_later_frees_its_room_before_the_next_call(database: Database) -> None:
    budgets = at_noon(database, "")
    for _ in range(3):
        held = budgets.reserve(EVE, MODEL, 1.5, 60)
        budgets.commit(held, 0.1, later=EVE)
    assert standing(budgets, "outsider")[3:5] == (0.2, 1.5)
    budgets.commit(budgets.reserve(MAL, MODEL, 1.5, 60), 0.2, later=MAL)
    assert budgets.unsent("rival") == []
    database.run("acme", budgets.unsent("acme"))
    assert budgets.unsent("acme") == []
    assert {row.name: row[3:5] for row in budgets.spent("acme")} == {
        "github:acme/shop": (0.5, 0.0),
        "eve": (0.3, 0.0),
        "mal": (0.2, 0.0),
    }


def test_an_own_ceiling_in_tokens_asks_for_no_price(database: Database) -> None:
    budgets = at_noon(database, "tenant=20/5000;user=none")
    budgets.commit(budgets.reserve(ANN, "ollama:qwen3", None, 60, tokens=4_000), None, 3_000)
    with pytest.raises(BudgetExceeded, match="5,000 tokens a day"):
        budgets.reserve(ANN, "ollama:qwen3", None, 60, tokens=4_000)
    spend(budgets, ANN, 1)
    assert standing(budgets, "tenant")[3:] == (1.0, 0.0, 20.0, 3_000, 0, 5_000)


@pytest.mark.parametrize(
    ("setting", "ceilings"),
    [
        ("", [("outsiders", 10, 2_500_000), ("outsider", 2, 500_000)]),
        ("outsider=0.5", [("outsiders", 10, 2_500_000), ("outsider", 0.5, 500_000)]),
        ("outsider=0;outsiders=none", [("outsider", 0, 0)]),
        ("outsider=1/7;outsiders=3/9", [("outsiders", 3, 9), ("outsider", 1, 7)]),
        ("outsider=none;outsiders=none", []),
        (
            "user=1/5;outsiders=none",
            [
                ("tenant", None, None),
                ("flow", None, None),
                ("user", 1, 5),
                ("outsider", 2, 500_000),
            ],
        ),
    ],
)
def test_the_setting_changes_one_default_at_a_time(
    setting: str, ceilings: list[tuple[str, float | None, int | None]]
) -> None:
    found = [(purse.scope, *purse.ceiling) for purse in Ceilings(setting).of(EVE)]
    assert found == ceilings


def test_of_many_calls_of_people_from_outside_at_once_as_many_pass_as_fit(
    database_url: str,
) -> None:
    def spent(number: int) -> float:
        with Database(database_url) as own:
            budgets, caller = at_noon(own, ""), EVE._replace(user=f"puppet{number}")
            total = 0.0
            while True:
                try:
                    held = budgets.reserve(caller, MODEL, 0.5, 60)
                except BudgetExceeded:
                    return total
                budgets.commit(held, 0.4)
                total += 0.4

    with ThreadPoolExecutor(12) as pool:
        at_once = sum(pool.map(spent, [number % 6 for number in range(12)]))
    # Who was refused while others held room may find some when they have spent less than they held.
    assert 8 < at_once <= 10
    assert 9.5 < at_once + sum(map(spent, range(6, 9))) <= 10
    with Database(database_url) as database:
        rows = at_noon(database, "").spent("acme")
    assert all(row.spent <= (row.ceiling or 0) and row.reserved == 0 for row in rows)


def test_what_costs_nothing_is_let_through_also_when_all_is_spent(database: Database) -> None:
    budgets = at_noon(database, "tenant=1")
    spend(budgets, ANN, 1)
    budgets.commit(budgets.reserve(ANN, "offline", 0, 60), 0)
    budgets.commit(budgets.reserve(Payer("", ""), "offline", 0, 60), 0)
    assert standing(budgets, "tenant").spent == 1


def test_an_unknown_price_names_the_setting(database: Database) -> None:
    with pytest.raises(SettingsError, match="MODEL_PRICES=ollama:qwen3=input/output/cached"):
        at_noon(database, "tenant=1").reserve(ANN, "ollama:qwen3", None, 60)


def test_a_call_for_nobody_is_refused(database: Database) -> None:
    with pytest.raises(ModelRejected, match="names no tenant"):
        at_noon(database, "tenant=1").reserve(Payer("", "chat"), MODEL, 0.1, 60)


@pytest.mark.parametrize(
    "part",
    [
        "tenant",
        "tenant=",
        "=5",
        "tenant=much",
        "tenant=-1",
        "tenant=nan",
        "tenant=inf",
        "tenant=1e10",
        "tenant=$5",
        "team=5",
        "flow:=5",
        "tenant:acme=5",
        "user:U1=5",
        "tenant=5,flow=2",
        "outsider:U1=5",
        "outsider=5/",
        "outsider=5/-1",
        "outsider=5/1.5",
        "outsider=/5",
        "outsider=5/1e9",
        "outsider=5/9999999999999999",
        "insider=5",
    ],
)
def test_a_malformed_budget_is_named(part: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Budgets(Database(""), f"flow=5;{part};flow:chat=3")
    assert repr(part) in str(caught.value)
    assert "tenant=20;flow=5;flow:chat=2;user=1" in str(caught.value)


def test_a_ceiling_stands_once() -> None:
    with pytest.raises(SettingsError, match="names 'flow:chat' twice"):
        Budgets(Database(""), "flow:chat=1;flow: chat=2")


def test_old_days_of_all_tenants_expire(
    database: Database, operator: Database, clock: Clock
) -> None:
    clock.time = datetime.now(UTC) - timedelta(days=3)
    budgets = Budgets(database, "tenant=1", now=clock)
    for tenant in ("acme", "rival"):
        spend(budgets, Payer(tenant, "chat"), 0.5)
    budgets.reserve(ANN, MODEL, 0.1, 60)
    batch = budgets.reserve(ANN, MODEL, 0.1, 10 * 86_400)
    clock.time = datetime.now(UTC)
    spend(budgets, ANN, 0.5)
    expire = Statement("select expire_budgets(make_interval(days => 2)) as days", {})
    [[row]] = operator.run("nobody", [expire])
    assert row["days"] == 2 * 2 + 1  # two tenants with their flow, and Ann
    assert {row.day for row in budgets.spent("acme", 9)} == {clock.time.date()}
    left = Statement("select id from budget_reservations", {})
    assert database.run("acme", [left]) == [[{"id": batch.id}]]
