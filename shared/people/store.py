"""Keeps which GitHub account a Slack person has. The account's id counts, since logins change."""

from collections.abc import Sequence
from typing import NamedTuple

from shared.database import Database, Row, Statement, queries
from shared.events import Event

SQL = queries(__file__, "store.sql")


class LinkedPerson(NamedTuple):
    """A person in a workspace, and their GitHub account as it was called when they proved it."""

    team: str
    slack_user: str
    github_id: str
    github_login: str


class PeopleTable:
    """The table of one database. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def link(self, tenant: str, person: LinkedPerson) -> bool:
        """Keep a proof in place of the one before; False when the account is another person's in
        this workspace."""
        row = {"tenant": tenant} | person._asdict()
        _, done = self._database.run(
            tenant, [Statement(SQL[name], row) for name in ("lock", "link")]
        )
        return bool(done)

    def of(self, event: Event) -> list[LinkedPerson]:
        """Return what is proved of the person who caused the event; in Slack at most one."""
        if not event.actor.id or event.actor.is_bot or event.source not in {"github", "slack"}:
            return []
        [rows] = self._database.run(event.tenant, [_asked(event, "of")])
        return [LinkedPerson(**row) for row in rows]

    def both(self, tenant: str, names: Sequence[str]) -> tuple[str, ...]:
        """Return these names with those that the same people have on the other side."""
        row = {"tenant": tenant, "names": list(names), "lower": [one.lower() for one in names]}
        [rows] = self._database.run(tenant, [Statement(SQL["both"], row)])
        known = {name for found in rows for name in found.values()}
        return tuple(sorted({*names, *known}))


def names_on_github(person: LinkedPerson) -> frozenset[str]:
    """Return the names under which GitHub's memories may hold a person. A login of digits alone
    reads as the id of somebody else."""
    login = "" if person.github_login.isdigit() else person.github_login
    return frozenset({person.github_id, login} - {""})


def unlinking(event: Event) -> Statement:
    """Return the statement that forgets what is proved of the person who caused the event."""
    return _asked(event, "unlink")


def _asked(event: Event, what: str) -> Statement:
    row: Row = {"tenant": event.tenant, "github_id": event.actor.id}
    row |= {"team": team_of(event), "slack_user": event.actor.id}
    return Statement(SQL[f"{what}_{event.source}"], row)


def team_of(event: Event) -> str:
    """Return the workspace of an event of Slack."""
    return event.conversation.split(":")[1]
