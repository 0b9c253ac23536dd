"""The state Approve: a person is asked, and the execution waits for the answer by a task token."""

from collections.abc import Sequence
from difflib import unified_diff
from itertools import islice

from shared.errors import ActionRejected
from shared.events import Json
from shared.planning.next_state import open_steps
from shared.planning.states.runner import StateCall
from shared.planning.states.show import ask
from shared.planning.store import Approval

#: Lines around a change that are shown with it.
_CONTEXT = 3


def approve(call: StateCall) -> Json:
    """Ask once about exactly what is to be done.

    The token of the newest wait counts: after a restart another execution waits for the same
    answer.
    """
    following = call.next_state()
    asked = _asked(call, following.steps) if following.name == "approve" else None
    if asked and asked.state == "asked":
        ask(call, asked)
    else:
        call.runner.executions().succeed(call.payload["token"], {})
    return {}


def _asked(call: StateCall, steps: Sequence[str]) -> Approval:
    """Keep the question about these steps, with the token, and return how it stands."""
    payload = _payload(call, steps)
    shown, token = _shown(call, payload), call.payload["token"]
    kept = call.consent.ask(payload, shown=shown, steps=steps, token=token)
    found = call.again(kept).situation.approval(call.consent.digest(payload))
    assert found is not None  # it was written just now
    return found


def _payload(call: StateCall, steps: Sequence[str]) -> Json:
    """Return what is asked: the exact actions of these steps, or the open question."""
    situation = call.situation
    if steps:
        return call.consent.actions(
            [row for row in open_steps(situation, call.plans.selector) if row.step.id in steps]
        )
    return next(a.payload for a in situation.approvals if a.state == "asked" and not a.steps)


def _shown(call: StateCall, payload: Json) -> Json:
    """Return what is asked, with a diff for each file that would be written, and with `beyond` for
    a write that the first version of the plan does not have."""
    actions = [_with_diff(call, action) for action in payload.get("actions", ())]
    return payload | {"actions": actions} if actions else payload


def _with_diff(call: StateCall, shown: Json) -> Json:
    row = next(row for row in call.situation.steps if row.step.id == shown["step"])
    if call.consent.is_beyond(row):
        shown = shown | {"beyond": True}
    tool, intent = call.plans.known[row.step.tool], call.consent.intent(row)
    if tool.replaces is None or intent is None:
        return shown
    query = tool.replaces(intent.action)
    call.runner.flow.policy(call.situation.event).read(query)
    try:
        found = call.adapter(query).read(query)
    except ActionRejected:  # there is no such file, or none that could be shown
        found = {"text": "", "complete": True}
    if not found["complete"]:
        return shown
    return shown | {"diff": _diff(found["text"], shown["arguments"]["content"])}


def _diff(before: str, after: str) -> str:
    old = before.split("\n") if before else []
    lines = unified_diff(old, after.split("\n"), n=_CONTEXT, lineterm="")
    return "\n".join(islice(lines, 2, None))  # without the names of the files
