"""The life of a run: from a record of the queue to its end, whatever goes wrong in between."""

import traceback
from collections.abc import Callable
from typing import Any

from shared.agent.agent import Agent, Capabilities
from shared.agent.flow import Flow
from shared.aws import bus
from shared.errors import AgentFlowsError, EffectUnknown, Parked, RunBusy
from shared.events import Event, Json
from shared.journal import Journal, Run
from shared.log import log

#: What Lambda calls: an event and its context to an answer.
Handler = Callable[[Json, Any], Json]

#: Beyond this many of our own effects between a person and an event, somebody is going round in
#: circles.
MAX_DEPTH = 3
#: The lease outlives the function by this many seconds: a function that was stopped cannot act any
#: more.
_GRACE = 5.0


class Worker:
    """The Lambda handler of one flow."""

    def __init__(self, flow: Flow, journal: Journal, can: Capabilities) -> None:
        self._flow = flow
        self._journal = journal
        self._can = can
        self._max_receives = int(can.settings.max_receives)

    def __call__(self, batch: Json, context: Any) -> Json:
        """Handle the records in order; after a failure the rest of that conversation goes back
        too."""
        stuck: set[str] = set()
        failures = []
        for record in batch["Records"]:
            conversation = record["attributes"].get("MessageGroupId", "")
            if conversation in stuck or not self._handle(record, context):
                stuck.add(conversation)
                failures.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failures}

    def _handle(self, record: Json, context: Any) -> bool:
        """Handle one record; False sends it back to the queue, in the end to the dead-letter
        queue."""

        def remaining() -> float:
            return float(context.get_remaining_time_in_millis()) / 1000

        last = int(record["attributes"].get("ApproximateReceiveCount", 1)) >= self._max_receives
        event = None
        try:
            event = bus.load(record["body"])
            if reason := self._declines(event):
                log("event declined", flow=self._flow.name, event=event.id, reason=reason)
                return True
            run = self._journal.claim(event, self._flow.name, remaining() + _GRACE)
            return run is None or self._run(run, remaining, last)
        # The outermost place: whatever happened, the record goes back and nothing is lost.
        except Exception as err:
            log("record failed", flow=self._flow.name, event=event and event.id, **_described(err))
            return False

    def _declines(self, event: Event) -> str:
        if event.type not in self._flow.types:
            return "the flow does not want this type"
        if event.actor.is_bot and not self._flow.bots:
            return "a bot caused it"
        return "too many effects between a person and this" if event.depth > MAX_DEPTH else ""

    def _run(self, run: Run, remaining: Callable[[], float], last: bool) -> bool:
        agent = Agent(run, self._flow.policy(run.event), self._can, remaining, self._flow.shares)
        try:
            self._flow(run.event, agent)
            agent.take_back()
        except RunBusy:
            raise
        except Parked as parked:
            self._finish(run, "parked", str(parked))
            log("run parked", flow=run.flow, run=run.id, event=run.event.id, attempt=run.attempt)
            return True
        # An author's code may raise anything; it becomes a recorded failure and one visible line.
        except Exception as err:
            return self._fail(run, agent, err, last)
        self._finish(run, "done")
        log(
            "run done",
            flow=run.flow,
            run=run.id,
            event=run.event.id,
            attempt=run.attempt,
            cost=run.cost,
        )
        return True

    def _fail(self, run: Run, agent: Agent, err: Exception, last: bool) -> bool:
        """Record the failure; tell the person when nothing more will be tried by itself."""
        ours = isinstance(err, AgentFlowsError)
        # What we do not know may pass; if not, the dead-letter queue holds it with an alarm.
        retry = err.retryable if isinstance(err, AgentFlowsError) else True
        reason = str(err) if ours else type(err).__name__
        log(
            "run failed",
            flow=run.flow,
            run=run.id,
            event=run.event.id,
            attempt=run.attempt,
            retry=retry and not last,
            **_described(err),
        )
        if last or not retry:
            self._tell(run, agent, err)
            self._take_back(run, agent)
        state = "retrying" if retry else "waiting" if isinstance(err, EffectUnknown) else "failed"
        self._finish(run, state, reason)
        return not retry

    def _finish(self, run: Run, state: str, reason: str = "") -> None:
        run.write(self._can.models.unsent(run.event.tenant), defer=True)
        run.finish(state, reason)

    def _tell(self, run: Run, agent: Agent, err: Exception) -> None:
        """Leave one visible line with a reason and the run's id where the person waits."""
        if not (run.event.addressed or run.effects):
            return
        public = err.public if isinstance(err, AgentFlowsError) else AgentFlowsError.public
        for permission in self._flow.may:
            action = permission.action.notice(run.event, f"⚠️ {public} Run `{run.id}`.")
            if action is not None:
                try:
                    agent.notify(action)
                except AgentFlowsError as failure:
                    log("notice failed", flow=run.flow, run=run.id, **_described(failure))
                return

    def _take_back(self, run: Run, agent: Agent) -> None:
        try:
            agent.take_back()
        except AgentFlowsError as failure:
            log("draft left", flow=run.flow, run=run.id, **_described(failure))


def _described(err: Exception) -> dict[str, str]:
    """Say what failed without people's text: our own messages, and of others the type and the
    place."""
    frames = traceback.extract_tb(err.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return {
        "error": type(err).__name__,
        "reason": str(err) if isinstance(err, AgentFlowsError) else "",
        "place": place,
    }
