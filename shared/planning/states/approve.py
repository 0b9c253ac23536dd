"""The state Approve: a person is asked, and the execution waits for the answer by a task token."""

from collections.abc import Callable, Sequence
from difflib import unified_diff
from itertools import islice

from shared.errors import ActionRejected
from shared.events import Json
from shared.planning.next_state import open_steps
from shared.planning.states.consent import payload_digest
from shared.planning.states.runner import StateRunner
from shared.planning.states.show import ask
from shared.planning.store import Approval, Situation, as_json, statement

#: Lines around a change that are shown with it.
_CONTEXT = 3


class Approve:
    """Ask once about exactly what is to be done. The token of the newest wait is the one that
    counts: after a restart another execution waits for the same answer."""

    def __init__(self, states: StateRunner) -> None:
        self._states = states

    def __call__(self, payload: Json, remaining: Callable[[], float]) -> Json:
        states = self._states
        situation = states.store.load(payload["tenant"], payload["plan"])
        answer = states.next(situation)
        if answer["next"] != "approve":
            states.executions().succeed(payload["token"], {})
            return {}
        asked = self._ask(situation, self._content(situation, answer["steps"]), payload["token"])
        if asked.state != "asked":
            states.executions().succeed(payload["token"], {})
            return {}

        ask(states, situation, asked, remaining)
        return {}

    def _shown(self, situation: Situation, payload: Json) -> Json:
        """Return what is asked, with a diff for each file that would be written."""
        actions = [self._with_diff(situation, action) for action in payload.get("actions", ())]
        return payload | {"actions": actions} if actions else payload

    def _with_diff(self, situation: Situation, shown: Json) -> Json:
        row = next(row for row in situation.steps if row.step.id == shown["step"])
        tool, intent = (
            self._states.plans.known[row.step.tool],
            self._states.gates(situation).intent(row),
        )
        if tool.replaces is None or intent is None:
            return shown
        query = tool.replaces(intent.action)
        self._states.flow.policy(situation.event).read(query)
        try:
            found = self._states.adapter(query).read(query)
        except ActionRejected:  # there is no such file, or none that could be shown
            found = {"text": "", "complete": True}
        if not found["complete"]:
            return shown
        return shown | {"diff": _diff(found["text"], shown["arguments"]["content"])}

    def _content(self, situation: Situation, steps: Sequence[str]) -> tuple[Json, Sequence[str]]:
        """Return what is asked, the exact actions of these steps or an open question."""
        if not steps:
            open_ones = [a for a in situation.approvals if a.state == "asked" and not a.steps]
            return open_ones[0].payload, ()
        rows = [row for row in open_steps(situation) if row.step.id in steps]
        return self._states.gates(situation).payload(rows), steps

    def _ask(
        self, situation: Situation, content: tuple[Json, Sequence[str]], token: str
    ) -> Approval:
        payload, steps = content
        number = situation.latest.number if situation.latest else 0
        name = payload_digest(payload, number)
        asked = statement(
            "ask",
            situation.event.tenant,
            situation.id,
            digest=name,
            version=number,
            steps=list(steps),
            payload=as_json(self._shown(situation, payload)),
            role="write",
            token=token,
            seconds=self._states.plans.limits.approval,
        )
        self._states.put(situation, [asked])
        found = self._states.again(situation).approval(name)
        assert found is not None  # it was written just now
        return found


def _diff(before: str, after: str) -> str:
    old = before.split("\n") if before else []
    lines = unified_diff(old, after.split("\n"), n=_CONTEXT, lineterm="")
    return "\n".join(islice(lines, 2, None))  # without the names of the files
