"""Listing: finds memories with their sources, explains where they came from, and exports them."""

from collections.abc import Iterator
from typing import Any, Self
from uuid import UUID

from shared.database import Database, Row, Statement, queries
from shared.frozen import frozen
from shared.memory import Memory
from shared.memory.control.reach import Reach
from shared.memory.control.subjects import Subject

SQL = queries(__file__, "listing.sql")

#: How many memories an export reads at a time.
_PAGE = 500
#: How many memories a list shows.
_SHOWN = 20


@frozen
class CitedMemory:
    """One memory with its source, as a person is shown it."""

    id: str
    kind: str
    ref: str
    text: str
    url: str
    author: str
    source: str
    trust: str
    event: str
    remembered_at: str

    @classmethod
    def from_row(cls, row: Row) -> Self:
        fields: dict[str, Any] = {name: row[name] for name in cls.__dataclass_fields__}
        return cls(**fields | {"remembered_at": row["remembered_at"].isoformat()})

    @classmethod
    def from_memory(cls, memory: Memory) -> Self:
        """Cite a memory that was recalled, of which neither source nor event is known."""
        return cls.from_row(memory._asdict() | {"source": "", "event": ""})


@frozen
class RecallingRun:
    """A run that recalled a memory."""

    run: str
    flow: str
    at: str


@frozen
class Provenance:
    """The memories behind an answer, or one memory, and the runs that used them."""

    memories: tuple[CitedMemory, ...] = ()
    uses: tuple[RecallingRun, ...] = ()


class Listing:
    """Lists the memories of one database. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def know(
        self, tenant: str, subject: Subject, reach: Reach, limit: int = _SHOWN
    ) -> tuple[list[CitedMemory], int]:
        """Return the newest memories that match and that `reach` sees, and how many there are."""
        bounds = subject.parameters | reach.parameters | {"limit": limit}
        rows = self._rows(tenant, "know", **bounds)
        return list(map(CitedMemory.from_row, rows)), rows[0]["total"] if rows else 0

    def why(self, tenant: str, id_: str, reach: Reach) -> Provenance:
        """Return the source of one memory, and the runs that recalled it."""
        found, _ = self.know(tenant, Subject("id", (id_,)), reach, 2)
        if len(found) != 1:
            return Provenance()
        rows = self._rows(tenant, "users", id=found[0].id)
        uses = (RecallingRun(row["id"], row["flow"], row["started_at"].isoformat()) for row in rows)
        return Provenance(tuple(found), tuple(uses))

    def why_last(self, tenant: str, conversation: str, run: str, reach: Reach) -> Provenance | None:
        """Return the memories that the last answer in a conversation, before `run`, had recalled.

        None when there was no answer.
        """
        answers = self._rows(tenant, "last_answer", conversation=conversation, run=run)
        if not answers:
            return None
        [last] = answers
        found = self._rows(tenant, "memories", ids=last["memories"], **reach.parameters)
        use = RecallingRun(last["id"], last["flow"], "")
        return Provenance(tuple(map(CitedMemory.from_row, found)), (use,))

    def export(self, tenant: str, reach: Reach) -> Iterator[Row]:
        """Yield every memory that `reach` may see, history too, reading a page at a time."""
        after = str(UUID(int=0))
        while after:
            rows = self._rows(tenant, "export", after=after, limit=_PAGE, **reach.parameters)
            yield from rows
            after = rows[-1]["id"] if len(rows) == _PAGE else ""

    def count(self, tenant: str, reach: Reach) -> int:
        """Count the memories that `reach` may see, as `export` yields them."""
        [row] = self._rows(tenant, "count", **reach.parameters)
        return int(row["memories"])

    def _rows(self, tenant: str, name: str, **parameters: object) -> list[Row]:
        statement = Statement(SQL[name], {"tenant": tenant} | parameters)
        return self._database.run(tenant, [statement])[0]
