"""Upkeep: finds the tenants whose memory needs work, and does the work for one of them."""

from collections.abc import Callable, Mapping

from shared.canonical import digest
from shared.database import Database, Statement, queries
from shared.errors import SettingsError
from shared.events import PUBLIC, Event
from shared.models.deadline import Deadline

SQL = queries(__file__, "scheduling.sql")

#: Does one kind of work for a tenant within a number of seconds, and returns counts. It commits as
#: it goes, so a crash loses little.
UpkeepWork = Callable[[str, float], Mapping[str, int]]

#: A try waits for this share of the time that the work has waited, within these seconds.
_SHARE, _LEAST, _LONGEST = 0.1, 600.0, 6 * 3600.0


class Upkeep:
    """The kinds of work, by name, and the bus that spreads them over tenants."""

    def __init__(
        self,
        database: Database,
        publish: Callable[[Event], object],
        works: Mapping[str, UpkeepWork],
    ) -> None:
        """`publish` puts an event on the bus; the event's id deduplicates it.

        Raises SettingsError for a work without a query `pending_<work>` in scheduling.sql.
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
        """Publish one event `memory.<work>` for each tenant that has such work; return counts.

        It asks the database once for all kinds of work. Events that do not fit into `seconds` wait
        for the next look. The order differs at each, so no tenant is always the last.
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
                self._publish(event_for(event, f"memory.{name}", tenant))
                done[name] += 1
            else:
                done["put off"] += 1
        return {what: count for what, count in done.items() if count}

    def run(self, name: str, tenant: str, seconds: float) -> dict[str, int]:
        """Do the work `name` for `tenant` and return counts; raises what the work raises.

        Raises SettingsError for an unknown name.
        """
        if name not in self._works:
            known = ", ".join(self._works) or "none"
            raise SettingsError(f"upkeep: no work is called {name!r}; registered: {known}")
        return {what: n for what, n in self._works[name](tenant, seconds).items() if n}

    def look_again(self, name: str, tenant: str) -> float | None:
        """Return the seconds until what the work left is worth another try; None if it left
        nothing. What cannot be done is tried the less often the longer it waits."""
        [rows] = self._database.run(tenant, [Statement(SQL[f"left_{name}"], {"tenant": tenant})])
        if not rows or rows[0]["seconds"] is None:
            return None
        pause = min(max(rows[0]["age"] * _SHARE, _LEAST), _LONGEST)
        return float(max(rows[0]["seconds"], pause))


def event_for(cause: Event, topic: str, tenant: str) -> Event:
    """Make the event of the type `topic` that starts work for `tenant`, with the same id if `cause`
    comes again."""
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
