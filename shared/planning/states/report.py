"""The state Report: the person who asked learns what was done, what was not, and why."""

from collections.abc import Iterator, Sequence

from shared.agent.agent import Agent
from shared.database import Statement
from shared.errors import ActionError, AgentFlowsError
from shared.events import Json
from shared.log import log
from shared.models.found_text import found_text
from shared.planning.messages import listed_steps
from shared.planning.next_state import used_up
from shared.planning.states.lesson import lesson
from shared.planning.states.runner import StateCall
from shared.planning.store import Situation, StepRow
from shared.planning.validation import Limits

#: Characters of a step's goal, and of all that was found: a message in Slack holds 4,000 in all.
_GOAL, _FOUND = 120, 2_000


def report(call: StateCall) -> Json:
    """Close the plan and tell its end, once. What cannot be told is closed all the same."""
    situation = call.situation
    state, reason = ending(situation, call.payload.get("at"), call.plans.limits)

    finished = situation.statement("finish_plan", state=state, reason=reason)

    def work(agent: Agent) -> Sequence[Statement]:
        _tell(call, agent, _text(call, state, reason))
        if taught := lesson(situation, state, _refused(situation)):
            agent.remember(taught, kind="episode", ref=f"plan {situation.id}")
        return [finished]

    if not situation.over:
        try:
            call.run("report", work, acts=True, stoppable=False)
        except Exception as err:
            if not (isinstance(err, AgentFlowsError) and err.retryable):
                call.write(finished)
            raise
    return {"state": state}


def _tell(call: StateCall, agent: Agent, text: str) -> None:
    """Tell the end, if the place still takes it: the app may be gone, or the issue deleted."""
    try:
        call.tell(agent, text)
    except ActionError as err:
        if err.retryable:
            raise
        log("plan's end not told", plan=call.situation.id, reason=str(err))


def ending(situation: Situation, at: object, limits: Limits) -> tuple[str, str]:
    """Return the state in which the plan ends, and the reason when it is not done."""
    if situation.over:
        return situation.state, situation.reason
    if situation.cancelled_by:
        return "cancelled", f"Cancelled by {situation.cancelled_by}."
    if isinstance(at, dict) and "Error" in at:
        return "failed", _failure(str(at["Error"]))
    open_steps = [row for row in situation.steps if row.state not in {"done", "dropped"}]
    unplanned = _unplanned(situation)
    spent = used_up(situation, limits) if open_steps or unplanned else ""
    reason = situation.reason or _refused(situation) or spent or unplanned
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


def _text(call: StateCall, state: str, reason: str) -> str:
    situation = call.situation
    head = {"done": "✅ Done.", "failed": f"❌ {reason}", "cancelled": f"⏹ {reason}"}[state]
    body = listed_steps(situation, lambda row: row.state)
    parts = (head, body, _in_doubt(call), *_found(call), f"Plan `{situation.id}`")
    return "\n\n".join(part for part in parts if part)


def _in_doubt(call: StateCall) -> str:
    """Name what may have been written although its step was not done."""
    situation = call.situation
    doubtful = call.runner.store.run(situation.event.tenant, [situation.statement("in_doubt")])[0]
    names = ", ".join(f"{row['tool']} at `{row['target']}`" for row in doubtful)
    return f"⚠️ I cannot tell whether this went through; please look: {names}." if names else ""


def _found(call: StateCall) -> Iterator[str]:
    """Show what the last readings found: what no other step of the plan has used."""
    done = call.situation.in_state("done")
    used = {reference.step for row in done for reference in row.step.references}
    last = [row for row in done if row.step.id not in used and _reads(call, row)]
    for row in last:
        shown = _within(found_text(row.output), _FOUND // len(last))
        head = " ".join(row.step.goal.split())[:_GOAL]
        yield f"**{head}**\n\n{shown}" if shown else ""


def _reads(call: StateCall, row: StepRow) -> bool:
    tool = call.plans.known.get(row.step.tool)
    return tool is not None and tool.action is None


def _within(text: str, room: int) -> str:
    """Cut a text at the end of a line."""
    return text if len(text) <= room else text[: max(text.rfind("\n", 0, room), 0)] + "\n\n…"
