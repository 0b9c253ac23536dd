"""Ingestion: turns documents into memories; it reads and embeds again only what changed.

The table `memory_files` has the hash of each document that was taken and a digest of each of its
passages. It is written in one transaction with the memories, so an ingestion that was killed goes
on where it stopped.
"""

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol
from urllib.parse import quote

from shared.database import Row, Statement, queries
from shared.memory import Entry
from shared.memory.documents.files import decode, is_minified, is_wanted, refusal
from shared.memory.documents.outline import format_of
from shared.memory.documents.passages import cut
from shared.memory.documents.sources import (
    Changes,
    Document,
    DocumentOrigin,
    File,
    Piece,
    SourceFiles,
)
from shared.memory.store import MemoryStore
from shared.memory.stored_text import short_hash
from shared.redaction.redacting import redacted

SQL = queries(__file__, "ingestion.sql")

#: Documents per transaction; they are read at once and embedded together.
GROUP = 16
#: No person writes a longer document.
MAX_PASSAGES = 2_000
#: Documents forgotten per transaction.
_FORGOTTEN = 500
#: Seconds to keep for the end. The next group may take twice as long as the slowest so far.
_RESERVE = 10.0

#: Runs statements in one transaction and returns the rows of each.
Transact = Callable[[Sequence[Statement]], list[list[Row]]]


class Watch(Protocol):
    """Is told of each path that is done: `taken`, `moved`, `gone` or `skipped`, and the reason."""

    def __call__(self, path: str, what: str, reason: str = "") -> None: ...


def unwatched(path: str, what: str, reason: str = "") -> None:
    """Ignore what it is told."""


class Ingestion:
    """Brings one tenant's memory of one source up to date. `event` is its cause."""

    def __init__(
        self,
        tenant: str,
        origin: DocumentOrigin,
        store: MemoryStore,
        write: Transact,
        *,
        event: str = "",
        kind: str = "document",
    ) -> None:
        self._tenant = tenant
        self._origin = origin
        self._store = store
        self._write = write
        self._event = event
        self._kind = kind

    def status(self) -> Row:
        """Return how far the source was taken: `known`, `head`, `includes`, `audience`, and
        `blocked` if somebody asked to forget it for good."""
        read = self._statement("read_source", audience=self._origin.audience)
        return self._write([read])[0][0]

    def begin(self, status: Row, includes: Sequence[str]) -> None:
        """Record who may see what comes from here, and give all earlier memories this audience."""
        fields = {"audience": self._origin.audience, "includes": list(includes)}
        if not status["known"] or any(status[name] != fields[name] for name in fields):
            self._write([self._statement("keep_source", **fields)])

    def finish(self) -> None:
        """Record that the source's head is taken completely."""
        about = {"head": self._origin.head, "number": self._origin.number}
        self._write([self._statement("finish", **about)])

    def compare(self, found: SourceFiles, includes: Sequence[str] = ()) -> Changes:
        """Compare the files that are there with those that were taken before."""
        wanted = {path: file for path, file in found.files.items() if is_wanted(path, includes)}
        reasons = {path: refusal(path, file.size) for path, file in wanted.items()}
        refused = {path: why for path, why in reasons.items() if why} | {
            path: why for path, why in found.refused.items() if is_wanted(path, includes)
        }
        wanted = {path: file for path, file in wanted.items() if not reasons[path]}
        touched = {*found.files, *found.gone, *found.moved.values(), *found.refused}
        known = self.known(None if found.complete else sorted(touched))
        stays = wanted.keys() if found.complete else wanted.keys() | (known.keys() - touched)
        moved = {
            new: old
            for new, old in (_renames(wanted, known) | dict(found.moved)).items()
            if new in wanted and new not in known and old in known and old not in stays
        }
        gone = known.keys() - stays - set(moved.values())
        take = {
            path: file
            for path, file in wanted.items()
            if path in moved or path not in known or known[path]["hash"] != file.hash
        }
        same = len(wanted) - len(take)
        return Changes(take, tuple(sorted(gone)), moved, refused, known, same)

    def known(self, paths: Sequence[str] | None) -> dict[str, Row]:
        """Return what was taken of `paths`, or of all paths."""
        rows = self._write([self._statement("read_files", paths=paths)])[0]
        return {row["path"]: row for row in rows}

    def apply(
        self,
        changes: Changes,
        fetch: Callable[[str, File], bytes | str | None],
        seconds_left: Callable[[], float] = lambda: math.inf,
        watch: Watch = unwatched,
    ) -> Counter[str]:
        """Take and forget documents, one group after the other, until all are done or time is up.

        Returns counts: `taken`, `moved`, `gone`, `skipped`, new `passages`, those of them
        `without_vector`, and documents `left`. Each call does at least one group.
        """
        tally = Counter[str]()
        for paths in _groups(changes.gone, _FORGOTTEN):
            self.drop(paths, changes.known, watch, tally)
        longest, left = 0.0, len(changes.take)
        with ThreadPoolExecutor(GROUP // 2) as threads:
            for paths in _groups(sorted(changes.take), GROUP):
                if longest and seconds_left() < _RESERVE + 2 * longest:
                    break
                start = time.monotonic()
                contents = list(threads.map(lambda path: fetch(path, changes.take[path]), paths))
                pairs = zip(paths, contents, strict=True)
                documents = [
                    self._document(path, changes.take[path], content)
                    for path, content in pairs
                    if content is not None
                ]
                here = {document.path for document in documents}
                if away := [path for path in paths if path not in here]:
                    away += [changes.moved[path] for path in away if path in changes.moved]
                    self.drop(away, changes.known, watch, tally)
                self.keep(documents, changes.known, changes.moved, watch, tally)
                left -= len(paths)
                longest = max(longest, time.monotonic() - start)
        tally["left"] = left
        return tally

    def keep(
        self,
        documents: Sequence[Document],
        known: Mapping[str, Row],
        moved: Mapping[str, str],
        watch: Watch,
        tally: Counter[str],
    ) -> None:
        """Take `documents` in one transaction; unchanged passages keep their memories."""
        before: list[Statement] = []
        after: list[Statement] = []
        fresh: list[Entry] = []
        for document in documents:
            old = dict(known[document.path]["passages"]) if document.path in known else {}
            if document.path in moved:
                old, statements = self._move(moved[document.path], document.path, known)
                before += statements
            digests = {piece.ref: short_hash(piece.text) for piece in document.pieces}
            same = [p for p in document.pieces if old.get(p.ref) == digests[p.ref]]
            changed = [p for p in document.pieces if old.get(p.ref) != digests[p.ref]]
            fresh += [self._entry(document, p) for p in changed]
            if stale := sorted(old.keys() - digests.keys()):
                before.append(self._statement("drop_passages", refs=stale))
            if same:
                refs, urls = [p.ref for p in same], [p.url for p in same]
                after.append(self._statement("readdress", refs=refs, urls=urls))
            fields = {"path": document.path, "hash": document.hash}
            after.append(self._statement("keep_file", passages=json.dumps(digests), **fields))
        kept = self._store.remember_all(self._tenant, fresh)
        self._write([*before, *kept, *after])
        tally["passages"] += len(fresh)
        tally["without_vector"] += self._store.without_vector(kept)
        for document in documents:
            what = "moved" if document.path in moved else "taken"
            what = "skipped" if document.reason else what
            tally[what] += 1
            watch(document.path, what, document.reason)

    def drop(
        self, paths: Sequence[str], known: Mapping[str, Row], watch: Watch, tally: Counter[str]
    ) -> None:
        """Forget the documents at `paths` in one transaction."""
        refs = [ref for path in paths if path in known for ref in known[path]["passages"]]
        self._write(
            [
                self._statement("drop_passages", refs=refs),
                self._statement("drop_files", paths=list(paths)),
            ]
        )
        tally["gone"] += len(paths)
        for path in paths:
            watch(path, "gone")

    def _document(self, path: str, file: File, content: bytes | str) -> Document:
        text, reason = decode(content) if isinstance(content, bytes) else ("", content)
        text = redacted(text)  # whole: a private key is longer than a passage
        form = format_of(path)
        if not reason and form == "code" and is_minified(text):
            reason = "minified"
        passages = [] if reason else cut(path, text)
        if len(passages) > MAX_PASSAGES:
            reason = f"too long: {len(passages):,} passages"
        if reason:
            return Document(path, file.hash, (), reason=reason)
        name = f"{self._origin.name}:{path}"
        url = f"{self._origin.url}/{quote(path)}"
        pieces = (Piece(p.ref(name), p.url(url, form), p.text) for p in passages)
        return Document(path, file.hash, tuple(pieces))

    def _move(
        self, old: str, new: str, known: Mapping[str, Row]
    ) -> tuple[dict[str, str], list[Statement]]:
        """Return the passages' digests by their refs at `new`, and the statements to move them."""
        start, target = f"{self._origin.name}:{old}#", f"{self._origin.name}:{new}#"
        passages = known[old]["passages"]
        refs = {ref: target + ref[len(start) :] for ref in passages if ref.startswith(start)}
        statements = [
            self._statement("move_passages", before=list(refs), after=list(refs.values())),
            self._statement("drop_passages", refs=list(passages)),
            self._statement("drop_files", paths=[old]),
        ]
        return {after: passages[before] for before, after in refs.items()}, statements

    def _entry(self, document: Document, piece: Piece) -> Entry:
        return Entry(
            piece.text,
            self._kind,
            piece.ref,
            self._origin.audience,
            url=piece.url,
            author=document.author,
            event=self._event,
            source=self._origin.source,
            trust=document.trust,
        )

    def _statement(self, name: str, **fields: object) -> Statement:
        common = {"tenant": self._tenant, "source": self._origin.source, "kind": self._kind}
        return Statement(SQL[name], common | fields)


def _renames(wanted: Mapping[str, File], known: Mapping[str, Row]) -> dict[str, str]:
    """Return old paths by new ones, where a file has the content of one that is gone."""
    went = {row["hash"]: path for path, row in known.items() if path not in wanted}
    new = {path: file.hash for path, file in wanted.items() if path not in known}
    first = {went[hash]: path for path, hash in new.items() if hash in went}
    return {path: old for old, path in first.items()}


def _groups(paths: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(paths), size):
        yield paths[start : start + size]
