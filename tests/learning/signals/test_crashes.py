"""The collector dies at each boundary, and nothing is lost or doubled."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from flows.learn import learn
from flows.triage import TriageVerdict, triage
from shared.actions.github.queries import ReadReactions
from shared.database import Database, Row, Statement
from shared.testing import FlowRunner, github_event
from tests.learning.signals.test_github import label, told


class Dying(Database):
    """A database whose caller dies before or after the transaction of that number."""

    def __init__(self, database: Database) -> None:
        self._real, self.left, self.after = database, 0, False

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise KeyboardInterrupt
        rows = self._real.run(tenant, statements)
        if self.left == 0:
            raise KeyboardInterrupt
        return rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_each_transaction_loses_and_doubles_nothing(
    database: Database, after: bool
) -> None:
    dying = Dying(database)
    runner = FlowRunner(dying, github_app_id="7")
    runner.platform.answers[ReadReactions] = []
    runner.answers(TriageVerdict(("bug",), None, "Pay crashes."))
    runner.run(triage, github_event("issues.opened", number=7))
    died = 0
    for boundary in range(1, 12):
        labels = {"labels": [label("bug")]}
        closed = github_event("issues.closed", fields={"issue": labels}, delivery=str(uuid4()))
        dying.left, dying.after = boundary, after
        try:
            runner.run(learn, closed)
        except KeyboardInterrupt:
            died += 1
        dying.left = 0
        runner.run(learn, closed)
        assert told(database) == [("accepted", 0.5, "triage")]
        database.run("github:acme", [Statement("delete from signals", {})])
    assert died >= 3
