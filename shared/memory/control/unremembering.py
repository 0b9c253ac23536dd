"""Forgets what a run remembered, when somebody takes the run back."""

from shared.database import queries
from shared.events import Json
from shared.journal import Outcome, Run
from shared.memory.control.audit import Requester, record
from shared.memory.control.reach import author_of

SQL = queries(__file__, "unremembering.sql")


def unremember(run: Run, of: str, root: str) -> int:
    """Forget what the flow `of` remembered of the event `root`, and of the pieces of its plan.
    What they replaced is gone already. Returns how many memories it forgot."""
    about: Json = {"of": of, "root": root}
    requester = Requester(run.event.tenant, author_of(run.event), run.event.id)

    def work() -> Outcome:
        found = run.write([run.statement("remembered", about, SQL)])[0]
        ids = {"ids": [row["id"] for row in found]}
        gone = [run.statement("delete", ids, SQL), record(requester, "undo", memories=len(found))]
        return Outcome(len(found), statements=gone if found else ())

    return int(run.step("unremember", about, work))
