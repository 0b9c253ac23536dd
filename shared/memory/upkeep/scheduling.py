"""Upkeep: the work on memory that nobody waits for, for one tenant at a time and within a time."""

from collections.abc import Callable, Mapping

from shared.database import Database, Statement, queries
from shared.errors import SettingsError
from shared.events import PUBLIC, Event
from shared.journal import digest
from shared.models.deadline import Deadline

SQL = queries(__file__, "scheduling.sql")

#: Does one kind of work for a tenant, for at most so many seconds, and counts what it did. It
#: commits what is finished as it goes, so that what a crash interrupts is not done again.
Work = Callable[[str, float], Mapping[str, int]]


class Upkeep:
    """The works that are registered, by name, and the bus that spreads them over tenants."""

    def __init__(
        self, database: Database, publish: Callable[[Event], object], works: Mapping[str, Work]
    ) -> None:
        """`publish` puts an event on the bus; the event's id deduplicates it.

        Raises SettingsError for a work that upkeep.sql has no `pending_<work>` for.
        """
        if unknown := sorted(name for name in works if f"pending_{name}" not in SQL):
            raise SettingsError(
                f"upkeep: no query says who has {', '.join(unknown)} pending;"
                " add pending_<work> to shared/memory/upkeep/scheduling.sql"
            )
        self._database = database
        self._publish = publish
        self._works = works

    def spread(self, event: Event, seconds: float) -> dict[str, int]:
        """Publish one event `memory.<work>` per tenant that has such work; count them.

        It is one query, whatever the number of works. What does not fit into `seconds` waits for
        the next schedule, and the order is another at each event, so nobody is always the last.
        Raises DatabaseUnavailable or PublishError.
        """
        end = Deadline(seconds)
        names = list(self._works)
        asked = [Statement(SQL[f"pending_{name}"], {}) for name in names]
        found = zip(names, self._database.run("", asked), strict=True) if names else ()
        wanted = [(name, str(row["tenant"])) for name, rows in found for row in rows]
        wanted.sort(key=lambda pair: digest([event.id, *pair]))
        done = dict.fromkeys(names, 0) | {"put off": 0}
        for name, tenant in wanted:
            if end.left > 0:
                self._publish(_event(event, name, tenant))
                done[name] += 1
            else:
                done["put off"] += 1
        return {what: count for what, count in done.items() if count}

    def run(self, name: str, tenant: str, seconds: float) -> dict[str, int]:
        """Do the work `name` for `tenant` and count what was done; raises what the work raises.

        What is left at the end is pending still, so the next schedule brings it up again. Raises
        SettingsError when nothing of that name is registered.
        """
        if name not in self._works:
            known = ", ".join(self._works) or "none"
            raise SettingsError(f"upkeep: no work is called {name!r}; registered: {known}")
        return {what: n for what, n in self._works[name](tenant, seconds).items() if n}


def _event(cause: Event, name: str, tenant: str) -> Event:
    """The event that brings `name` up for `tenant`: one, however often `cause` is delivered."""
    topic = f"memory.{name}"
    return Event(
        id=f"{topic}:{tenant}:{cause.id}",
        type=topic,
        source="schedule",
        tenant=tenant,
        conversation=f"{topic}:{tenant}",
        actor=cause.actor,
        text="",
        url="",
        payload={},
        audience=PUBLIC,
        depth=cause.depth,
        received_at=cause.received_at,
    )
