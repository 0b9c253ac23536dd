"""`flows memory`: shows and forgets a tenant's memory for an operator, who sees all of it."""

import argparse
import getpass
import json
import sys
import uuid
from collections.abc import Callable
from dataclasses import asdict

import psycopg

from infra.cli import consolidations
from infra.cli.system import KnownSystem, database_url
from infra.cli.table import Columns, lines, show, show_json
from shared.database import Database, queries
from shared.database.address import arguments_of
from shared.errors import SettingsError
from shared.memory.attribution import place, standing
from shared.memory.control.audit import AuditLog, Requester
from shared.memory.control.command_results import WhyResult
from shared.memory.control.forgetting import Forgetting
from shared.memory.control.listing import CitedMemory, Listing
from shared.memory.control.reach import OPERATOR
from shared.memory.control.subjects import Subject

SQL = queries(__file__, "memory.sql")

#: Takes the database, the tenant and who asks, and the arguments.
MemoryCommand = Callable[[Database, Requester, argparse.Namespace], None]

_BLOCKS: Columns = {
    "by": lambda row: str(row["by"]),
    "value": lambda row: str(row["value"]),
    "said in": lambda row: str(row["grounds"]),
    "seen by": lambda row: " ".join(row["audiences"]),
    "since": lambda row: f"{row['blocked_at']:%Y-%m-%d %H:%M}",
}
_AUDIT: Columns = {
    "at": lambda row: f"{row['at']:%Y-%m-%d %H:%M}",
    "actor": lambda row: str(row["actor"]),
    "action": lambda row: str(row["action"]),
    "counts": lambda row: _counted(row["counts"]),
}


def run_memory(known: KnownSystem, options: argparse.Namespace) -> None:
    if options.action in consolidations.ACTIONS:
        consolidations.ACTIONS[options.action](known, options)
        return
    url = database_url(known)
    tenant = tenant_of(url, options.tenant)
    # Each call is a request of its own: what was remembered since the last one goes too.
    requester = Requester(tenant, f"operator {getpass.getuser()}", f"cli:{uuid.uuid4()}")
    with Database(url) as database:
        _ACTIONS[options.action](database, requester, options)


def tenant_of(url: str, wanted: str) -> str:
    """Return the tenant that is wanted, or the only one; raises SettingsError."""
    with psycopg.connect(**arguments_of(url, seconds=5)) as connection:
        tenants = [str(row[0]) for row in connection.execute(SQL["tenants"].encode())]
    told = ", ".join(tenants) or "none yet"
    if wanted and wanted not in tenants:
        raise SettingsError(f"--tenant {wanted!r} is none; there are: {told}")
    if not wanted and len(tenants) != 1:
        raise SettingsError(f"name a tenant with --tenant; there are: {told}")
    return wanted or tenants[0]


def _export(database: Database, requester: Requester, _: argparse.Namespace) -> None:
    count = 0
    for row in Listing(database).export(requester.tenant, OPERATOR):
        count += 1
        one = CitedMemory(**{name: row[name] for name in CitedMemory.__dataclass_fields__})
        said = {"standing": standing(one), "place": place(one)}
        print(json.dumps(row | said, ensure_ascii=False))
    AuditLog(database).note(requester, "export", memories=count)
    print(f"{count} memories of {requester.tenant}", file=sys.stderr)


def _why(database: Database, requester: Requester, options: argparse.Namespace) -> None:
    subject = Subject.parse(options.id)
    if subject is None or subject.by != "id":
        raise SettingsError(f"{options.id!r} is no id of a memory; expected such as m-1a2b3c4d")
    found = Listing(database).why(requester.tenant, subject.names[0], OPERATOR)
    AuditLog(database).note(requester, "why", memories=len(found.memories))
    if options.json:
        show_json(asdict(found))
    else:
        print(WhyResult(found, is_one=True))


def _forget(database: Database, requester: Requester, options: argparse.Namespace) -> None:
    subject = Subject.parse(options.subject)
    if subject is None:
        raise SettingsError("the subject is empty; expected words, owner/repo#1, @person or an id")
    counts = Forgetting(database).forget(requester, subject, OPERATOR)
    print("\n".join(lines([(table, str(count)) for table, count in counts.items()])))


def _blocks(database: Database, requester: Requester, options: argparse.Namespace) -> None:
    show(Forgetting(database).blocks(requester.tenant), _BLOCKS, options)


def _allow(database: Database, requester: Requester, options: argparse.Namespace) -> None:
    print(f"{Forgetting(database).lift(requester, options.by, options.value)} blocks lifted")


def _audit(database: Database, requester: Requester, options: argparse.Namespace) -> None:
    rows = AuditLog(database).entries(requester.tenant, options.limit)
    show(rows, _AUDIT, options)


def _counted(counts: dict[str, int]) -> str:
    return " ".join(f"{name}={count}" for name, count in counts.items() if count)


_ACTIONS: dict[str, MemoryCommand] = {
    "export": _export,
    "why": _why,
    "forget": _forget,
    "blocks": _blocks,
    "allow": _allow,
    "audit": _audit,
}
