"""The state Report: the person who asked learns what was done, what was not, and why."""

from collections.abc import Sequence

from shared.agent.agent import Agent
from shared.database import Statement
from shared.errors import AgentFlowsError
from shared.events import Json
from shared.planning.messages import listed_steps
from shared.planning.states.lesson import lesson
from shared.planning.states.runner import StateCall
from shared.planning.store import Situation


def report(call: StateCall) -> Json:
    """Close the plan and tell its end, once."""
    situation = call.situation
    state, reason = ending(situation, call.payload.get("at"))

    def work(agent: Agent) -> Sequence[Statement]:
        call.tell(agent, _text(situation, state, reason))
        if taught := lesson(situation, state, _refused(situation)):
            agent.remember(taught, kind="episode", ref=f"plan {situation.id}")
        return [situation.statement("finish_plan", state=state, reason=reason)]

    if not situation.over:
        call.run("report", work, acts=True)
    return {"state": state}


def ending(situation: Situation, at: object) -> tuple[str, str]:
    """Return the state in which the plan ends, and the reason when it is not done."""
    if situation.over:
        return situation.state, situation.reason
    if situation.cancelled_by:
        return "cancelled", f"Cancelled by {situation.cancelled_by}."
    if isinstance(at, dict) and "Error" in at:
        return "failed", _failure(str(at["Error"]))
    open_steps = [row for row in situation.steps if row.state not in {"done", "dropped"}]
    reason = situation.reason or _refused(situation) or _unplanned(situation)
    if reason or open_steps:
        return "failed", reason or "Not every step could be done."
    return "done", ""


def _refused(situation: Situation) -> str:
    for approval in situation.approvals:
        if approval.state == "rejected":
            return f"Rejected by {approval.decided_by}."
        if approval.state == "expired":
            return "Nobody answered in time."
    return ""


def _unplanned(situation: Situation) -> str:
    latest = situation.latest
    if latest is None:
        return "There is no plan."
    return " ".join(latest.feedback) if latest.fault else ""


def _failure(name: str) -> str:
    """Say in public what failed: our own errors have words for it."""
    for kind in _kinds(AgentFlowsError):
        if kind.__name__ == name:
            return kind.public
    return f"A function failed ({name})."


def _kinds(kind: type[AgentFlowsError]) -> list[type[AgentFlowsError]]:
    return [kind, *(deeper for sub in kind.__subclasses__() for deeper in _kinds(sub))]


def _text(situation: Situation, state: str, reason: str) -> str:
    head = {"done": "✅ Done.", "failed": f"❌ {reason}", "cancelled": f"⏹ {reason}"}[state]
    body = listed_steps(situation, lambda row: row.state)
    return f"{head}\n\n{body}\n\nPlan `{situation.id}`".replace("\n\n\n", "\n")
