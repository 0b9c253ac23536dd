"""Recollection: what one run remembers and recalls, each as a journaled step, and for whom."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from shared.database import Statement
from shared.errors import PolicyError
from shared.journal import Outcome, Run
from shared.memory import Memory
from shared.memory.audience import Audiences
from shared.memory.conversations.turns import Conversations, Origin, Turn, Window
from shared.memory.store import MemoryStore


class Recollection:
    """The memory of one run: the conversation that it is in, and what is remembered beyond it.

    What a flow remembers is its own, unless its kind is one of those that the flow `shares`.
    """

    def __init__(
        self,
        run: Run,
        store: MemoryStore,
        conversations: Conversations,
        audiences: Audiences,
        shares: Collection[str] = (),
    ) -> None:
        self._run = run
        self._event = run.event
        self._store = store
        self._conversations = conversations
        self._audiences = audiences
        self._shares = shares

    def recall(
        self,
        query: str,
        *,
        kinds: Iterable[str] = (),
        limit: int = 5,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Memory]:
        """Return what is remembered about `query`, best first, as far as the readers of this event
        may see it.

        What the event's own issue left in memory is not returned: the event says it better. `since`
        leaves out what was remembered before it; `until` asks what held at that time. Each memory
        returned counts as used.
        """
        about = self._event.issue_target
        arguments: dict[str, Any] = {
            "query": query,
            "kinds": sorted(kinds),
            "limit": limit,
            "audiences": sorted(
                self._audiences.visible_from(self._event.audience, self._event.scope)
            ),
            "exclude_ref": about.ref if about else "",
        }
        if since or until:
            arguments |= {
                "since": since and since.isoformat(),
                "until": until and until.isoformat(),
            }

        def work() -> Outcome:
            tenant = self._event.tenant
            found = self._store.recall(
                tenant,
                query,
                kinds=frozenset(arguments["kinds"]),
                audiences=self._audiences.existing(self._event.tenant, arguments["audiences"]),
                limit=limit,
                exclude_ref=arguments["exclude_ref"],
                flow=self._run.flow,
                since=since,
                until=until,
            )
            return Outcome(
                [m._asdict() | {"remembered_at": m.remembered_at.isoformat()} for m in found],
                statements=[self._store.used(tenant, [m.id for m in found])] if found else [],
            )

        rows = self._run.step("recall", arguments, work, defer=True)
        return [
            Memory(**row | {"remembered_at": datetime.fromisoformat(row["remembered_at"])})
            for row in rows
        ]

    def remember(self, text: str, *, kind: str, ref: str = "") -> None:
        """Keep `text` for later, visible to those who could see this event. The same `ref` is
        replaced.

        Raises PolicyError for a `rule` when who caused the event may not write at its source.
        """
        event = self._event
        if kind == "rule" and not event.actor.may_write:
            raise PolicyError(
                f"{self._run.flow}: an actor with the role {event.actor.role} cannot set a rule;"
                " rules need write permission"
            )
        ref = ref or event.conversation

        def work() -> Outcome:
            statement = self._store.remember(
                event.tenant,
                text,
                kind=kind,
                ref=ref,
                author=event.actor.name,
                event=event.id,
                **self._origin(kind)._asdict(),
            )
            return Outcome({"ref": ref}, statements=[statement])

        self._run.step("remember", {"text": text, "kind": kind, "ref": ref}, work, defer=True)

    def episode(self, what: str, outcome: str) -> None:
        """Keep what this run did and what came of it; said again, it is replaced."""
        self.remember(f"{what}\nOutcome: {outcome}", kind="episode", ref=self._run.id)

    def window(self) -> Window:
        """Return what of the event's conversation fits before a model."""
        event = self._event

        def work() -> Outcome:
            window = self._conversations.window(event.tenant, event.conversation)
            return Outcome(window._asdict())

        arguments = {"conversation": event.conversation}
        row = self._run.step("turns", arguments, work, defer=True)
        turns = {name: tuple(Turn(*turn) for turn in row[name]) for name in ("older", "newest")}
        return Window(**row | turns)

    def summarise(self, window: Window, text: str) -> Statement:
        """Return the statement that keeps `text` as what the window's older turns come to."""
        return self._conversations.summarise(
            self._event.tenant, self._event.conversation, window, text
        )

    def exchange(self, answer: str) -> list[Statement]:
        """Return the statements that append the event's text and its answer as turns."""
        event, append = self._event, self._conversations.append
        origin = self._origin("fact")
        turns = (
            Turn("user", event.actor.name, event.text),
            Turn("assistant", self._run.flow, answer),
        )
        return [append(event.tenant, event.conversation, turn, event.id, origin) for turn in turns]

    def _origin(self, kind: str) -> Origin:
        """Say where the event's text was said, and whose memory of `kind` it makes."""
        event = self._event
        return Origin(
            url=event.url,
            audience=event.audience,
            source=event.scope,
            trust="inside" if event.actor.may_write else "outside",
            flow="" if kind in self._shares else self._run.flow,
        )
