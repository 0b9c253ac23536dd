"""The worker: hands the records of a flow's queue to its runs, in order."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from shared.actions.authority import Rights
from shared.agent.agent import Agent
from shared.agent.context import shown
from shared.agent.flow import Flow
from shared.aws import bus
from shared.aws.queue import NAMES, Queue
from shared.database import Statement
from shared.errors import (
    AgentFlowsError,
    DatabaseUnavailable,
    NotPermitted,
    PublishError,
    RunBusy,
    SettingsError,
)
from shared.events import Event, Json
from shared.log import log
from shared.perception.action_token import taken_out
from shared.perception.commands import COMMANDS, command_of
from shared.redaction.redacting import without_secrets
from shared.runtime.as_opened import OpeningDesk
from shared.runtime.lifecycle import Lifecycle
from shared.runtime.own_voice import OwnVoice
from shared.runtime.patience import Patience, is_outage
from shared.runtime.spreading import SpreadDesk
from shared.runtime.telling import described
from shared.stopping.retrying import ONLY_FOR

#: Takes what Lambda hands over, an event and its context, and returns the answer.
LambdaHandler = Callable[[Json, Any], Json]

#: With more of our own effects between a person and an event than this, other bots answer ours.
MAX_DEPTH = 3


#: A message is given up when it is so old, in seconds: a day before its queue drops it.
MAX_AGE = 13 * 86_400
#: The clock's next events wait behind one that pauses, so it pauses no longer, in seconds.
_TICK = 300.0
#: A full database is free again as soon as other runs end: the pauses grow no longer, in seconds.
_CROWDED = 60.0
#: So often a record is received that no run can take for a reason that nobody knows: a few hours.
_MAX_RECEIVES = 10


class Worker:
    """The Lambda handler of one flow. Large records lie in `bucket`."""

    def __init__(
        self,
        flow: Flow,
        lifecycle: Lifecycle,
        own_voice: OwnVoice,
        *,
        patience: Patience,
        queue: Queue,
        bucket: str,
    ) -> None:
        self._flow = flow
        self._lifecycle = lifecycle
        self._own_voice = own_voice
        self._patience = patience
        self._queue = queue
        self._bucket = bucket

    def __call__(self, batch: Json, context: Any) -> Json:
        """Handle the records in order. After one that goes back, send back the rest of its
        conversation too."""
        stuck: set[str] = set()
        failures = []
        for record in batch["Records"]:
            conversation = record["attributes"].get("MessageGroupId", "")
            if conversation in stuck or not self._handle(record, context):
                stuck.add(conversation)
                failures.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failures}

    def _handle(self, record: Json, context: Any) -> bool:
        """Handle one record. False leaves it in the queue, where it is hidden for a while."""
        message = {name: record[name] for name in NAMES if name in record}
        patience = self._patience._replace(overdue=_age(record) > MAX_AGE, message=message)
        event = None
        try:
            event = bus.load(record["body"], self._bucket)
            if event.source == "schedule":
                patience = patience._replace(longest=min(patience.longest, _TICK))
            # Before hidden text goes, and our own mark with it.
            if reason := self._declines(event):
                log("event declined", flow=self._flow.name, event=event.id, reason=reason)
                return True
            # What its page does not show reaches no prompt, no memory and no command. Masked after
            # that: hidden text may part a secret in two.
            event = preprocessed(event)
            # A timer hands on what its flow was shown when it set it.
            shown_then = ["outside"] if "heard" in event.timer else []
            work = partial(handle, self._flow)
            ending = self._lifecycle.attempt(
                event, time_left(context), work, patience=patience, shown=shown_then
            )
        # The outermost place: the record goes back and nothing is lost.
        except Exception as err:
            log("record failed", flow=self._flow.name, event=event and event.id, **described(err))
            return self._put_off(record, err, patience)
        return ending.pause is None or self._hide(record, ending.pause)

    def _put_off(self, record: Json, err: Exception, patience: Patience) -> bool:
        """Hide a record that no run could take; True when it is a dead letter now."""
        receives = int(record["attributes"].get("ApproximateReceiveCount", 1))
        if isinstance(err, RunBusy):
            return self._hide(record, err.seconds)
        if isinstance(err, DatabaseUnavailable) and err.is_full:
            patience = patience._replace(longest=min(patience.longest, _CROWDED))
        if patience.overdue or not (is_outage(err) or _may_pass(err, receives)):
            try:
                self._queue.bury(record)
                return True
            except PublishError as failure:
                log("record not buried", flow=self._flow.name, **described(failure))
        return self._hide(record, patience.pause(receives - 1))

    def _hide(self, record: Json, seconds: float) -> bool:
        """Hide a record until then and a second more, for clocks differ. Returns False, since it
        stays in the queue."""
        try:
            self._queue.hide(record, seconds + 1)
        except PublishError as err:
            log("record not hidden", flow=self._flow.name, **described(err))
        return False

    def _declines(self, event: Event) -> str:
        if event.type not in self._flow.types:
            return "the flow does not want this type"
        if event.source == "schedule" and event.payload.get("flow", self._flow.name) != (
            self._flow.name
        ):
            return "a schedule spread it for another flow"
        if event.payload.get(ONLY_FOR, self._flow.name) != self._flow.name:
            return "it is for another flow"
        if event.type.startswith("timer.") and event.timer.get("flow") != self._flow.name:
            return "another flow set this timer"
        if event.actor.is_bot and not self._flow.bots:
            return "a bot caused it"
        if event.depth > MAX_DEPTH:
            return "too many effects between a person and this"
        return "this agent caused it" if self._own_voice.caused(event) else ""


def handle(flow: Flow, agent: Agent) -> Sequence[Statement]:
    """Let the flow work; raises NotPermitted for a command that is not for this person."""
    event = agent.event
    command = COMMANDS.get(command_of(event.type))
    if command and command.writers and not agent.desk(Rights).may_write():
        raise NotPermitted(f"/{command.name} needs write permission; somebody who has it must ask")
    if flow.settings:
        agent.desk(flow.settings).apply(flow.name)
    if agent.desk(OpeningDesk).is_done():
        log("opening done before", flow=flow.name, event=event.id)
        return ()
    if flow.spreads(event):
        agent.desk(SpreadDesk).spread(flow.name, flow.places)
    else:
        flow(event, agent)
    return ()


def _may_pass(err: Exception, receives: int) -> bool:
    """Tell if a later attempt may succeed without a run, as after the next deployment."""
    if isinstance(err, AgentFlowsError):
        return isinstance(err, SettingsError)
    return receives < _MAX_RECEIVES


def _age(record: Json) -> float:
    """Return the seconds since the record was sent."""
    sent = int(record["attributes"].get("SentTimestamp") or time.time() * 1000)
    return time.time() - sent / 1000


def preprocessed(event: Event) -> Event:
    """Return the event as runs see it: without the token of the moment, without what its page does
    not show, and without secrets."""
    event = taken_out(event)
    return _without_secrets(event._replace(text=shown(event)))


def _without_secrets(event: Event) -> Event:
    """Mask the secrets in what people wrote, before anything keeps it or sees it."""
    said: Json = {
        "text": event.text,
        "url": event.url,
        "name": event.actor.name,
        "body": event.payload,
    }
    clean = without_secrets(said)
    if clean is said:
        return event
    actor = event.actor._replace(name=clean["name"])
    return event._replace(text=clean["text"], url=clean["url"], actor=actor, payload=clean["body"])


def time_left(context: Any) -> Callable[[], float]:
    """Return what tells the seconds that Lambda leaves the function, by its `context`."""
    return lambda: float(context.get_remaining_time_in_millis()) / 1000
