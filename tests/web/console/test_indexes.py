"""Each page can find its rows by an index: no table that grows need be read whole."""

import json
import re
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from shared.database import Row
from shared.web.console.routing import PageRequest
from tests.web.console.conftest import Come
from tests.web.console.large_journal import write_large_journal

RUNS = 4_000
#: Tables that grow with what happens.
_GROW = {"events", "runs", "steps", "effects", "findings", "plans", "turns", "signals", "approvals"}
_SHOP = ("public", "repo:acme/shop")


@pytest.mark.fresh_database
def test_no_page_reads_a_table_whole(
    database_url: str, come: Come, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_large_journal(database_url, RUNS)
    plans: list[tuple[str, Any]] = []
    whole = PageRequest.rows
    with psycopg.connect(database_url, autocommit=True) as owner:

        def rows(
            self: PageRequest, sql: Any, *names: str, **values: object
        ) -> Sequence[Sequence[Row]]:
            for name in names:
                if not re.match(r"insert|delete|with again", sql[name].lstrip("- \n"), re.I):
                    owner.execute(
                        "set enable_seqscan = off"
                    )  # small tables are read whole otherwise
                    bounds = self.reader.parameters | values
                    explained = owner.execute(b"explain (format json) " + _sql(sql[name]), bounds)
                    plans.append((name, explained.fetchone()))
            return whole(self, sql, *names, **values)

        monkeypatch.setattr(PageRequest, "rows", rows)
        pages = [
            "runs", "runs?flow=chat", "runs?state=failed", "runs?words=answer",
            "runs?person=person7",
            "runs?conversation=github%3Aacme%2Fshop%237", "runs?cost=0.01", f"runs/{run}",
            "costs?days=1", "dead-letters", "plans", f"plans/{run}", "reviews",
        ]  # fmt: skip
        for role in ("operator", "viewer"):
            visits = come(role, _SHOP)
            for path in pages:
                if role == "operator" or "costs" not in path:
                    assert visits.get(path).status == 200, path
    assert len(plans) > 40
    assert [(n, t) for n, plan in plans if (t := _read_whole(plan[0][0]["Plan"]))] == []


def _sql(text: str) -> bytes:
    return text.encode()


def _read_whole(plan: Any) -> str:
    """Return the name of a growing table that the plan reads from its begin to its end, or ''."""
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in _GROW:
        return json.dumps(plan)[:300]
    found = (_read_whole(part) for part in plan.get("Plans", ()))
    return next(filter(None, found), "")
