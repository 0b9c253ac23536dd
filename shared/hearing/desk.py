"""The desk of what a run answers: all that its author said in a row, as it is when the answer
begins. The runs of the later messages end as they begin. An edited question is answered anew."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from shared.actions.slack.heard.queries import ReadSince
from shared.agent.context import Attached, shown
from shared.agent.conversation import Conversation
from shared.database import Database, Statement, queries
from shared.desk import Loan
from shared.errors import ActionError
from shared.events import MENTION, RETRY, Event, Json, Thread, run_id
from shared.journal import Outcome
from shared.log import log
from shared.perception import string
from shared.perception.slack_said import event_of, in_a_row, is_readable, is_said
from shared.redaction.redacting import redacted
from shared.settings import Settings

SQL = queries(__file__, "hearing.sql")


class Edited(NamedTuple):
    """A question whose author gave it other words: what it now says, and the thread and the time
    stamps of the answer that it has."""

    text: str
    thread: Thread
    stamps: tuple[str, ...]


class HearingDesk:
    """Hears for one run."""

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run
        self._event = loan.run.event

    def listen(self, conversation: Conversation) -> str:
        """Let the conversation answer what the author of the event said up to now, and return that
        as one text; it is empty when the message is gone."""
        event = self._event
        if not is_readable(event):
            return event.text
        about = {"thread": event.thread.ref, "since": event.message.ts}
        heard = self._run.step("hear", about, lambda: Outcome(self._heard()), defer=True)
        if not heard["found"]:
            return ""
        said = self._said(heard["items"], event)
        conversation.instead_of = _earlier(event)
        conversation.said = said = said if said and said[0].id == event.id else (event, *said)
        later = [one for one in said[1:] for one in _twins(one)]
        conversation.with_answer += self._taken(later)
        return _text(said)

    def edited(self, conversation: Conversation) -> Edited | None:
        """Let the conversation answer the newest question again, if the event is its author's edit
        of it after it was answered."""
        event = self._event
        about = {"edited": event.message.ref}
        heard = self._run.step("hear", about, lambda: Outcome(self._heard_again()), defer=True)
        if not (said := self._said(heard["items"])):
            return None
        ids = heard.get("ids", {})
        said = tuple(one._replace(id=ids.get(one.message.ts, one.id)) for one in said)
        conversation.said = said
        return Edited(_text(said), Thread(*heard["thread"]), tuple(heard["stamps"]))

    def attached(self, conversation: Conversation) -> tuple[Attached, ...]:
        """Return what came along with what was said, or earlier in the conversation, as data; the
        conversation gets pictures, and keeps the files."""
        said = "".join(one.text for one in conversation.said)
        earlier = conversation.earlier_files
        if not earlier and "http" not in said and "[file: " not in said:
            return ()  # like most of what people say: a cold start loads no more than it needs
        from shared.hearing.attached import attachments
        from shared.hearing.links import linked

        found = attachments(self._loan, conversation.said, earlier)
        conversation.images, conversation.attached = found.images, found.kept
        return (*found.shown, *linked(self._loan, conversation.said))

    def _heard(self) -> Json:
        """Ask what was said since; when nobody answers that, there is the event."""
        event = self._event
        found = self._since(event.thread, event.message.ts)
        if found is None:
            return {"items": [], "found": True}
        first = [one for one in found["items"] if one["ts"] == event.message.ts]
        later = [one for one in found["items"] if one not in first]
        own = self._unbegun(in_a_row(event, later, self._claims))
        taken = {one.message.ts for one in own}
        items = first + [one for one in later if one["ts"] in taken]
        # An edit finds the turn by the id of its event, which is another one after a retry.
        return {"items": items, "found": found["found"], "ids": {event.message.ts: event.id}}

    def _heard_again(self) -> Json:
        """Return what the newest answer answers, as it is now, if this event edits a part of it."""
        event = self._event
        nothing: Json = {"items": []}
        now = event.payload["event"].get("message") or {}
        if string(now, "edited", "user") != event.actor.id:
            return nothing
        values = {
            "tenant": event.tenant,
            "flow": self._run.flow,
            "thread": event.thread.ref,
            "runs": [run_id(one, self._run.flow) for one in _twins(event_of(now, event))],
        }
        [rows] = self._loan.services[Database].run(
            event.tenant, [Statement(SQL["answered"], values)]
        )
        before = {one["ts"]: one for row in rows for one in row["heard"]["items"]}
        if event.message.ts not in before:
            return nothing
        first = next(iter(before.values()))
        thread = event.thread._replace(ts=first.get("thread_ts") or first["ts"])
        found = self._since(thread, first["ts"]) or {
            "items": [*(before | {now["ts"]: now}).values()]
        }
        items = [one for one in found["items"] if one["ts"] in before]
        if [one["text"] for one in items] == [one["text"] for one in before.values()]:
            return nothing
        receipt = rows[0]["receipt"]
        stamps = (receipt["data"] or {}).get("ts") or [receipt["id"]]
        # An edit can take a mention away, which is a part of the id; the turns have the first one.
        ids = {ts: event_of(one, event, self._claims).id for ts, one in before.items()}
        ids |= rows[0]["heard"].get("ids") or {}
        return {"items": items, "thread": list(thread), "stamps": stamps, "ids": ids}

    def _since(self, thread: Thread, ts: str) -> Json | None:
        alone = thread.channel.startswith("D") and thread.ts == ts
        try:
            found: Json = self._loan.read(ReadSince(thread, ts, alone))
        except ActionError as err:
            log("not heard", flow=self._run.flow, run=self._run.id, reason=str(err))
            return None
        return found

    def _unbegun(self, row: Sequence[Event]) -> list[Event]:
        """Leave out what has a run of its own already, and what was said after it."""
        if not row:
            return []
        runs = [run_id(twin, self._run.flow) for one in row for twin in _twins(one)]
        values = {"tenant": self._event.tenant, "runs": runs}
        [rows] = self._loan.services[Database].run(
            self._event.tenant, [Statement(SQL["begun"], values)]
        )
        begun = {found["id"] for found in rows}
        kept: list[Event] = []
        for one in row:
            if begun & {run_id(twin, self._run.flow) for twin in _twins(one)}:
                break
            kept.append(one)
        return kept

    def _said(self, items: Sequence[Json], own: Event | None = None) -> tuple[Event, ...]:
        """Return the messages as events, and the `own` one as it is now."""
        said = []
        for item in items:
            now = _clean(event_of(item, self._event, self._claims))
            if own and now.message.ts == own.message.ts:
                said.append(own._replace(text=now.text, payload=now.payload))
            elif is_said(now):
                said.append(now)
        return tuple(said)

    def _taken(self, later: Sequence[Event]) -> list[Statement]:
        """Return the statement that ends the runs of these events as they begin."""
        if not later:
            return []
        values = {
            "tenant": self._event.tenant,
            "event": self._event.id,
            "flow": self._run.flow,
            "runs": [run_id(one, self._run.flow) for one in later],
            "reason": f"Taken together with run {self._run.id}.",
        }
        return [Statement(SQL["take"], values)]

    def _claims(self, type_: str) -> bool:
        settings = self._loan.services[Settings]
        return type_ in {one.strip() for one in settings.event_types.split(",")}


def _clean(event: Event) -> Event:
    """Return an event as the worker hands it to a flow."""
    return event._replace(text=redacted(shown(event)))


def _text(said: Sequence[Event]) -> str:
    return "\n\n".join(one.text for one in said)


def _twins(event: Event) -> tuple[Event, Event]:
    """Return both events that Slack may send for a message."""
    plain = event.id.removesuffix(MENTION)
    return event._replace(id=plain), event._replace(id=plain + MENTION)


def _earlier(event: Event) -> list[str]:
    """Return the ids under which an event came before it was tried again."""
    parts = event.id.split(RETRY)
    return [RETRY.join(parts[:count]) for count in range(1, len(parts))]
