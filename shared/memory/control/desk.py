"""The commands of the memory: a person has it remember, list, explain, forget or export.

Each command is one journaled step, and each result reads as Markdown:
`str(agent.desk(MemoryDesk).forget("the login bug"))`.
"""

from dataclasses import asdict
from typing import Any, Self

from shared.database import Database, Statement
from shared.desk import Loan
from shared.events import Event
from shared.journal import Outcome, Run
from shared.memory import Entry
from shared.memory.audience import Audiences, visible_from
from shared.memory.control.command_results import (
    NOTHING_TOLD,
    UNCLEAR,
    WRITERS_ONLY,
    Explained,
    Exported,
    Forgotten,
    Listed,
    Refused,
    Remembered,
    command_lines,
)
from shared.memory.control.forgetting import (
    OPERATOR,
    Known,
    MemoryControl,
    Origin,
    Reach,
    Request,
    Subject,
    Use,
)
from shared.memory.store import MemoryStore
from shared.memory.stored_text import digest_of
from shared.perception.departures import departures
from shared.settings import Settings

_RULE = "rule:"
_RELATED = 5


class MemoryDesk:
    """Control over the memory by the person who caused the event, from the place they ask in."""

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the control over the memory of the run's tenant."""
        of = loan.services
        control, wanted = MemoryControl(of[Database]), of[Settings].event_types
        return cls(loan.run, control, of[MemoryStore], of[Audiences], wanted)

    def __init__(
        self,
        run: Run,
        control: MemoryControl,
        store: MemoryStore,
        audiences: Audiences,
        event_types: str,
    ) -> None:
        """`event_types` are those that some flow takes, as the setting EVENT_TYPES names them."""
        self._run = run
        self._event_types = event_types
        self._event = run.event
        self._control = control
        self._store = store
        self._audiences = audiences
        self._request = Request(run.event.tenant, _author(run.event), run.event.id)

    def help(self) -> str:
        """List the commands that this person may give here, of those that some flow takes."""
        return command_lines(self._event_types, self._event.source, may_write(self._event))

    def remember(self, text: str) -> Remembered | Refused:
        """Keep what somebody asks to remember, in place of a wish to forget it.

        From those with write permission it is a fact, or after `rule:` a rule; from others an
        episode, which no other flow takes for more than something that was said.
        """
        is_rule = text.lower().startswith(_RULE)
        text = text[len(_RULE) :].strip() if is_rule else text.strip()
        if not text:
            return Refused(UNCLEAR)
        if is_rule and not may_write(self._event):
            return Refused(WRITERS_ONLY)
        kind = "rule" if is_rule else "fact" if may_write(self._event) else "episode"

        def work() -> Outcome:
            event = self._event
            if self._control.is_closed(event.tenant, event.scope, event.audience):
                return Outcome({"kind": ""})
            return Outcome({"kind": kind}, statements=self._keep(text, kind))

        done = self._run.step("remember", {"text": text, "kind": kind}, work)
        return Remembered(done["kind"])

    def forget(self, text: str) -> Forgotten | Refused:
        """Delete what matches, as far as this person may, and keep it from coming back."""
        own = _names(self._event)
        is_me = text.strip().lower() in {"me", "myself"}
        subject = Subject("author", tuple(sorted(own))) if is_me else Subject.parse(text)
        if subject is None:
            return Refused(UNCLEAR)
        is_own = is_me or (subject.by == "author" and set(subject.names) <= own)
        reach = self._reach(own_only=is_own or not may_write(self._event))
        if reach.own_only and not is_own and subject.by in {"author", "source"}:
            return Refused(WRITERS_ONLY)
        if subject.by == "source" and not _is_within(subject.names[0], reach.grounds):
            return Refused("Ask me that in the place itself, or ask an operator.")

        def work() -> Outcome:
            return Outcome(self._control.forget(self._request, subject, reach))

        return Forgotten(self._run.step("forget", {"text": text}, work), is_me)

    def know(self, text: str) -> Listed | Refused:
        """List what is known about something, as far as the readers here may see it."""
        subject = Subject.parse(text)
        if subject is None:
            return Refused(UNCLEAR)
        reach = self._reach(granted=True)
        event = self._event

        def work() -> Outcome:
            found, total = self._control.know(event.tenant, subject, reach)
            related = [] if found or subject.by != "text" else self._related(text, reach)
            listed = {"found": [asdict(one) for one in found], "total": total, "related": related}
            return self._audited(listed, "know", total)

        step = self._run.step("know", {"text": text}, work)
        found, related = ([Known(**one) for one in step[name]] for name in ("found", "related"))
        return Listed(text, found, step["total"], related)

    def why(self, text: str = "") -> Explained | Refused:
        """Say where a memory, or with no `text` what the last answer here used, came from."""
        subject = Subject.parse(text)
        if text.strip() and (subject is None or subject.by != "id"):
            return Refused("Name a memory by its id, such as `m-1a2b3c4d`, or nothing.")
        reach, event = self._reach(granted=True), self._event

        def work() -> Outcome:
            if subject:
                origin: Origin | None = self._control.why(event.tenant, subject.names[0], reach)
            else:
                origin = self._control.why_last(
                    event.tenant, event.conversation, self._run.id, reach
                )
            told = origin and asdict(origin)
            return self._audited(told, "why", len(origin.memories) if origin else 0)

        told = self._run.step("why", {"text": text}, work)
        if told is None:
            return Refused(NOTHING_TOLD)
        memories = tuple(Known(**one) for one in told["memories"])
        return Explained(Origin(memories, tuple(Use(**one) for one in told["uses"])), bool(subject))

    def export(self) -> Exported | Refused:
        """Say how much may be exported from here, and how an operator does it."""
        if not may_write(self._event):
            return Refused(WRITERS_ONLY)

        def work() -> Outcome:
            count = self._control.count(self._event.tenant, self._reach())
            return self._audited(count, "export", count)

        return Exported(self._run.step("export", {}, work), self._event.tenant)

    def withdraw(self) -> dict[str, int]:
        """Forget the places that this event takes away, or show them to fewer; return the
        counts. They may be remembered again when they come back."""
        counts: dict[str, int] = {}
        for gone in departures(self._event):

            def work(place: str = gone.place, audience: str = gone.audience) -> Outcome:
                if audience:
                    narrowed = self._control.tighten(self._request, place, audience)
                    return Outcome({"narrowed": narrowed})
                subject = Subject("source", (place,))
                done = self._control.forget(self._request, subject, OPERATOR, blocks=False)
                return Outcome(done)

            for name, count in self._run.step("withdraw", gone._asdict(), work).items():
                counts[name] = counts.get(name, 0) + count
        return counts

    def _keep(self, text: str, kind: str) -> list[Statement]:
        event, control = self._event, self._control
        own = may_write(event)
        entry = Entry(
            text,
            kind,
            "",
            event.audience,
            event.url,
            _author(event),
            event.id,
            event.scope,
            "inside" if own else "outside",
        )
        return [
            control.allow(event.tenant, "digest", digest_of(text)),
            control.allow(event.tenant, "author", *_names(event)),
            *self._store.remember_all(event.tenant, [entry]),
            control.record(self._request, "remember", memories=1),
        ]

    def _related(self, text: str, reach: Reach) -> list[dict[str, Any]]:
        found = self._store.recall(
            self._event.tenant, text, audiences=reach.audiences, limit=_RELATED
        )
        return [
            asdict(
                Known(
                    m.id,
                    m.kind,
                    m.ref,
                    m.text,
                    m.url,
                    m.author,
                    "",
                    m.trust,
                    "",
                    m.remembered_at.isoformat(),
                )
            )
            for m in found
        ]

    def _audited(self, output: Any, action: str, count: int) -> Outcome:
        record = self._control.record(self._request, action, memories=count)
        return Outcome(output, statements=[record])

    def _reach(self, *, own_only: bool = True, granted: bool = False) -> Reach:
        """What this person reaches from here; what AUDIENCES opens is there to read, not to
        forget."""
        event = self._event
        visible = visible_from(event.audience, event.scope)
        if granted:
            opened = self._audiences.visible_from(event.audience, event.scope)
            visible = self._audiences.existing(event.tenant, opened)
        grounds = event.scope
        if event.source == "slack":
            grounds = ":".join(event.scope.split(":")[:2])
        return Reach(
            audiences=visible,
            place=event.scope,
            grounds=grounds,
            platform=f"{event.source}:",
            own=_names(event),
            own_only=own_only,
        )


def may_write(event: Event) -> bool:
    """May who caused `event` change what others are told? Never where another company reads."""
    return event.actor.may_write and not event.audience.startswith("shared:")


def _author(event: Event) -> str:
    """Who it was, as a memory names its author: a name can be chosen in Slack, the id cannot."""
    return event.actor.id if event.source == "slack" else event.actor.name


def _names(event: Event) -> frozenset[str]:
    return frozenset({_author(event), event.actor.id} - {""})


def _is_within(place: str, region: str) -> bool:
    place, region = place.lower(), region.lower()
    return bool(region) and (
        place == region or (place.startswith(region) and place[len(region)] in "/#:")
    )
