"""The state Reflect: what a wave or an answer has changed, and what to do about failures."""

from collections.abc import Callable, Iterator, Sequence

from shared.agent.agent import Agent
from shared.database import Statement
from shared.events import Json
from shared.planning import Decision, Failure
from shared.planning.next_state import over
from shared.planning.states.act_verify import verify
from shared.planning.states.consent import payload_digest
from shared.planning.states.runner import StateRunner
from shared.planning.store import Situation, StepRow, as_json, statement


class Reflect:
    """Look at how the plan stands after a wave, and decide about what failed in it."""

    def __init__(self, states: StateRunner) -> None:
        self._states = states

    def __call__(self, payload: Json, remaining: Callable[[], float]) -> Json:
        states = self._states
        situation = states.store.load(payload["tenant"], payload["plan"])
        situation = self._settled(situation, payload.get("at"), remaining)
        if self._failures(situation) and not over(situation, states.plans.limits):
            self._decide(situation, remaining)
            situation = states.again(situation)
        return states.next(situation)

    def _settled(
        self, situation: Situation, at: object, remaining: Callable[[], float]
    ) -> Situation:
        """Close what the wave left open, what people have decided, and what they let expire."""
        statements = [*self._answers(situation), *self._unfinished(situation, at)]
        if statements:
            self._states.put(situation, statements)
            situation = self._states.again(situation)
        if acted := situation.in_state("acted"):
            for row in acted:
                verify(self._states, situation, row, remaining)
            situation = self._states.again(situation)
        return situation

    def _answers(self, situation: Situation) -> Iterator[Statement]:
        tenant, id, latest = situation.event.tenant, situation.id, situation.latest
        for approval in situation.approvals:
            if approval.state == "asked" and approval.expired:
                late = {"digest": approval.digest, "state": "expired", "said": "", "by": ""}
                yield statement("decide", tenant, id, **late)
            answered = approval.state == "changed" or (
                approval.state == "approved" and "question" in approval.payload
            )
            if answered and latest and approval.version == latest.number and not latest.fault:
                said = as_json([f"A person said: {approval.said}"])
                changed = {"version": latest.number, "fault": "changed", "feedback": said}
                yield statement("fault_version", tenant, id, **changed)

    def _unfinished(self, situation: Situation, at: object) -> Iterator[Statement]:
        """Fail the steps of the wave that are as they were before: a function that did not come to
        an end, however often it was tried. So each wave brings the plan on."""
        if not isinstance(at, list) or over(situation, self._states.plans.limits):
            return
        for result in at:
            row = situation.row(result["step"])
            if row is not None and row.state == "waiting":
                error = result.get("error", {}).get("Error", "it did nothing")
                yield statement(
                    "set_step",
                    situation.event.tenant,
                    situation.id,
                    id=row.step.id,
                    version=row.version,
                    attempts=row.attempts,
                    state="failed",
                    reason=f"Its function failed: {error}.",
                    output=None,
                )

    def _failures(self, situation: Situation) -> list[StepRow]:
        latest = situation.latest
        return [] if latest is None or latest.fault else situation.in_state("failed")

    def _decide(self, situation: Situation, remaining: Callable[[], float]) -> None:
        failed = self._failures(situation)
        failures = [
            Failure(row.step, row.reason, row.attempts + 1, self._writes(row)) for row in failed
        ]

        def work(agent: Agent) -> Sequence[Statement]:
            decision = self._states.plans.reflector(agent, situation.goal, failures)
            return list(self._carried_out(situation, decision, failed))

        number = situation.latest.number if situation.latest else 0
        tried = "-".join(f"{row.step.id}.{row.attempts}" for row in failed)
        self._states.run(situation, f"reflect/{number}/{tried}", remaining, work)

    def _carried_out(
        self, situation: Situation, decision: Decision, failed: Sequence[StepRow]
    ) -> Iterator[Statement]:
        tenant, id = situation.event.tenant, situation.id
        number = situation.latest.number if situation.latest else 0
        again = [row for row in failed if self._may_try_again(row)]
        if decision.kind == "retry" and len(again) == len(failed):
            for row in again:
                key = {"id": row.step.id, "version": row.version, "attempts": row.attempts}
                yield statement("try_again", tenant, id, **key)
        elif decision.kind in {"retry", "revise"}:
            words = decision.words or " ".join(
                f"Step {row.step.id}: {row.reason}" for row in failed
            )
            fault = {"version": number, "fault": "failed", "feedback": as_json([words])}
            yield statement("fault_version", tenant, id, **fault)
        elif decision.kind == "ask":
            question = {"question": decision.words}
            yield statement(
                "ask",
                tenant,
                id,
                digest=payload_digest(question, number),
                version=number,
                steps=[],
                payload=as_json(question),
                role="write",
                token="",
                seconds=self._states.plans.limits.approval,
            )
        else:
            yield statement("give_up", tenant, id, reason=decision.words or "It cannot be done.")

    def _may_try_again(self, row: StepRow) -> bool:
        """A write is not tried again: its run has ended, and nobody writes the same twice."""
        return row.attempts + 1 < self._states.plans.limits.attempts and not self._writes(row)

    def _writes(self, row: StepRow) -> bool:
        tool = self._states.plans.known.get(row.step.tool)
        return tool is not None and tool.action is not None
