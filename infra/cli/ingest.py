"""Takes a folder or a repository into memory: `./scripts/flows ingest`."""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from flows.ingest import ingest
from infra.cli.folder import Folder
from infra.cli.system import KnownSystem, database_url
from infra.project import from_caller
from shared.actions import Query
from shared.actions.github.queries import ListComments, ListIssues
from shared.actions.platforms import Platforms
from shared.agent.agent import Capabilities
from shared.database import Database
from shared.errors import SettingsError
from shared.events import REPOSITORY
from shared.memory.audience import visible_from
from shared.memory.documents.github import GitHubDocuments
from shared.memory.documents.ingestion import Ingestion, unwatched
from shared.memory.documents.sources import Changes, Document, DocumentSource
from shared.runtime.composition import capabilities
from shared.settings import Settings

_BAR = 30
#: Seconds between two lines about how it stands, and until the time that is left can be guessed.
_TOLD_EVERY, _GUESSED_AFTER = 10.0, 1.0


def run_ingest(known: KnownSystem, options: argparse.Namespace) -> None:
    """Ingest; raises SettingsError when the audience or the owner is unclear."""
    path = from_caller(Path(options.what))
    with Database(database_url(known)) as database:
        if path.exists() or not re.fullmatch(REPOSITORY, options.what):
            _folder(path, known.settings, database, options)
        else:
            _repository(options.what, known.settings, database, options)


def _folder(
    path: Path, settings: Settings, database: Database, options: argparse.Namespace
) -> None:
    if options.issues:
        raise SettingsError(f"--issues: {path.name} is no repository on GitHub; give OWNER/REPO")
    tenants = set(settings.tenant_of.values())
    tenant = options.tenant or (tenants.pop() if len(tenants) == 1 else "")
    if not tenant:
        raise SettingsError("whose memory is it? give --tenant, such as github:acme")
    # What has another form nobody would ever see.
    if options.audience not in visible_from(options.audience):
        raise SettingsError(
            f"--audience is {options.audience!r}; say who may see it:"
            " public, repo:acme/x, org:acme, team:T1, channel:C1"
        )
    folder = Folder(path, options.name, options.audience, tuple(options.include or ()))
    can = capabilities(settings, database, Platforms(ingest.may, (), settings))
    work = _Work(tenant, can, database, options)
    work.take(folder, [*folder.includes] or None)


def _repository(
    name: str, settings: Settings, database: Database, options: argparse.Namespace
) -> None:
    if options.audience or options.name:
        raise SettingsError(f"--audience and --name: who may see {name} is what GitHub says")
    owner = f"github:{name.partition('/')[0]}"
    tenant = options.tenant or settings.tenant_of.get(owner, owner)
    reads: list[type[Query]] = [*ingest.reads, ListIssues, ListComments]
    can = capabilities(settings, database, Platforms(ingest.may, reads, settings))

    def read(query: Query) -> Any:
        return can.adapter(query).read(query)

    repository = GitHubDocuments(name, read)
    work = _Work(tenant, can, database, options)
    work.take(repository, options.include)
    if options.issues:
        work.take_said("comments", "comment", repository, repository.comments())
        work.take_said("issues", "issue", repository, repository.issues())


class _Work:
    """One call of the command."""

    def __init__(
        self, tenant: str, can: Capabilities, database: Database, options: argparse.Namespace
    ) -> None:
        self._tenant = tenant
        self._store = can.memory
        self._write = partial(database.run, tenant)
        self._is_dry: bool = options.dry_run

    def take(self, source: DocumentSource, includes: Sequence[str] | None) -> None:
        """Take the documents; without `includes` those of the last time count."""
        origin = source.origin
        ingestion = Ingestion(self._tenant, origin, self._store, self._write)
        status = ingestion.status()
        if status["blocked"]:
            raise SettingsError(f"somebody asked to forget {origin.source}; it is not taken again")
        wanted = status["includes"] if includes is None else includes
        changes = ingestion.compare(source.find(""), wanted)
        for path, reason in sorted(changes.refused.items()):
            print(f"left out  {_shown(path)}  ({reason})")
        if self._is_dry:
            _show(changes)
            return
        ingestion.begin(status, wanted)
        progress = Progress(len(changes.take) + len(changes.gone))
        tally = ingestion.apply(changes, source.fetch, watch=progress)
        progress.end()
        ingestion.finish()
        tally["skipped"] += len(changes.refused)
        print(_summary(origin.name, tally, changes.same))

    def take_said(
        self,
        what: str,
        kind: str,
        repository: GitHubDocuments,
        listed: Iterator[tuple[list[Document], int]],
    ) -> None:
        """Take what people wrote, such as the past issues, a page at a time, and forget what is
        not there any more."""
        origin = repository.origin
        ingestion = Ingestion(self._tenant, origin, self._store, self._write, kind=kind)
        tally, same, seen = Counter[str](), 0, set[str]()
        progress: Progress | None = None
        for documents, pages in listed:
            progress = progress or Progress(pages * len(documents))  # 0: nobody knows
            seen |= {one.path for one in documents}
            known = ingestion.known([one.path for one in documents])
            new = [d for d in documents if d.path not in known or known[d.path]["hash"] != d.hash]
            same += len(documents) - len(new)
            if self._is_dry:
                tally["taken"] += len(new)
            elif new:
                ingestion.keep(new, known, {}, progress, tally)
        before = ingestion.known(None)
        if gone := sorted(before.keys() - seen):
            if self._is_dry:
                tally["gone"] += len(gone)
            else:
                ingestion.drop(gone, before, progress or unwatched, tally)
        if progress and not self._is_dry:
            progress.end()
        print(_summary(f"{what} of {origin.name}", tally, same))


class Progress:
    """A bar on a terminal, else a line for each document; both with how many there are, if that is
    known, and now and then for how long it will take."""

    def __init__(self, all: int) -> None:
        self._all = all
        self._done = 0
        self._is_bar = sys.stderr.isatty()
        self._began = self._told = time.monotonic()

    def __call__(self, path: str, what: str, reason: str = "") -> None:
        self._done += 1
        said = f"{what:<8}  {_shown(path)}" + (f"  ({reason})" if reason else "")
        if not self._is_bar:
            print(said)
            if time.monotonic() - self._told > _TOLD_EVERY:
                self._told = time.monotonic()
                print(self._standing(), file=sys.stderr)
            return
        if reason:
            print(f"\r\033[K{said}", file=sys.stderr)
        filled = _BAR * min(self._done, self._all) // max(self._all, 1)
        bar = "█" * filled + "░" * (_BAR - filled)
        print(f"\r\033[K{bar} {self._standing()}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._is_bar:
            print("\r\033[K", end="", file=sys.stderr)

    def _standing(self) -> str:
        if not self._all:
            return str(self._done)
        seconds = time.monotonic() - self._began
        left = duration(seconds / self._done * max(self._all - self._done, 0))
        counted = f"{self._done}/{self._all}"
        return f"{counted}, {left} left" if seconds > _GUESSED_AFTER else counted


def duration(seconds: float) -> str:
    """Write a time as one would say it.

    >>> duration(0.4), duration(89), duration(100), duration(6000)
    ('about 1 s', 'about 89 s', 'about 2 min', 'about 1.7 h')
    """
    if seconds < 90:
        return f"about {max(round(seconds), 1)} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def _show(changes: Changes) -> None:
    for path in sorted(changes.take):
        old = changes.moved.get(path)
        what = "move" if old else "change" if path in changes.known else "take"
        print(f"would {what}  {_shown(path)}" + (f"  (from {_shown(old)})" if old else ""))
    for path in changes.gone:
        print(f"would forget  {_shown(path)}")
    print(
        f"would take {len(changes.take)}, forget {len(changes.gone)}, leave {changes.same}"
        f" as they are; {len(changes.refused)} left out"
    )


def _summary(name: str, tally: Counter[str], same: int) -> str:
    without = tally["without_vector"]
    told = (
        f"{name}: {tally['taken']} taken, {tally['moved']} moved, {tally['gone']} forgotten,"
        f" {same} as before, {tally['skipped']} left out;"
        f" {tally['passages'] - without} passages embedded"
    )
    if not without:
        return told
    return f"{told}, {without} got no vector (only their words find them; the upkeep tries again)"


def _shown(path: str) -> str:
    """Return a path without characters that would steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in path)
