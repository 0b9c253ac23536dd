"""The desk of what a run answers: all that its author said in a row, as it is when the answer
begins. The runs of the later messages end as they begin."""

from collections.abc import Sequence
from typing import Self

from shared.actions.slack.heard.queries import ReadSince
from shared.agent.context import shown
from shared.agent.conversation import Conversation
from shared.database import Database, Statement, queries
from shared.desk import Loan
from shared.errors import ActionError
from shared.events import MENTION, Event, Json, run_id
from shared.journal import Outcome
from shared.log import log
from shared.perception.slack_said import event_of, in_a_row, is_readable
from shared.redaction.redacting import redacted
from shared.settings import Settings

SQL = queries(__file__, "hearing.sql")


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
        conversation.said = said = tuple(self._said(heard["items"]))
        later = [one for one in said[1:] for one in _twins(one)]
        conversation.with_answer += self._taken(later)
        return "\n\n".join(one.text for one in said)

    def _heard(self) -> Json:
        """Ask what was said since; when nobody answers that, there is the event."""
        event = self._event
        alone = event.channel.startswith("D") and event.thread.ts == event.message.ts
        try:
            heard: Json = self._loan.read(ReadSince(event.thread, event.message.ts, alone))
        except ActionError as err:
            log("not heard", flow=self._run.flow, run=self._run.id, reason=str(err))
            return {"items": [], "found": True}
        first = [one for one in heard["items"] if one["ts"] == event.message.ts]
        later = [one for one in heard["items"] if one not in first]
        own = self._unbegun(in_a_row(event, later, self._claims))
        taken = {one.message.ts for one in own}
        items = first + [one for one in later if one["ts"] in taken]
        return {"items": items, "found": heard["found"]}

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

    def _said(self, items: Sequence[Json]) -> list[Event]:
        """Return the event as its message is now, and those that follow it."""
        event, said = self._event, []
        for item in items:
            now = _clean(event_of(item, event, self._claims))
            own = now.message.ts == event.message.ts
            said.append(event._replace(text=now.text, payload=now.payload) if own else now)
        return said if said and said[0].id == event.id else [event, *said]

    def _taken(self, later: Sequence[Event]) -> list[Statement]:
        """Return the statement that ends the runs of these events as they begin."""
        if not later:
            return []
        values = {
            "tenant": self._event.tenant,
            "event": self._event.id,
            "flow": self._run.flow,
            "runs": [run_id(one, self._run.flow) for one in later],
            "conversations": [one.conversation for one in later],
            "reason": f"Taken together with run {self._run.id}.",
        }
        return [Statement(SQL["take"], values)]

    def _claims(self, type_: str) -> bool:
        wanted = self._loan.services[Settings].event_types
        return type_ in {one.strip() for one in wanted.split(",")}


def _clean(event: Event) -> Event:
    """Return an event as the worker hands it to a flow."""
    return event._replace(text=redacted(shown(event)))


def _twins(event: Event) -> tuple[Event, Event]:
    """Return both events that Slack may send for a message."""
    plain = event.id.removesuffix(MENTION)
    return event._replace(id=plain), event._replace(id=plain + MENTION)
