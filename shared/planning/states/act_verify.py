"""The states Act and Verify: one step of a wave, and whether it gave what it should."""

from collections.abc import Callable, Sequence
from typing import Any

from shared.agent.agent import Agent
from shared.database import Statement
from shared.errors import AgentFlowsError
from shared.events import Json
from shared.planning.declaration import PlanTool, Unfit
from shared.planning.references import Unresolved, resolve
from shared.planning.states.consent import Intent, intended
from shared.planning.states.runner import StateRunner
from shared.planning.store import Situation, StepRow, Written, as_json, statement

_REFUSED = "It writes something that nobody approved, so it was not done."


class Act:
    """Do one step, once. What it cannot do is recorded as failed; what may pass is raised."""

    def __init__(self, states: StateRunner) -> None:
        self._states = states

    def __call__(self, payload: Json, remaining: Callable[[], float]) -> Json:
        situation = self._states.store.load(payload["tenant"], payload["plan"])
        row = situation.row(payload["step"])
        answer = {"step": payload["step"]}
        if row is None or row.state != "waiting" or situation.over or situation.cancelled_by:
            return answer
        tool = self._states.plans.known.get(row.step.tool)
        if tool is None:
            self._states.put(situation, [_set(situation, row, "failed", "There is no such tool.")])
        elif tool.action is None:
            self._read(situation, row, tool, remaining)
        else:
            self._write(situation, row, tool, remaining)
        return answer

    def _read(
        self, situation: Situation, row: StepRow, tool: PlanTool, remaining: Callable[[], float]
    ) -> None:
        def work(agent: Agent) -> Sequence[Statement]:
            try:
                arguments = resolve(row.step.arguments, situation.outputs)
                output = tool.read(agent, arguments)
            except (Unresolved, Unfit) as err:
                return [_set(situation, row, "failed", str(err))]
            except AgentFlowsError as err:
                return [_failed(situation, row, err)]
            return [_set(situation, row, "acted", output=output)]

        name = f"act/{row.step.id}/{row.version}/{row.attempts}"
        self._states.run(situation, name, remaining, work)

    def _write(
        self, situation: Situation, row: StepRow, tool: PlanTool, remaining: Callable[[], float]
    ) -> None:
        """Write under a run that is named by exactly what is written: a plan that wants the same
        twice, in whatever step or version, gets it once."""
        try:
            intent = intended(tool, situation, row)
        except (Unresolved, Unfit) as err:
            self._states.put(situation, [_set(situation, row, "failed", str(err))])
            return
        gates = self._states.gates(situation)
        if gates.asks(row, intent) and not gates.consented(intent):
            self._states.put(situation, [_set(situation, row, "failed", _REFUSED)])
            return

        def work(agent: Agent) -> Sequence[Statement]:
            try:
                receipt = agent.act(intent.action)
            except AgentFlowsError as err:
                if err.retryable:
                    raise
                return _closed(situation, row, intent, Written("failed", None, str(err)))
            output = {"id": receipt.id, "url": receipt.url}
            return _closed(situation, row, intent, Written("acted", output, ""))

        name = f"write/{intent.effect[:20]}"
        if not self._states.run(situation, name, remaining, work):
            # It was done before, perhaps for another step or version: this one gets what it gave.
            before = self._states.again(situation).written[intent.effect]
            self._states.put(situation, _closed(situation, row, intent, before))


def _closed(
    situation: Situation, row: StepRow, intent: Intent, written: Written
) -> list[Statement]:
    place = (situation.event.tenant, situation.id)
    kept = statement(
        "keep_write",
        *place,
        effect=intent.effect,
        state=written.state,
        reason=written.reason,
        output=as_json(written.output),
    )
    return [
        kept,
        _set(situation, row, written.state, written.reason, output=written.output),
    ]


class Verify:
    """Check what a step gave, and close it as done or failed."""

    def __init__(self, states: StateRunner) -> None:
        self._states = states

    def __call__(self, payload: Json, remaining: Callable[[], float]) -> Json:
        situation = self._states.store.load(payload["tenant"], payload["plan"])
        row = situation.row(payload["step"])
        if row is not None and row.state == "acted":
            verify(self._states, situation, row, remaining)
        return {"step": payload["step"]}


def verify(
    states: StateRunner, situation: Situation, row: StepRow, remaining: Callable[[], float]
) -> None:
    """Close a step that has acted."""

    def work(agent: Agent) -> Sequence[Statement]:
        try:
            verdict = states.plans.verifier(agent, row.step, row.output)
        except AgentFlowsError as err:
            return [_failed(situation, row, err)]
        state = "done" if verdict.passed else "failed"
        return [_set(situation, row, state, verdict.reason)]

    if row.step.verify:
        name = f"verify/{row.step.id}/{row.version}/{row.attempts}"
        states.run(situation, name, remaining, work)
    else:
        states.put(situation, [_set(situation, row, "done")])


def _failed(situation: Situation, row: StepRow, err: AgentFlowsError) -> Statement:
    """Record what will not pass by itself; raises what may."""
    if err.retryable:
        raise err
    return _set(situation, row, "failed", str(err))


def _set(
    situation: Situation,
    row: StepRow,
    state: str,
    reason: str = "",
    *,
    output: Any = None,
) -> Statement:
    return statement(
        "set_step",
        situation.event.tenant,
        situation.id,
        id=row.step.id,
        version=row.version,
        attempts=row.attempts,
        state=state,
        reason=reason,
        output=as_json(output),
    )
