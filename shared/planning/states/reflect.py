"""The state Reflect: close what a wave or an answer has changed, and decide about failures."""

from collections.abc import Iterator, Sequence

from shared.agent.agent import Agent
from shared.database import Statement
from shared.errors import TOO_SLOW
from shared.events import Json
from shared.planning import Decision, Failure
from shared.planning.next_state import over
from shared.planning.states.act_verify import closed, verify_step
from shared.planning.states.lesson import failures
from shared.planning.states.runner import StateCall
from shared.planning.store import Situation, StepRow, Written


def reflect(call: StateCall) -> Json:
    """Look at how the plan stands after a wave, and decide about what failed in it."""
    call = _settled(call)
    if _failures(call.situation) and not over(call.situation, call.plans.limits):
        _decide(call)
        call = call.again()
    return call.answer()


def _settled(call: StateCall) -> StateCall:
    """Close what the wave left open, what people have decided, and what they let expire."""
    if statements := [*_answers(call.situation), *_unfinished(call)]:
        call = call.again(*statements)
    if acted := call.situation.in_state("acted"):
        for row in acted:
            verify_step(call, row)
        call = call.again()
    return call


def _answers(situation: Situation) -> Iterator[Statement]:
    latest = situation.latest
    for approval in situation.approvals:
        if approval.state == "asked" and approval.expired:
            late = {"digest": approval.digest, "state": "expired"}
            yield situation.statement("decide", **late, said="", by="", decider="")
        answered = approval.state == "changed" or (
            approval.state == "approved" and "question" in approval.payload
        )
        if answered and latest and approval.version == latest.number and not latest.fault:
            said = [f"A person said: {approval.said}"]
            yield situation.fault("changed", said, said)


def _unfinished(call: StateCall) -> Iterator[Statement]:
    """Fail the steps of the wave that still wait: their function never came to an end, however
    often it was tried. So each wave brings the plan on."""
    at, situation = call.payload.get("at"), call.situation
    if not isinstance(at, list) or over(situation, call.plans.limits):
        return
    for result in at:
        row = situation.row(result["step"])
        if row and row.state == "waiting":
            error = result.get("error", {}).get("Error", "it did nothing")
            reason, intent = f"Its function failed: {error}.", call.consent.intent(row)
            if intent:  # nobody knows whether it was written
                reached = call.consent.counted(intent)
                yield from closed(situation, row, intent, Written("failed", None, reason, reached))
            else:
                yield situation.set_step(row, "failed", reason)


def _failures(situation: Situation) -> list[StepRow]:
    latest = situation.latest
    return [] if latest is None or latest.fault else situation.in_state("failed")


def _decide(call: StateCall) -> None:
    failed = _failures(call.situation)
    failures = [
        Failure(row.step, row.reason, row.attempts + 1, _writes(call, row)) for row in failed
    ]

    def work(agent: Agent) -> Sequence[Statement]:
        decision = call.plans.reflector(agent, call.situation.goal, failures)
        return _carried_out(call, decision, failed)

    tried = "-".join(f"{row.step.id}.{row.attempts}" for row in failed)
    call.run(f"reflect/{call.situation.number}/{tried}", work)


def _carried_out(call: StateCall, decision: Decision, failed: Sequence[StepRow]) -> list[Statement]:
    situation = call.situation
    if decision.kind == "retry" and all(_may_try_again(call, row) for row in failed):
        return [situation.try_again(row) for row in failed]
    if decision.kind in {"retry", "revise"}:
        reasons = " ".join(f"Step {row.step.id}: {row.reason}" for row in failed)
        fault = "refused" if any(_writes(call, row) for row in failed) else "failed"
        return [situation.fault(fault, [decision.words or reasons], failures(failed))]
    if decision.kind == "ask":
        question = {"question": decision.words}
        return [call.consent.ask(question, shown=question)]
    return [situation.statement("give_up", reason=decision.words or "It cannot be done.")]


def _may_try_again(call: StateCall, row: StepRow) -> bool:
    """A write is not tried again: its run has ended, and nobody writes the same twice. Nor is what
    a model was too slow for: it would be so again."""
    final = _writes(call, row) or TOO_SLOW in row.reason
    return row.attempts + 1 < call.plans.limits.attempts and not final


def _writes(call: StateCall, row: StepRow) -> bool:
    tool = call.plans.known.get(row.step.tool)
    return tool is not None and tool.action is not None
