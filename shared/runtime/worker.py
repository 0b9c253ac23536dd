"""The worker: hands the records of a flow's queue to its runs, in order."""

from collections.abc import Callable, Sequence
from typing import Any

from shared.actions.authority import Rights
from shared.agent.agent import Agent
from shared.agent.context import shown
from shared.agent.flow import Flow
from shared.aws import bus
from shared.database import Statement
from shared.errors import NotPermitted
from shared.events import Event, Json
from shared.log import log
from shared.perception.commands import COMMANDS, command_of
from shared.redaction.redacting import without_secrets
from shared.runtime.lifecycle import Lifecycle, described
from shared.runtime.own_voice import OwnVoice

#: Takes what Lambda hands over, an event and its context, and returns the answer.
LambdaHandler = Callable[[Json, Any], Json]

#: With more of our own effects between a person and an event than this, other bots answer ours.
MAX_DEPTH = 3


class Worker:
    """The Lambda handler of one flow. `max_receives` is how often its queue delivers a record, and
    large ones lie in `bucket`."""

    def __init__(
        self, flow: Flow, lifecycle: Lifecycle, own_voice: OwnVoice, max_receives: int, bucket: str
    ) -> None:
        self._flow = flow
        self._lifecycle = lifecycle
        self._own_voice = own_voice
        self._max_receives = max_receives
        self._bucket = bucket

    def __call__(self, batch: Json, context: Any) -> Json:
        """Handle the records in order. After one that fails, send back the rest of its
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
        """Handle one record. False sends it back to the queue, and in the end to the dead-letter
        queue."""
        last = int(record["attributes"].get("ApproximateReceiveCount", 1)) >= self._max_receives
        event = None
        try:
            event = bus.load(record["body"], self._bucket)
            # Before hidden text goes, and our own mark with it.
            if reason := self._declines(event):
                log("event declined", flow=self._flow.name, event=event.id, reason=reason)
                return True
            # What its page does not show reaches no prompt, no memory and no command. Masked after
            # that: hidden text may part a secret in two.
            event = _without_secrets(event._replace(text=shown(event)))
            ending = self._lifecycle.attempt(event, time_left(context), self._work, last=last)
            return ending.state != "retrying"
        # The outermost place: the record goes back and nothing is lost.
        except Exception as err:
            log("record failed", flow=self._flow.name, event=event and event.id, **described(err))
            return False

    def _work(self, agent: Agent) -> Sequence[Statement]:
        """Let the flow work; raises NotPermitted for a command that is not for this person."""
        event = agent.event
        command = COMMANDS.get(command_of(event.type))
        if command and command.writers and not agent.desk(Rights).may_write():
            raise NotPermitted(
                f"/{command.name} needs write permission; somebody who has it must ask"
            )
        self._flow(event, agent)
        return ()

    def _declines(self, event: Event) -> str:
        if event.type not in self._flow.types:
            return "the flow does not want this type"
        if event.actor.is_bot and not self._flow.bots:
            return "a bot caused it"
        if event.depth > MAX_DEPTH:
            return "too many effects between a person and this"
        return "this agent caused it" if self._own_voice.caused(event) else ""


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
