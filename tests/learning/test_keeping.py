"""Findings are kept as long as events; what was dismissed stays."""

from shared.database import Database, Statement
from shared.events import Issue
from shared.journal import Journal
from shared.learning.findings import FindingStore
from tests.events.made import an_event
from tests.learning.test_attention import run_at

_KEEP = """insert into findings (tenant, id, repository, number, head, run_id, path, line,
  severity, category, claim, shape, state, found_at, decided_at)
  select 'github:acme', state || days, 'acme/shop', 1, 'h', 'r', 'a.py', 1, 'low', 'bug', 'It.',
    'x', state, now() - days * interval '1 day',
    case when state <> 'posted' then now() - (days - 20) * interval '1 day' end
  from unnest(array['posted', 'held', 'fixed', 'dismissed', 'withdrawn']) as state,
    unnest(array[10, 40, 60]) as days returning id"""
_REVIEWS = """insert into reviewed_commits (tenant, repository, number, base, head, run_id,
    reviewed_at)
  select 'github:acme', 'acme/shop', days, 'main', 'h', 'r', now() - days * interval '1 day'
  from unnest(array[10, 40]) as days returning number"""


def test_what_nobody_dismissed_goes_with_the_events(database: Database, operator: Database) -> None:
    run = run_at(operator, 1)
    database.run("github:acme", [Statement(_KEEP, {}), Statement(_REVIEWS, {})])
    operator.run(run.event.tenant, [run.statement("expire_events", {"days": 30})])
    query = "select id from findings order by id"
    left = {row["id"] for row in database.run("github:acme", [Statement(query, {})])[0]}
    stays = {f"{state}{days}" for state in ("dismissed", "withdrawn") for days in (10, 40, 60)}
    assert left == stays | {"posted10", "held10", "held40", "fixed10", "fixed40"}
    query = "select number from reviewed_commits"
    assert database.run("github:acme", [Statement(query, {})])[0] == [{"number": 10}]


MANY = """insert into findings (tenant, id, repository, number, head, run_id, path, line, severity,
  category, claim, shape, state, reason, decided_by, decided_at)
  select %(tenant)s, %(prefix)s || n, 'Acme/Shop', 1, 'h', 'r', %(path)s, n, 'low', 'bug',
    'It is wrong', 'x', 'dismissed', '', '',
    now() - n * interval '1 hour' - %(older)s * interval '1 day'
  from generate_series(1, %(count)s) as n"""


def test_of_thousands_of_dismissals_those_that_matter_are_known(database: Database) -> None:
    run = Journal(database).claim(an_event(id="github:many"), "review", 60)
    assert run
    for prefix, path, count, older in (("old-", "a.py", 40, 900), ("new-", "b.py", 3_000, 0)):
        about = {"prefix": prefix, "path": path, "count": count, "older": older}
        database.run(run.event.tenant, [Statement(MANY, {"tenant": run.event.tenant} | about)])
    store = FindingStore(run, Issue("acme/shop", 7))
    known = [one.id for one in store.known(["a.py", "c.py"])]
    assert sum(one.startswith("old-") for one in known) == 40
    assert {one for one in known if one.startswith("new-")} == {f"new-{n}" for n in range(1, 501)}
    listed, total = store.refused()
    assert (len(listed), total) == (2_000, 3_040)
    assert [listed[0][0].id, listed[-1][0].id] == ["new-1", "new-2000"]
