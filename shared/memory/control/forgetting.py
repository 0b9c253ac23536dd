"""Forgetting: deletes what matches from every table, and blocks it from being remembered again."""

from collections.abc import Iterable

from shared.database import Database, Row, Statement, queries
from shared.events import Event
from shared.memory.control.audit import Requester, counts_of, record
from shared.memory.control.reach import Reach
from shared.memory.control.subjects import Subject

SQL = queries(__file__, "forgetting.sql")


class Forgetting:
    """Forgets in one database. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def forget(
        self, requester: Requester, subject: Subject, reach: Reach, *, blocks: bool = True
    ) -> dict[str, int]:
        """Delete what matches within `reach`, and return the counts per table.

        With `blocks` it is not remembered again. A second call of the same request deletes nothing
        and returns the counts of the first. Raises DatabaseUnavailable.
        """
        audit = requester.audit_id("forget", subject.by, *subject.names)
        row = requester._asdict() | subject.parameters | reach.parameters
        row |= {"audit": audit, "blocks": blocks}
        names = ("forget", "lock_prompt_cache", "forget_prompts")
        statements = [Statement(SQL[name], row) for name in names]
        *_, [done] = self._run(requester.tenant, *statements, counts_of(requester.tenant, audit))
        return dict(done["counts"])

    def blocks(self, tenant: str) -> list[Row]:
        """Return what is not to be remembered."""
        return self._run(tenant, Statement(SQL["blocks"], {"tenant": tenant}))[0]

    def is_closed(
        self,
        event: Event,
        digest: str = "",
        authors: Iterable[str] = (),
        *,
        by_themselves: bool = False,
    ) -> bool:
        """Did somebody ask to forget for good what is seen in the event's place: all of it, the
        text of this digest, or what these authors say? What they ask of themselves counts only if
        `by_themselves`.
        """
        row = {
            "tenant": event.tenant,
            "source": event.scope,
            "audience": event.audience,
            "platform": "" if by_themselves else event.source,
            "digest": digest,
            "authors": sorted(authors),
        }
        [[found]] = self._run(event.tenant, Statement(SQL["closed"], row))
        return bool(found["closed"])

    def lift(self, requester: Requester, by: str, name: str) -> int:
        """Let something be remembered again, and return how many blocks that lifted."""
        [lifted] = self._run(requester.tenant, allow(requester.tenant, by, name))
        self._run(requester.tenant, record(requester, f"allow {by}", memory_blocks=len(lifted)))
        return len(lifted)

    def _run(self, tenant: str, *statements: Statement) -> list[list[Row]]:
        return self._database.run(tenant, statements)


def allow_self(event: Event, names: Iterable[str]) -> Statement:
    """Return the statement that lets what the actor says be remembered again, if it was they who
    wanted it forgotten."""
    row = {"tenant": event.tenant, "platform": event.source, "names": sorted(names)}
    return Statement(SQL["allow_self"], row)


def allow(tenant: str, by: str, *names: str) -> Statement:
    """Return the statement that lets something be remembered again."""
    return Statement(SQL["allow"], {"tenant": tenant, "by": by, "names": list(names)})
