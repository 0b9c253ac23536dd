"""The states Act and Verify: do one step of a wave, and check what it gave."""

from collections.abc import Sequence

from shared.actions.authority import Rights, repository_of
from shared.agent.agent import Agent
from shared.database import Statement
from shared.errors import ActionRejected, AgentFlowsError, PolicyError
from shared.events import Json
from shared.planning.declaration import InvalidArguments, PlanTool
from shared.planning.references import Unresolved, resolve
from shared.planning.states.consent import Intent, intended
from shared.planning.states.runner import StateCall
from shared.planning.store import Situation, StepRow, Written, as_json

#: After these it is certain that nothing was written.
_NOT_WRITTEN = (ActionRejected, PolicyError)
_NOT_THEIRS = "The GitHub account of who wanted it may not write there, so it was not done."
_REFUSED = "It writes something that nobody approved, so it was not done."


def act(call: StateCall) -> Json:
    """Do one step, once. Record it as failed when it cannot be done; raise what may pass."""
    situation, step = call.situation, call.payload["step"]
    row = situation.row(step)
    if row and row.state == "waiting" and not (situation.over or situation.cancelled_by):
        tool = call.plans.known.get(row.step.tool)
        if tool is None:
            call.write(situation.set_step(row, "failed", "There is no such tool."))
        elif tool.action is None:
            _read(call, row, tool)
        else:
            _write(call, row, tool)
    return {"step": step}


def _read(call: StateCall, row: StepRow, tool: PlanTool) -> None:
    situation = call.situation

    def work(agent: Agent) -> Sequence[Statement]:
        try:
            output = tool.read(agent, resolve(row.step.arguments, situation.outputs))
        except (Unresolved, InvalidArguments) as err:
            return [situation.set_step(row, "failed", str(err))]
        except AgentFlowsError as err:
            return [_failed(situation, row, err)]
        return [situation.set_step(row, "acted", output=output)]

    call.run(f"act/{row.step.id}/{row.version}/{row.attempts}", work)


def _write(call: StateCall, row: StepRow, tool: PlanTool) -> None:
    """Write under a run that is named by exactly what is written: a plan that wants the same twice,
    in whatever step or version, gets it once."""
    situation = call.situation
    try:
        intent = intended(tool, situation, row)
    except (Unresolved, InvalidArguments) as err:
        call.write(situation.set_step(row, "failed", str(err)))
        return
    if call.consent.is_missing(row, intent):
        call.write(situation.set_step(row, "failed", _REFUSED))
        return

    counted, by = call.consent.counted(intent), call.consent.on_whose_word(intent)
    repository = repository_of(intent.action.target.scope)

    def work(agent: Agent) -> Sequence[Statement]:
        if repository and not agent.desk(Rights).may_as_proved(repository, by):
            return closed(situation, row, intent, Written("failed", None, _NOT_THEIRS, ()))
        try:
            receipt = agent.act(intent.action)
        except AgentFlowsError as err:
            if err.retryable:
                raise
            reached = () if isinstance(err, _NOT_WRITTEN) else counted
            return closed(situation, row, intent, Written("failed", None, str(err), reached))
        output = {"id": receipt.id, "url": receipt.url}
        return closed(situation, row, intent, Written("acted", output, "", counted))

    if not call.run(f"write/{intent.effect[:20]}", work, acts=True):
        # It was done before, perhaps for another step or version: this one gets what it gave.
        before = call.again().situation.written.get(intent.effect)
        if before:
            call.write(*closed(situation, row, intent, before))


def closed(situation: Situation, row: StepRow, intent: Intent, written: Written) -> list[Statement]:
    """Return the statements that note how a write ended, for its step and for all others that want
    the same."""
    kept = situation.statement(
        "keep_write",
        effect=intent.effect,
        state=written.state,
        reason=written.reason,
        output=as_json(written.output),
        reach=list(written.reach),
    )
    return [kept, situation.set_step(row, written.state, written.reason, output=written.output)]


def verify(call: StateCall) -> Json:
    """Check what a step gave, if it has acted."""
    row = call.situation.row(call.payload["step"])
    if row and row.state == "acted":
        verify_step(call, row)
    return {"step": call.payload["step"]}


def verify_step(call: StateCall, row: StepRow) -> None:
    """Close a step that has acted, as done or failed."""
    situation = call.situation

    def work(agent: Agent) -> Sequence[Statement]:
        try:
            verdict = call.plans.verifier(agent, row.step, row.output)
        except AgentFlowsError as err:
            return [_failed(situation, row, err)]
        state = "done" if verdict.passed else "failed"
        return [situation.set_step(row, state, verdict.reason)]

    if row.step.verify:
        call.run(f"verify/{row.step.id}/{row.version}/{row.attempts}", work)
    else:
        call.write(situation.set_step(row, "done"))


def _failed(situation: Situation, row: StepRow, err: AgentFlowsError) -> Statement:
    """Record an error that lasts; raise one that may pass."""
    if err.retryable:
        raise err
    return situation.set_step(row, "failed", str(err))
