"""The desk of the memory: what a person may have it do by command.

Each command is one journaled step, and each result reads as Markdown:
`desk.shown(desk.forget("the login bug"))`.
"""

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any, Self

from shared.database import Database, Statement
from shared.desk import Loan
from shared.journal import Outcome
from shared.memory import Entry
from shared.memory.audience import Audiences, visible_from
from shared.memory.control.audit import Requester, record
from shared.memory.control.command_results import (
    NOT_THEIRS,
    NOTHING_TOLD,
    UNCLEAR,
    WRITERS_ONLY,
    CommandRefused,
    ExportResult,
    ForgetResult,
    KnowResult,
    RememberResult,
    WhyResult,
)
from shared.memory.control.forgetting import Forgetting, allow, allow_self
from shared.memory.control.listing import CitedMemory, Listing, Provenance, RecallingRun
from shared.memory.control.reach import (
    Reach,
    author_of,
    names_of,
    reach_from,
)
from shared.memory.control.subjects import Subject
from shared.memory.store import MemoryStore
from shared.memory.stored_text import digest_of
from shared.people.store import PeopleTable, names_on_github, unlinking
from shared.perception.helping import help_for
from shared.perception.writers import writer_of
from shared.settings import Settings

_RULE = "rule:"
#: How many memories are shown when none says exactly what was asked for.
_RELATED = 5


class MemoryDesk:
    """Control over the memory for the person who caused the event, from the place they ask in."""

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the control over the memory of the run's tenant."""
        return cls(loan)

    def __init__(self, loan: Loan) -> None:
        services = loan.services
        self._run = loan.run
        self._event = event = loan.run.event
        self._may_write = loan.may_write
        self._named = loan.named
        self._forgetting = Forgetting(services[Database])
        self._listing = Listing(services[Database])
        self._people = PeopleTable(services[Database])
        self._store = services[MemoryStore]
        self._audiences = services[Audiences]
        self._event_types = services[Settings].event_types
        self._requester = Requester(event.tenant, author_of(event), event.id)

    def help(self) -> str:
        """List the commands that some flow takes and that this person may give here; after one that
        they mistyped, name it. Empty where there is nothing to say."""
        names = {name.strip() for name in self._event_types.split(",")} - {""}
        return help_for(
            self._event, lambda type_: not names or type_ in names, writes=self._may_write()
        )

    def remember(self, text: str) -> RememberResult | CommandRefused:
        """Keep `text`.

        From people with write permission it is a fact, or after `rule:` a rule, also if somebody
        asked to forget it before. From others it is an episode, which other flows take only as
        something that was said, and not if it, or what they say, was to be forgotten.
        """
        event, is_writer = self._event, self._may_write()
        is_rule = text.lower().startswith(_RULE)
        text = text[len(_RULE) :].strip() if is_rule else text.strip()
        if not text:
            return CommandRefused(UNCLEAR)
        if is_rule and not is_writer:
            return CommandRefused(WRITERS_ONLY)
        kind = "rule" if is_rule else "fact" if is_writer else "episode"
        about = () if is_writer else (digest_of(text), names_of(event))

        def work() -> Outcome:
            if self._forgetting.is_closed(event, *about):
                return Outcome({"kind": ""})
            return Outcome({"kind": kind}, statements=self._keep(text, kind))

        done = self._run.step("remember", {"text": text, "kind": kind}, work)
        return RememberResult(done["kind"])

    def remember_picked(self) -> RememberResult | CommandRefused:
        """Keep the message that a person picked, as its own author's words, for those who can see
        it: a fact when the person may write there, and never a rule."""
        event, author, is_writer = self._event, writer_of(self._event), self._may_write()
        if author.is_bot or not event.text.strip():
            return CommandRefused(NOT_THEIRS)
        kind = "fact" if is_writer else "episode"
        names = frozenset({author.id, author.name})

        def work() -> Outcome:
            about = digest_of(event.text.strip()), names
            if self._forgetting.is_closed(event, *about, by_themselves=True):
                return Outcome({"kind": ""})
            return Outcome(
                {"kind": kind}, statements=self._stored(event.text.strip(), kind, author.id)
            )

        about = {"text": event.text, "kind": kind, "author": author.id}
        return RememberResult(self._run.step("remember", about, work)["kind"])

    def forget(self, text: str) -> ForgetResult | CommandRefused:
        """Delete what matches, as far as this person may, and keep it from coming back."""
        own = names_of(self._event)
        is_me = text.strip().lower() in {"me", "myself"}
        subject = Subject("author", tuple(sorted(own))) if is_me else Subject.parse(text)
        if subject is None:
            return CommandRefused(UNCLEAR)
        is_own = is_me or (subject.by == "author" and set(subject.names) <= own)
        reach = self._reach(own_only=is_own or not self._may_write())
        if reach.own_only and not is_own and subject.by in {"author", "source"}:
            return CommandRefused(WRITERS_ONLY)
        if subject.by == "source" and not reach.includes_place(subject.names[0]):
            return CommandRefused("Ask me that in the place itself, or ask an operator.")

        def work() -> Outcome:
            done = self._forgetting.forget(self._requester, subject, reach)
            if not is_me:
                return Outcome(done)
            for other, elsewhere in self._other_sides(reach):
                more = self._forgetting.forget(self._requester, other, elsewhere)
                done = {name: count + more.get(name, 0) for name, count in done.items()}
            return Outcome(done, statements=[unlinking(self._event)])

        done = self._run.step("forget", {"text": text}, work)
        return ForgetResult(done, is_me, is_finding=subject.by == "finding")

    def _other_sides(self, reach: Reach) -> Iterator[tuple[Subject, Reach]]:
        """Yield this person as the other platform knows them, with what is theirs there."""
        if self._event.source not in {"github", "slack"}:
            return
        for one in self._people.of(self._event):
            is_slack = self._event.source == "slack"
            own = names_on_github(one) if is_slack else frozenset({one.slack_user})
            platform = "github:" if is_slack else "slack:"
            yield (
                Subject("author", tuple(sorted(own))),
                replace(reach, platform=platform, own=own, own_only=True, place="", grounds=""),
            )

    def know(self, text: str) -> KnowResult | CommandRefused:
        """List what is known about something, as far as the readers here may see it."""
        subject = Subject.parse(text)
        if subject is None:
            return CommandRefused(UNCLEAR)
        reach = self._readable()
        if subject.by == "author":
            subject = subject._replace(names=self._people.both(self._event.tenant, subject.names))

        def work() -> Outcome:
            found, total = self._listing.know(self._event.tenant, subject, reach)
            related = [] if found or subject.by != "text" else self._related(text, reach)
            listed = {
                "found": [asdict(memory) for memory in found],
                "total": total,
                "related": [asdict(memory) for memory in related],
            }
            return self._audited(listed, "know", total)

        step = self._run.step("know", {"text": text}, work)
        found, related = ([CitedMemory(**one) for one in step[key]] for key in ("found", "related"))
        return KnowResult(found, step["total"], related)

    def why(self, text: str = "") -> WhyResult | CommandRefused:
        """Say where a memory came from, or with no `text` the last answer here."""
        subject = Subject.parse(text)
        if text.strip() and (subject is None or subject.by != "id"):
            return CommandRefused("Name a memory by its id, such as `m-1a2b3c4d`, or nothing.")
        reach, event = self._readable(), self._event

        def work() -> Outcome:
            if subject:
                found: Provenance | None = self._listing.why(event.tenant, subject.names[0], reach)
            else:
                found = self._listing.why_last(
                    event.tenant, event.conversation, self._run.id, reach
                )
            count = len(found.memories) if found else 0
            return self._audited(found and asdict(found), "why", count)

        told = self._run.step("why", {"text": text}, work)
        if told is None:
            return CommandRefused(NOTHING_TOLD)
        memories = tuple(CitedMemory(**one) for one in told["memories"])
        uses = tuple(RecallingRun(**one) for one in told["uses"])
        return WhyResult(Provenance(memories, uses), bool(subject))

    def export(self) -> ExportResult | CommandRefused:
        """Say how much may be exported from here, and how an operator does it."""
        if not self._may_write():
            return CommandRefused(WRITERS_ONLY)

        def work() -> Outcome:
            count = self._listing.count(self._event.tenant, self._reach())
            return self._audited(count, "export", count)

        return ExportResult(self._run.step("export", {}, work), self._event.tenant)

    def shown(self, result: object) -> str:
        """Return the Markdown of a result, with people by name."""
        return self._named(str(result))

    def _keep(self, text: str, kind: str) -> list[Statement]:
        event = self._event
        lifted = [allow_self(event, names_of(event))]
        if self._may_write():
            lifted = [
                allow(event.tenant, "digest", digest_of(text)),
                allow(event.tenant, "author", *names_of(event)),
            ]
        return [*lifted, *self._stored(text, kind, author_of(event))]

    def _stored(self, text: str, kind: str, author: str) -> list[Statement]:
        event = self._event
        entry = Entry(
            text,
            kind,
            ref="",
            audience=event.audience,
            url=event.url,
            author=author,
            event=event.id,
            source=event.scope,
            trust="inside" if self._may_write() else "outside",
        )
        kept = self._store.remember_all(event.tenant, [entry])
        if self._store.leaves_work(event.tenant, kept):
            self._run.wakes.add("upkeep")
        return [*kept, record(self._requester, "remember", memories=1)]

    def _related(self, text: str, reach: Reach) -> list[CitedMemory]:
        found = self._store.recall(
            self._event.tenant, text, audiences=reach.audiences, limit=_RELATED
        )
        return [CitedMemory.from_memory(memory) for memory in found]

    def _audited(self, output: Any, action: str, count: int) -> Outcome:
        return Outcome(output, statements=[record(self._requester, action, memories=count)])

    def _reach(self, *, own_only: bool = True) -> Reach:
        event = self._event
        visible = visible_from(event.audience, event.scope)
        return reach_from(event, visible, own_only=own_only)

    def _readable(self) -> Reach:
        """Return this person's reach for reading, which AUDIENCES may widen."""
        event = self._event
        visible = self._audiences.visible_from(event.audience, event.scope)
        return reach_from(event, self._audiences.existing(event.tenant, visible))
