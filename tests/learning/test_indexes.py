"""What each run and each night asks of signals and rules is found by an index, in a table of many
rows."""

import pytest

from shared.database import Database, Statement
from shared.journal import Journal
from tests.events.made import an_event

TENANT = "github:acme"
_EFFECTS = """\
insert into effects (tenant, key, run_id, flow, tool, target, slot, arguments, state, settled_at)
select %(tenant)s, 'e-' || n, %(run)s, 'chat',
  case when mod(n, 50) = 0 then 'Reply' else 'Comment' end,
  'slack:T1:C1:' || n, '', '{}', 'committed', now() - n * interval '1 hour'
from generate_series(1, 20000) as n"""
_RULES = """\
insert into rules (tenant, id, purpose, scope, place, words, state)
select %(tenant)s, 'r-' || n, 'review', 'repository', 'github:acme/r' || mod(n, 500), 'Say less',
  'active'
from generate_series(1, %(many)s) as n"""


def plan(database: Database, sql: str, values: dict[str, object]) -> str:
    rows = database.run(TENANT, [Statement(f"explain (analyze, costs off) {sql}", values)])[0]
    return "\n".join(row["QUERY PLAN"] for row in rows)


@pytest.fixture
def many(database: Database) -> Database:
    run = Journal(database).claim(an_event(id="github:many"), "chat", 60)
    assert run
    values = {"tenant": TENANT, "run": run.id}
    database.run(TENANT, [Statement(_EFFECTS, values)])
    for tenant, count in ((TENANT, 20), ("github:other", 10_000)):
        made = {"tenant": tenant, "many": count}
        database.run(tenant, [Statement(_RULES, made)])
    return database


def test_the_answers_of_the_last_days_are_found_by_their_time(
    many: Database, operator: Database
) -> None:
    where = """select key from effects as f
      where f.tool = 'Reply' and f.state = 'committed' and f.undone_by = ''
        and f.settled_at between now() - interval '4 days' and now() - interval '1 day'"""
    assert "effects_replies" in plan(operator, where, {})
    [[row]] = operator.run("", [Statement("select close_quiet_answers() as closed", {})])
    assert row["closed"] == 0  # no conversation ended with them


def test_the_rules_of_a_tenant_are_found_by_their_index(many: Database) -> None:
    rules = "select id from rules_in_force(%(t)s, 'github:acme/r7', 'review', '')"
    told = plan(many, rules, {"t": TENANT})
    assert "Function Scan" not in told
    assert "rules_by_place" in told and "Seq Scan" not in told
