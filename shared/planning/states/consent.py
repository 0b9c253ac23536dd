"""Gates: which writes wait for a person's consent, and exactly what the person is asked about."""

from dataclasses import dataclass

from shared.actions import Action
from shared.events import Event, Json
from shared.journal import digest
from shared.planning.declaration import Plans, PlanTool, Unfit, effect_of
from shared.planning.references import Unresolved, resolve
from shared.planning.store import Approval, Situation, StepRow


@dataclass(frozen=True)
class Intent:
    """A write as it would be done now: the exact action and its digest."""

    step: str
    action: Action
    effect: str

    def to_json(self) -> Json:
        return {
            "step": self.step,
            "kind": type(self.action).__name__,
            "target": self.action.target.ref,
            "arguments": self.action.arguments,
            "effect": self.effect,
        }


@dataclass(frozen=True)
class Gates:
    """The gates of a plan as it stands."""

    situation: Situation
    plans: Plans

    def gated(self, row: StepRow) -> bool:
        """Does the step wait for consent that is not given? What cannot be said exactly yet is not
        asked about; its act fails by itself."""
        intent = self.intent(row)
        return intent is not None and self.asks(row, intent) and not self.consented(intent)

    def intent(self, row: StepRow) -> Intent | None:
        """Return what a step would write; None when it only reads, or cannot be done."""
        tool = self.plans.known.get(row.step.tool)
        if tool is None or tool.action is None:
            return None
        try:
            return intended(tool, self.situation, row)
        except (Unresolved, Unfit):
            return None

    def asks(self, row: StepRow, intent: Intent) -> bool:
        """Must a person consent: the plan wants it, or it leaves the conversation that asked."""
        if row.step.approve:
            return True
        own = intent.action.target.ref in _own(self.situation.event)
        return not own and row.step.tool not in self.plans.trusted

    def consented(self, intent: Intent) -> bool:
        """Was exactly this action approved?"""
        return any(
            approval.state == "approved" and _holds(approval, intent.effect)
            for approval in self.situation.approvals
        )

    def payload(self, rows: list[StepRow]) -> Json:
        """Return what a person is asked to approve: each action, exactly."""
        intents = [intent for row in rows if (intent := self.intent(row))]
        return {"actions": [intent.to_json() for intent in intents]}


def intended(tool: PlanTool, situation: Situation, row: StepRow) -> Intent:
    """Return the exact write of a step; raises Unresolved or Unfit."""
    arguments = resolve(row.step.arguments, situation.outputs)
    action = tool.intend(situation.event, arguments)
    return Intent(row.step.id, action, effect_of(action))


def payload_digest(payload: Json, version: int) -> str:
    """Name an approval by exactly what is asked, in which version of the plan."""
    return digest([payload, version])


def _holds(approval: Approval, effect: str) -> bool:
    return any(action["effect"] == effect for action in approval.payload.get("actions", ()))


def _own(event: Event) -> set[str]:
    """Where the conversation takes place that asked."""
    targets = (event.issue_target, event.thread_target)
    return {target.ref for target in targets if target is not None}
