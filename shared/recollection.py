"""Recollection: what one run remembers and recalls, each as a journaled step, and for whom."""

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from shared.database import Statement
from shared.journal import Outcome, Run
from shared.memory import Memory
from shared.memory.audience import visible_from
from shared.memory.conversations import Conversations, Turn
from shared.memory.store import MemoryStore

#: How many earlier turns of a conversation the model is shown.
_TURNS = 20


class Recollection:
    """The memory of one run: the conversation that it is in, and what is remembered beyond it.

    What a flow remembers is its own, unless its kind is one of those that the flow `shares`.
    """

    def __init__(
        self,
        run: Run,
        store: MemoryStore,
        conversations: Conversations,
        shares: Collection[str] = (),
    ) -> None:
        self._run = run
        self._event = run.event
        self._store = store
        self._conversations = conversations
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
            "audiences": sorted(visible_from(self._event.audience, self._event.scope)),
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
                audiences=frozenset(arguments["audiences"]),
                limit=limit,
                exclude_ref=arguments["exclude_ref"],
                flow=self._run.flow,
                since=since,
                until=until,
            )
            return Outcome(
                [asdict(m) | {"remembered_at": m.remembered_at.isoformat()} for m in found],
                statements=[self._store.used(tenant, [m.id for m in found])] if found else [],
            )

        rows = self._run.step("recall", arguments, work, defer=True)
        return [
            Memory(**row | {"remembered_at": datetime.fromisoformat(row["remembered_at"])})
            for row in rows
        ]

    def remember(self, text: str, *, kind: str, ref: str = "") -> None:
        """Keep `text` for later, visible to those who could see this event. The same `ref` is
        replaced."""
        event = self._event
        ref = ref or event.conversation

        def work() -> Outcome:
            statement = self._store.remember(
                event.tenant,
                text,
                kind=kind,
                ref=ref,
                url=event.url,
                audience=event.audience,
                author=event.actor.name,
                event=event.id,
                source=event.scope,
                trust="inside" if event.actor.may_write else "outside",
                flow="" if kind in self._shares else self._run.flow,
            )
            return Outcome({"ref": ref}, statements=[statement])

        self._run.step("remember", {"text": text, "kind": kind, "ref": ref}, work, defer=True)

    def turns(self) -> list[Turn]:
        """Return the newest turns of the event's conversation, oldest first."""
        event = self._event

        def work() -> Outcome:
            turns = self._conversations.turns(event.tenant, event.conversation, _TURNS)
            return Outcome([[turn.role, turn.author, turn.text] for turn in turns])

        arguments = {"conversation": event.conversation}
        return [Turn(*row) for row in self._run.step("turns", arguments, work, defer=True)]

    def exchange(self, answer: str) -> list[Statement]:
        """Return the statements that append the event's text and its answer as turns."""
        event, append = self._event, self._conversations.append
        turns = (
            Turn("user", event.actor.name, event.text),
            Turn("assistant", self._run.flow, answer),
        )
        return [append(event.tenant, event.conversation, turn, event.id) for turn in turns]
