"""`flows why`: why the agent did something, or did not, for an operator, who sees all of it."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict

from infra.cli.memory import tenant_of
from infra.cli.system import KnownSystem, database_url
from infra.cli.table import show_json
from shared.database import Database
from shared.errors import SettingsError
from shared.explaining.explanation import ReasonFinder
from shared.explaining.question import Pointer
from shared.explaining.telling import NOTHING, told
from shared.memory.control.command_results import WhyResult
from shared.memory.control.listing import Listing
from shared.memory.control.reach import OPERATOR
from shared.memory.control.subjects import Subject


def run_why(known: KnownSystem, options: argparse.Namespace) -> None:
    question = Pointer.parse(options.what)
    if question is None:
        raise SettingsError(
            f"{options.what!r} is no address of a comment or message, no run, no memory (m-1a2b),"
            " and no delivery"
        )
    url = database_url(known)
    tenant = tenant_of(url, options.tenant)
    with Database(url) as database:
        if question.memory:
            _memory(database, tenant, question.memory, options)
            return
        found = ReasonFinder(database, tenant, {"everywhere": True}).of(question)
    if options.json:
        show_json([asdict(one) for one in found])
        return
    print(told(found) if found else "\n".join(_at_the_door(question, options) or [NOTHING]))


def _memory(database: Database, tenant: str, id_: str, options: argparse.Namespace) -> None:
    subject = Subject.parse(id_)
    if subject is None or subject.by != "id":
        raise SettingsError(f"{id_!r} is no id of a memory; expected such as m-1a2b3c4d")
    found = Listing(database).why(tenant, subject.names[0], OPERATOR)
    if options.json:
        show_json(asdict(found))
    else:
        print(WhyResult(found, is_one=True))


def _at_the_door(question: Pointer, options: argparse.Namespace) -> list[str]:
    """Return why the front door did not take a delivery, from the log of ./scripts/dev."""
    log = options.data / "aws" / "functions.log"
    if not question.event or not log.exists():
        return []
    with log.open(encoding="utf-8", errors="replace") as lines:
        return [*_ignored(question.event, lines)]


def _ignored(event: str, lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if event not in line or "{" not in line:
            continue
        try:
            said = json.loads(line[line.index("{") :])
        except ValueError:
            continue
        if said.get("event") == event and said.get("message") in ("event ignored", "no event"):
            yield f"{event} was ignored at the front door: {said.get('reason', 'no reason given')}"
