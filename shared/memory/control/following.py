"""Following: memory follows what becomes of its sources, such as a repository that is renamed."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self
from uuid import UUID

from shared.database import Database, Row, Statement, queries
from shared.desk import Loan
from shared.errors import MemoryUnavailable
from shared.events import Event
from shared.journal import Outcome
from shared.memory import Entry
from shared.memory.control.audit import Requester, counts_of
from shared.memory.control.forgetting import Forgetting
from shared.memory.control.reach import OPERATOR, Reach, author_of
from shared.memory.control.subjects import Subject
from shared.memory.conversations.turns import stored_text
from shared.memory.store import MemoryStore
from shared.perception.departures import Departure, Retelling, departures, retold
from shared.settings import Settings

SQL = queries(__file__, "following.sql")

#: What stands in a conversation in place of an answer that repeats what nobody says any more.
INSTEAD = "(This answer is gone: it repeated what was edited or deleted.)"
#: How many memories are carried to another tenant at once, and what comes before the first id.
_PAGE, _FIRST = 200, "00000000-0000-0000-0000-000000000000"
_KNOWN = ("names", "unnumbered")
_MOVES = (
    "move_memories",
    "move_turns",
    "move_blocks",
    "move_findings",
    "move_quiet",
    "move_reminders",
    "move_channels",
    "move_answer_drafts",
    "move_signals",
    "move_files",
)


class FollowingDesk:
    """Lets the memory of the run's tenant follow its event."""

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def __init__(self, loan: Loan, event: Event | None = None) -> None:
        services = loan.services
        self._loan = loan
        self._run = loan.run
        self._event = event = event or loan.run.event
        self._database = services[Database]
        self._forgetting = Forgetting(services[Database])
        self._store = services[MemoryStore]
        self._tenant_of = services[Settings].tenant_of
        self._requester = Requester(event.tenant, author_of(event), event.id)

    def of(self, event: Event) -> Self:
        """Return the desk for an event that takes more away than that of the run tells."""
        return type(self)(self._loan, event)

    def follow(self) -> dict[str, int]:
        """Forget what this event takes away, rename what it moves, show to fewer people what it
        makes private, and replace what it edits. Returns counts.

        When a place comes back, it may be remembered again.
        """
        counts: dict[str, int] = {}
        for gone in departures(self._event, self._tenant_of):
            if gone.tenant:
                self._carry(gone)
            self._step(counts, gone, self._leave, gone)
        if told := retold(self._event):
            self._step(counts, told, self._retell if told.text else self._untell, told)
        return counts

    def _step(
        self, counts: dict[str, int], about: Any, work: Callable[[Any], Row], told: Any
    ) -> None:
        done = self._run.step("follow", about._asdict(), lambda: Outcome(work(told)))
        for name, count in done.items():
            counts[name] = counts.get(name, 0) + count

    def _carry(self, gone: Departure) -> None:
        """Give the memories of an owner to the tenant that it is from now on, before they go."""
        place = self._row(**_renaming(gone.place, gone.to))

        def blocks() -> Outcome:
            [rows] = self._all(Statement(SQL["blocks_of"], place))
            kept = [Statement(SQL["block"], row | {"tenant": gone.tenant}) for row in rows]
            self._database.run(gone.tenant, kept)
            return Outcome({"blocks": len(rows)})

        def carry() -> Outcome:
            page = place | {"after": after, "most": _PAGE}
            [rows] = self._all(Statement(SQL["page"], page))
            entries = [_entry(row, row["text"]) for row in rows]
            self._database.run(gone.tenant, self._store.remember_all(gone.tenant, entries))
            return Outcome({"last": rows[-1]["id"] if rows else ""})

        self._run.step("carry", {"what": "blocks"}, blocks)
        after = _FIRST
        while after:
            after = self._run.step("carry", {"after": after}, carry)["last"]

    def _leave(self, gone: Departure) -> Row:
        counts: Row = {}
        for place in self._names(gone):
            for name, count in self._leave_as(place, gone).items():
                counts[name] = counts.get(name, 0) + count
        return counts

    def _names(self, gone: Departure) -> list[str]:
        """Return the names of the place that the tenant knows: events come in any order."""
        number = self._event.repository_number
        if "#" in gone.place or not number:
            return [gone.place]
        owner = gone.place.partition("/")[0]
        wanted = self._row(number=number, owner=owner)
        known, unnumbered = (
            {row["place"] for row in rows}
            for rows in self._all(*(Statement(SQL[name], wanted) for name in _KNOWN))
        )
        had = set(filter(Reach(grounds=owner).includes_place, known))
        is_transferred = self._event.type == "github.repository.transferred"
        if is_transferred and not had and gone.place not in unnumbered and len(unnumbered) == 1:
            # It got another name too, and no other can have been its.
            return [*unnumbered]
        return sorted({gone.place, *had} - {gone.to})

    def _leave_as(self, place: str, gone: Departure) -> Row:
        to = "" if gone.tenant else gone.to
        note = self._note(place, to or (place if gone.audience else ""), gone.audience)
        if to:
            audit = self._requester.audit_id("move", place)
            row = self._row(audit=audit, audience=gone.audience, **_renaming(place, gone.to))
            moves = [Statement(SQL[name], row) for name in _MOVES]
            return self._counted(audit, note, *moves)
        if gone.audience:
            audit = self._requester.audit_id("tighten", place)
            row = self._row(audit=audit, place=place, audience=gone.audience)
            return self._counted(audit, note, Statement(SQL["tighten"], row))
        number = 0 if "#" in place else self._event.repository_number
        self._all(note, Statement(SQL["name"], self._row(place=place, number=number)))
        issue = "#" in place
        home, ref = place.partition("#")[0], place.partition(":")[2]
        subject = Subject("told", (home, ref, "")) if issue else Subject("source", (place,))
        return self._forgetting.forget(self._requester, subject, OPERATOR, blocks=False)

    def _untell(self, told: Retelling) -> Row:
        """Forget a text that was deleted."""
        row = self._row(conversations=self._conversations(told), address=told.address)
        said, _ = self._all(Statement(SQL["said"], row), self._note(told.address))
        self._all(self._unsay(row, said))
        subject = Subject("told", (told.home, "", told.address))
        return self._forgetting.forget(self._requester, subject, OPERATOR, blocks=False)

    def _retell(self, told: Retelling) -> Row:
        """Replace a text that was edited; raises MemoryUnavailable while a run is at work on it."""
        where = self._row(home=told.home, ref=told.ref, address=told.address)
        where |= {"conversations": self._conversations(told), "flow": self._run.flow}
        names = ("under_way", "told_at", "said")
        [[state], rows, said] = self._all(*(Statement(SQL[name], where) for name in names))
        # Once: what cannot end must not keep the old text. What comes later is kept out.
        if state["busy"] and self._run.attempt == 1:
            raise MemoryUnavailable(
                f"a run is at work on the text that event {self._event.id} edits"
            )
        whole = [row for row in rows if _is_whole(row, told.ref)]
        stale = [row for row in rows if row not in whole and not _says(told.text, row["text"])]
        fresh = [
            _entry(row, told.text, self._event.id) for row in whole if row["text"] != told.text
        ]
        text, audit = stored_text(told.text), self._requester.audit_id("retell", told.address)
        row = where | {"text": text, "audit": audit}
        row |= {"ids": [row["id"] for row in stale], "fresh": len(fresh)}
        return self._counted(
            audit,
            *([self._note(told.address)] if told.address else []),
            Statement(SQL["untell"], row),
            Statement(SQL["retell"], row),
            self._unsay(where, said, text),
            *self._store.remember_all(self._event.tenant, fresh),
        )

    def _conversations(self, told: Retelling) -> list[str]:
        """Return the conversations that hold the text."""
        if told.conversation.rpartition(":")[0] != told.home or ":D" not in told.home:
            return [told.conversation]
        row = self._row(home=told.home, address=told.address)
        [rows] = self._all(Statement(SQL["conversations_of"], row))
        return sorted({told.conversation, *(one["conversation"] for one in rows)})

    def _unsay(self, where: Row, said: Sequence[Row], now: str = "") -> Statement:
        gone = _words(row["text"] for row in said if row["here"])
        left = _words([now, *(row["text"] for row in said if not row["here"])])
        return Statement(SQL["unsay"], where | {"words": sorted(gone - left), "instead": INSTEAD})

    def _note(self, place: str, became: str = "", audience: str = "") -> Statement:
        row = {"place": place, "became": became, "audience": audience}
        return Statement(SQL["note"], self._row(at=self._event.received_at, **row))

    def _counted(self, audit: UUID, *statements: Statement) -> Row:
        *_, [done] = self._all(*statements, counts_of(self._event.tenant, audit))
        return dict(done["counts"])

    def _row(self, **fields: object) -> Row:
        return self._requester._asdict() | fields

    def _all(self, *statements: Statement) -> list[list[Row]]:
        return self._database.run(self._event.tenant, statements)


def _entry(row: Row, text: str, event: str = "") -> Entry:
    names = ("kind", "ref", "audience", "url", "author", "source", "trust", "flow")
    return Entry(text, event=event, **{name: row[name] for name in names})


def _renaming(place: str, became: str) -> dict[str, str]:
    """Return the parameters of a move: places, the repositories that they lie in, and the names and
    the paths of both."""
    row: dict[str, str] = {"place": place, "became": became}
    for prefix, one in (("", place), ("new_", became)):
        name = one.partition(":")[2]
        home, _, number = one.partition("#")
        path = f"{home.partition(':')[2]}/issues/{number}" if number else name
        row |= {f"{prefix}name": name, f"{prefix}path": path, f"{prefix}home": home}
    return row


def _says(text: str, part: str) -> bool:
    return " ".join(part.split()) in " ".join(text.split())


def _is_whole(row: Row, ref: str) -> bool:
    """Does the memory hold all of an issue or a comment, so that it goes on with the new text?"""
    of_issue = row["kind"] == "issue" and row["ref"] == ref
    return bool(row["holds"]) and (of_issue or row["kind"] == "comment")


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in re.findall(r"\w{4,}", text.lower())}
