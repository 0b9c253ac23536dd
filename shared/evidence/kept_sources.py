"""Reads the sources of an answer again that was kept for later: do they say the same, and may every
reader of the place see them now?"""

from collections.abc import Sequence
from typing import Self

from shared.database import Database, Statement
from shared.desk import Loan
from shared.evidence.readers import readers_of
from shared.evidence.standing import SQL
from shared.journal import Outcome


class KeptSources:
    """Checks for the run's place."""

    def __init__(self, loan: Loan) -> None:
        self._loan, self._run = loan, loan.run

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def stand(self, sources: Sequence[Sequence[str]]) -> bool:
        """Do all of these memories hold, each an id with the digest of what it said?"""
        tenant, readers = self._run.event.tenant, readers_of(self._loan)

        def work() -> Outcome:
            asked = Statement(
                SQL["memories"], {"tenant": tenant, "ids": [id_ for id_, _ in sources]}
            )
            [rows] = self._loan.services[Database].run(tenant, [asked])
            found = {row["id"]: row["digest"] for row in rows if readers.see(row["audience"])}
            return Outcome(all(found.get(id_) == digest for id_, digest in sources))

        about = {"sources": [list(one) for one in sources]}
        return not sources or bool(self._run.step("kept sources", about, work))
