"""Tickets: what somebody began and has to come back from in a browser. Each is good once, until it
expires, for one purpose. The database has only their digests."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from shared.database import Database, Statement, queries
from shared.events import Json

SQL = queries(__file__, "tickets.sql")

#: The tenant of what belongs to none yet: an installation that somebody begins.
NOBODYS = "sign-in"
#: Seconds.
LIFE = 600.0


class Tickets:
    """The tickets of one database. A ticket names its tenant, which is no secret."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def issue(
        self, purpose: str, about: Mapping[str, str], tenant: str = NOBODYS, seconds: float = LIFE
    ) -> str:
        """Return a new ticket; raises DatabaseUnavailable."""
        ticket = invented(tenant)
        self._database.run(tenant, [issued(ticket, purpose, about, seconds)])
        return ticket

    def look(self, ticket: str, purpose: str) -> Json | None:
        """Return what a ticket is about, which stays good; None for one that is none, or over."""
        return self._ask("look", ticket, purpose)

    def take(self, ticket: str, purpose: str) -> Json | None:
        """Return what a ticket is about, once."""
        return self._ask("take", ticket, purpose)

    def _ask(self, name: str, ticket: str, purpose: str) -> Json | None:
        if not (tenant := tenant_of(ticket)):
            return None
        row = {"tenant": tenant, "digest": _digest(ticket), "purpose": purpose}
        [found] = self._database.run(tenant, [Statement(SQL[name], row)])
        is_good = bool(found) and found[0].get("is_good", True)
        return dict(found[0]["about"]) if is_good else None


def invented(tenant: str) -> str:
    """Return a ticket of the tenant that nobody can guess."""
    return f"{urlsafe_b64encode(tenant.encode()).decode().rstrip('=')}.{secrets.token_urlsafe(32)}"


def issued(ticket: str, purpose: str, about: Mapping[str, str], seconds: float = LIFE) -> Statement:
    """Return the statement that lets a ticket be good."""
    row = {
        "tenant": tenant_of(ticket),
        "digest": _digest(ticket),
        "purpose": purpose,
        "about": json.dumps(dict(about)),
        "seconds": seconds,
    }
    return Statement(SQL["issue"], row)


def tenant_of(ticket: str) -> str:
    """Return the tenant that a ticket names; '' for what has not the form of one."""
    name, dot, secret = ticket.partition(".")
    if not dot or len(ticket) > 300 or len(secret) != 43 or not ticket.isascii():
        return ""
    try:
        found = urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
    except ValueError:
        return ""
    return found if found.isprintable() else ""


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
