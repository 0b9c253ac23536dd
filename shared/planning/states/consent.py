"""Consent: which writes wait for a person's approval, and exactly what the person is asked."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from shared.actions import Action
from shared.actions.secrets_kept_out import masked
from shared.canonical import digest
from shared.database import Statement
from shared.errors import ActionRejected
from shared.events import Event, Json
from shared.frozen import frozen
from shared.planning.declaration import InvalidArguments, Plans, PlanTool, effect_of
from shared.planning.reach import Reach, beyond, reach
from shared.planning.references import Unresolved, resolve
from shared.planning.store import Approval, Situation, StepRow, as_json


@frozen
class Intent:
    """A write as it would be done now: the exact action, its digest, and what it reaches; nothing
    when another step's output says where."""

    step: str
    action: Action
    effect: str
    reach: Reach

    def to_json(self) -> Json:
        return {
            "step": self.step,
            "kind": type(self.action).__name__,
            "target": self.action.target.ref,
            "arguments": self.action.arguments,
            "effect": self.effect,
        }


@frozen
class Consent:
    """The consent that a plan needs and has, as it stands."""

    situation: Situation
    plans: Plans

    def is_awaited(self, row: StepRow) -> bool:
        """Return True when the step needs consent and has none.

        Nobody is asked about a step whose action cannot be said exactly yet; its act fails by
        itself.
        """
        intent = self.intent(row)
        return intent is not None and self.is_missing(row, intent)

    def intent(self, row: StepRow) -> Intent | None:
        """Return what a step would write; None when it only reads, or cannot be done."""
        tool = self.plans.known.get(row.step.tool)
        if tool is None or tool.action is None:
            return None
        try:
            return intended(tool, self.situation, row)
        except (Unresolved, InvalidArguments):
            return None

    def is_missing(self, row: StepRow, intent: Intent) -> bool:
        """Return True when a person must consent to exactly this action, and nobody has."""
        return self._is_needed(row, intent) and not self._is_approved(intent.effect)

    def _is_needed(self, row: StepRow, intent: Intent) -> bool:
        """The plan wants consent, the write goes beyond the first version, or the action leaves the
        conversation that asked."""
        if row.step.approve or self.is_beyond(row):
            return True
        own = intent.action.target.ref in _conversation(self.situation.event)
        return not own and row.step.tool not in self.plans.trusted

    def is_beyond(self, row: StepRow) -> bool:
        """Return True when the step writes something that the first version of the plan does not;
        see shared.planning.reach."""
        return row.step.id in self._beyond

    @cached_property
    def _beyond(self) -> frozenset[str]:
        situation, first = self.situation, self.situation.first
        waiting = [row for row in situation.in_state("waiting") if not self._is_written(row)]
        written = [one.reach for one in situation.written.values()]
        tools = {name: tool.facts for name, tool in self.plans.known.items()}
        steps = first.plan.steps if first else ()
        return beyond(steps, [row.step for row in waiting], written, tools)

    def counted(self, intent: Intent) -> Reach:
        """Return what a write that is done now uses up of what the first version may write: nothing
        when a person has consented to exactly this."""
        return () if self._is_approved(intent.effect) else intent.reach

    def _is_written(self, row: StepRow) -> bool:
        """Another step, or an earlier version, has written exactly this, so it is not written
        again."""
        intent = self.intent(row) if self.situation.written else None
        return intent is not None and intent.effect in self.situation.written

    def _is_approved(self, effect: str) -> bool:
        return any(self._approvals(effect))

    def _approvals(self, effect: str) -> Iterator[Approval]:
        for approval in self.situation.approvals:
            if approval.state == "approved" and _holds(approval, effect):
                yield approval

    def on_whose_word(self, intent: Intent) -> str:
        """Return the account of who consented to exactly this; '' for who asked for the plan."""
        return next((one.decider for one in self._approvals(intent.effect)), "")

    def actions(self, rows: Sequence[StepRow]) -> Json:
        """Return what a person is asked to approve: each action, exactly."""
        intents = [intent for row in rows if (intent := self.intent(row))]
        return {"actions": [intent.to_json() for intent in intents]}

    def digest(self, payload: Json) -> str:
        """Name an approval by exactly what is asked, in which version of the plan."""
        return digest([payload, self.situation.number])

    def ask(
        self, payload: Json, *, shown: Json, steps: Sequence[str] = (), token: str = ""
    ) -> Statement:
        """Return the statement that asks about `payload`, which people see as `shown`."""
        return self.situation.statement(
            "ask",
            digest=self.digest(payload),
            version=self.situation.number,
            steps=list(steps),
            payload=as_json(shown),
            token=token,
            seconds=self.plans.limits.approval,
        )


def intended(tool: PlanTool, situation: Situation, row: StepRow) -> Intent:
    """Return the exact write of a step; raises Unresolved or InvalidArguments."""
    arguments = resolve(row.step.arguments, situation.outputs)
    try:
        action = masked(tool.intend(situation.event, arguments))
    except ActionRejected as err:
        raise InvalidArguments(str(err)) from err
    return Intent(row.step.id, action, effect_of(action), reach(row.step, tool.facts) or ())


def _holds(approval: Approval, effect: str) -> bool:
    return any(action["effect"] == effect for action in approval.payload.get("actions", ()))


def _conversation(event: Event) -> set[str]:
    """Return the references of the conversation that asked."""
    targets = (event.issue_target, event.thread_target)
    return {target.ref for target in targets if target is not None}
