"""Control over the memory: forget, list and hand out what is remembered, with an audit row each."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal, NamedTuple
from uuid import UUID

from shared.database import Database, Row, Statement, queries
from shared.errors import SettingsError
from shared.memory.stored_text import storable

SQL = queries(__file__, "store.sql")

By = Literal["text", "ref", "author", "source", "id"]
#: How much of a list is read at a time for an export.
_PAGE = 500
#: Words of a subject that count; more than these would make the comparison slow.
_WORDS = 20
#: What is looked for of a word, in characters.
_LONGEST = 200
#: Nothing has a longer name: a ref that is longer is cut, see REF_CHARACTERS.
_LONGEST_NAME = 540
_ARTICLES = frozenset({"the", "a", "an", "my", "our", "your"})
_ID = re.compile(r"(?:id:|m-)?([0-9a-f]{8}-[0-9a-f-]{27})|(?:id:|m-)([0-9a-f]{8}[0-9a-f-]{0,28})")
_REF = re.compile(r"ref:(\S+)|([\w.-]+/[\w.-]+#\d+)")
_PERSON = re.compile(r"author:(\S+)|@([\w-]+)|<@(\w+)(?:\|[^>]*)?>")


class Subject(NamedTuple):
    """What somebody names: the words of a text, a subject, persons, a place, or one memory."""

    by: By
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Subject | None":
        """Read `acme/shop#7`, `@ada`, `source:github:acme/shop`, `m-1a2b3c4d`, or words.

        None when nothing is left to look for, or when it is longer than a name can be.
        """
        text = storable(text).strip()
        found = _named(text)
        if found is None:
            return cls("text", tuple(words)) if (words := _words(text)) else None
        return found if len(found.names[0]) <= _LONGEST_NAME else None

    @property
    def patterns(self) -> list[str]:
        """One regular expression per word: each must be found, as a whole word."""
        return [_pattern(name) for name in self.names] if self.by == "text" else []


@dataclass(frozen=True)
class Reach:
    """What somebody may see and delete from where they ask; an operator's has no bounds.

    They see what `audiences` may, and delete of it what was said within `grounds`, and what they
    said themselves (as one of `own`, on their `platform`); with `own_only` only that. Turns and
    records go where they lie in `place`. Who names themselves deletes what they said anywhere.
    """

    audiences: frozenset[str] = frozenset()
    place: str = ""
    grounds: str = ""
    platform: str = ""
    own: frozenset[str] = frozenset()
    own_only: bool = True
    everywhere: bool = False

    @property
    def parameters(self) -> dict[str, object]:
        return {
            "audiences": sorted(self.audiences),
            "place": self.place,
            "grounds": self.grounds,
            "platform": self.platform,
            "own": sorted(self.own),
            "own_only": self.own_only and not self.everywhere,
            "everywhere": self.everywhere,
        }


OPERATOR = Reach(everywhere=True)


class Request(NamedTuple):
    """Who asks, and in which event. One request has one audit row, however often it runs."""

    tenant: str
    actor: str
    event: str

    def audit(self, action: str, *about: str) -> UUID:
        told = json.dumps([self.tenant, self.actor, self.event, action, *about])
        return UUID(bytes=sha256(told.encode()).digest()[:16])


@dataclass(frozen=True)
class Known:
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


@dataclass(frozen=True)
class Use:
    """A run that recalled a memory."""

    run: str
    flow: str
    at: str


@dataclass(frozen=True)
class Origin:
    """Where an answer or a memory came from: the memories, and who used them."""

    memories: tuple[Known, ...] = ()
    uses: tuple[Use, ...] = ()


class MemoryControl:
    """What one database remembers, under control. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def forget(
        self, request: Request, subject: Subject, reach: Reach, *, blocks: bool = True
    ) -> dict[str, int]:
        """Delete what matches within `reach`, and return the counts per table.

        With `blocks` it is not remembered again. A second call of the same request deletes nothing
        and returns what the first did. Raises DatabaseUnavailable.
        """
        audit = request.audit("forget", subject.by, *subject.names)
        row = self._row(request, subject, reach) | {"audit": audit, "blocks": blocks}
        names = ("forget", "lock_prompt_cache", "forget_prompts", "counts")
        rows = self._database.run(request.tenant, [Statement(SQL[name], row) for name in names])
        return dict(rows[-1][0]["counts"])

    def know(
        self, tenant: str, subject: Subject, reach: Reach, limit: int = 20
    ) -> tuple[list[Known], int]:
        """Return the newest memories that match and that `reach` sees, and how many there are."""
        row = self._row(Request(tenant, "", ""), subject, reach) | {"limit": limit}
        [rows] = self._database.run(tenant, [Statement(SQL["know"], row)])
        return [_known(found) for found in rows], rows[0]["total"] if rows else 0

    def why(self, tenant: str, id_: str, reach: Reach) -> Origin:
        """Return where one memory came from, and which runs recalled it."""
        found, _ = self.know(tenant, Subject("id", (id_,)), reach, 2)
        if len(found) != 1:
            return Origin()
        uses = Statement(SQL["users"], {"tenant": tenant, "id": found[0].id})
        [rows] = self._database.run(tenant, [uses])
        return Origin(
            tuple(found),
            tuple(Use(row["id"], row["flow"], row["started_at"].isoformat()) for row in rows),
        )

    def why_last(self, tenant: str, conversation: str, run: str, reach: Reach) -> Origin | None:
        """Return what the last answer in a conversation, before `run`, had recalled; None when
        nothing was answered there."""
        asked = {"tenant": tenant, "conversation": conversation, "run": run}
        [rows] = self._database.run(tenant, [Statement(SQL["last_answer"], asked)])
        if not rows:
            return None
        shown = {"tenant": tenant, "ids": rows[0]["memories"]} | reach.parameters
        [found] = self._database.run(tenant, [Statement(SQL["memories"], shown)])
        return Origin(tuple(map(_known, found)), (Use(rows[0]["id"], rows[0]["flow"], ""),))

    def export(self, tenant: str, reach: Reach) -> Iterator[Row]:
        """Yield every memory that `reach` may see, history too, a page at a time."""
        row = {"tenant": tenant, "limit": _PAGE} | reach.parameters
        after = str(UUID(int=0))
        while after:
            page = Statement(SQL["export"], row | {"after": after})
            [rows] = self._database.run(tenant, [page])
            yield from rows
            after = rows[-1]["id"] if len(rows) == _PAGE else ""

    def count(self, tenant: str, reach: Reach) -> int:
        row = {"tenant": tenant} | reach.parameters
        [rows] = self._database.run(tenant, [Statement(SQL["count"], row)])
        return int(rows[0]["memories"])

    def tighten(self, request: Request, source: str, audience: str) -> int:
        """Show what was public at `source` to `audience` alone; return how many memories."""
        audit = request.audit("tighten", source)
        row = request._asdict() | {"audit": audit, "source": source, "audience": audience}
        names = ("tighten", "counts")
        rows = self._database.run(request.tenant, [Statement(SQL[name], row) for name in names])
        return int(rows[-1][0]["counts"]["memories"])

    def blocks(self, tenant: str) -> list[Row]:
        return self._database.run(tenant, [Statement(SQL["blocks"], {"tenant": tenant})])[0]

    def is_closed(self, tenant: str, source: str, audience: str) -> bool:
        """Return whether somebody asked to forget for good what `audience` sees of `source`."""
        row = {"tenant": tenant, "source": source, "audience": audience}
        return bool(self._database.run(tenant, [Statement(SQL["closed"], row)])[0][0]["closed"])

    def allow(self, tenant: str, by: str, *names: str) -> Statement:
        """Return the statement that lets something be remembered again."""
        return Statement(SQL["allow"], {"tenant": tenant, "by": by, "names": list(names)})

    def record(self, request: Request, action: str, **counts: int) -> Statement:
        """Return the statement that keeps an audit row."""
        row = request._asdict() | {"audit": request.audit(action), "action": action}
        return Statement(SQL["record"], row | {"counts": json.dumps(counts)})

    def note(self, request: Request, action: str, **counts: int) -> None:
        """Keep an audit row now."""
        self._database.run(request.tenant, [self.record(request, action, **counts)])

    def lift(self, request: Request, by: str, name: str) -> int:
        """Let something be remembered again, and return how many blocks that were."""
        [rows] = self._database.run(request.tenant, [self.allow(request.tenant, by, name)])
        self.note(request, f"allow {by}", memory_blocks=len(rows))
        return len(rows)

    def audit(self, tenant: str, limit: int) -> list[Row]:
        row = {"tenant": tenant, "limit": limit}
        return self._database.run(tenant, [Statement(SQL["audit"], row)])[0]

    def _row(self, request: Request, subject: Subject, reach: Reach) -> dict[str, object]:
        names = list(subject.names)
        if subject.by == "text":  # the longest first: looked for alone, it rules most out
            names = sorted((name[:_LONGEST].lower() for name in names), key=len, reverse=True)
        about = {
            "by": subject.by,
            "names": names,
            "patterns": [pattern.lower() for pattern in subject.patterns],
        }
        return request._asdict() | about | reach.parameters


def expiry(retention: str) -> Statement | None:
    """Return the statement that applies MEMORY_RETENTION to every tenant; None when all is kept.

    Raises SettingsError when it is no JSON of kinds and days.
    """
    if not retention.strip():
        return None
    try:
        kept = json.loads(retention)
    except ValueError:
        kept = None
    if not isinstance(kept, dict) or not all(
        type(days) is int and 0 < days < 100_000 for days in kept.values()
    ):
        raise SettingsError(
            'MEMORY_RETENTION is no JSON object of days; expected such as {"episode": 90}'
        )
    return Statement(SQL["expire"], {"kept": json.dumps(kept)})


def _known(row: Row) -> Known:
    fields: dict[str, Any] = {name: row[name] for name in Known.__dataclass_fields__}
    at: datetime = row["remembered_at"]
    return Known(**fields | {"remembered_at": at.isoformat()})


def _named(text: str) -> Subject | None:
    """What `text` names by its form; None when it is words."""
    if found := _ID.fullmatch(text):
        return Subject("id", (found[1] or found[2],))
    if found := _REF.fullmatch(text):
        return Subject("ref", (found[1] or found[2],))
    if found := _PERSON.fullmatch(text):
        return Subject("author", (found[1] or found[2] or found[3],))
    if text.startswith("source:") and len(text.split()) == 1 and text != "source:":
        return Subject("source", (text.removeprefix("source:"),))
    return None


def _words(text: str) -> list[str]:
    """The words to look for, without articles and the punctuation around them."""
    bare = [word.strip("\"'“”‘’`.,;:!?()") for word in text.split()]
    words = [word for word in bare if re.search(r"\w", word)]
    return ([word for word in words if word.lower() not in _ARTICLES] or words)[:_WORDS]


def _pattern(word: str) -> str:
    """A Postgres pattern that finds `word` as a whole; scripts without spaces have no such."""
    left = r"(^|[^a-z0-9_])" if re.match(r"[A-Za-z0-9_]", word) else ""
    right = r"($|[^a-z0-9_])" if re.search(r"[A-Za-z0-9_]$", word) else ""
    return left + re.sub(r"([^\w])", r"\\\1", word[:_LONGEST]) + right
