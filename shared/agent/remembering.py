"""Remembering: one run remembers and recalls, each as a journaled step, for its readers."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from shared.errors import NotPermitted, PolicyError
from shared.events import Event
from shared.journal import Outcome, Run
from shared.memory import Entry, Memory, Trust
from shared.memory.attribution import is_trusted, lowest, trust_of
from shared.memory.audience import Audiences, narrowed
from shared.memory.conversations.turns import Origin, window_of
from shared.memory.store import MemoryStore
from shared.metrics import measure
from shared.perception.writers import writer_of


class Remembering:
    """The long-term memory of one run.

    A flow recalls its own memories only, and those of the kinds that a flow `shares`.
    """

    def __init__(
        self,
        run: Run,
        store: MemoryStore,
        audiences: Audiences,
        may_write: Callable[[], bool],
        shares: Collection[str],
    ) -> None:
        self._run = run
        self._event = run.event
        self._store = store
        self._audiences = audiences
        self._may_write = may_write
        self._shares = shares

    def recall(self, query: str, *, kinds: Iterable[str], limit: int) -> list[Memory]:
        """Do as `Agent.recall` says; each memory that is returned counts as used."""
        event = self._event
        about = event.issue_target
        visible = self._audiences.visible_from(event.audience, event.scope)
        arguments: dict[str, Any] = {
            "query": query,
            "kinds": sorted(kinds),
            "limit": limit,
            "audiences": sorted(narrowed(visible, self._run.channel, event.audience)),
            "exclude_ref": about.ref if about else "",
        }

        def work() -> Outcome:
            begun = time.perf_counter()
            found = self._store.recall(
                event.tenant,
                query,
                kinds=frozenset(arguments["kinds"]),
                audiences=self._audiences.existing(event.tenant, arguments["audiences"]),
                limit=limit,
                exclude_ref=arguments["exclude_ref"],
                flow=self._run.flow,
            )
            used = [self._store.used(event.tenant, [m.id for m in found])] if found else []
            seconds = time.perf_counter() - begun
            values = {"Recalls": 1, "RecallSeconds": seconds, "Recalled": len(found)}
            measure("recalled", values, flow=self._run.flow, run=self._run.id)
            return Outcome([_plain(memory) for memory in found], statements=used)

        rows = self._run.step("recall", arguments, work, defer=True)
        return [_memory(row) for row in rows]

    def remember(self, text: str, *, kind: str, ref: str) -> None:
        """Do as `Agent.remember` says."""
        event = self._event
        if kind == "rule" and not self._may_write():
            raise NotPermitted(f"{self._run.flow}: rules need write permission in their place")
        origin = origin_of(event, "" if kind in self._shares else self._run.flow)
        author = writer_of(event).name
        from_members = heard_members_only(self._run)
        # Whoever chooses a part of what a member said can turn it around.
        may_choose = from_members or not is_trusted(origin.trust)
        if not (_is_part(text, event.text) if may_choose else _is_all(text, event.text)):
            # The words of a model, or of the flow: made in this event, of all that the run saw.
            trust: Trust = "own" if from_members else "own_outside"
            origin, author = origin._replace(trust=trust), event.actor.name
        if kind == "rule" and not is_trusted(origin.trust):
            raise PolicyError(f"{self._run.flow}: what outsiders said cannot become a rule")
        ref = ref or (self._run.id if kind == "episode" else event.conversation)

        def work() -> Outcome:
            entry = Entry(text, kind, ref, author=author, event=event.id, **origin._asdict())
            keeping = self._store.remember_all(event.tenant, [entry])
            if self._store.leaves_work(event.tenant, keeping):
                self._run.wakes.add("upkeep")
            return Outcome({"ref": ref}, statements=keeping)

        self._run.step("remember", {"text": text, "kind": kind, "ref": ref}, work, defer=True)


def heard_members_only(run: Run) -> bool:
    """Did nothing that a run was shown until now come from outsiders?"""
    shown = [trust for output in run.inputs for trust in _trusts(output)]
    return is_trusted(lowest([trust_of(run.event), *shown]))


def origin_of(event: Event, flow: str) -> Origin:
    """Return the place where the event's text was said; `flow` alone recalls it, or all if ''."""
    return Origin(event.url, event.audience, event.scope, trust_of(event), flow)


def _is_part(text: str, whole: str) -> bool:
    """Does a person's text hold these words as they stand?"""
    return " ".join(text.split()) in " ".join(whole.split())


def _is_all(text: str, whole: str) -> bool:
    return text.split() == whole.split()


def _trusts(shown: Any) -> Iterator[Trust]:
    """Yield the trust of each text that a step showed; what a platform tells may be anybody's."""
    if isinstance(shown, dict) and {"older", "newest"} <= shown.keys():
        window = window_of(shown)
        yield window.trust if window.summary else "inside"
        yield from (turn.trust for turn in (*window.older, *window.newest))
    elif isinstance(shown, list) and all(isinstance(one, dict) and "trust" in one for one in shown):
        yield from (one["trust"] for one in shown)
    else:
        yield "outside"


def _plain(memory: Memory) -> dict[str, Any]:
    return memory._asdict() | {"remembered_at": memory.remembered_at.isoformat()}


def _memory(row: dict[str, Any]) -> Memory:
    return Memory(**row | {"remembered_at": datetime.fromisoformat(row["remembered_at"])})
