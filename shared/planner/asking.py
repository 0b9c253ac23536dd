"""The state Approve: a person is asked, and the execution waits for the answer by a task token."""

from collections.abc import Callable, Sequence
from typing import Any

from shared.planner.gates import payload_digest
from shared.planner.showing import ask
from shared.planner.states import States
from shared.planning.course import open_steps
from shared.planning.store import Approval, Situation, as_json, statement

Json = dict[str, Any]


class Approve:
    """Ask once about exactly what is to be done. The token of the newest wait is the one that
    counts: after a restart another execution waits for the same answer."""

    def __init__(self, states: States) -> None:
        self._states = states

    def __call__(self, payload: Json, remaining: Callable[[], float]) -> Json:
        states = self._states
        situation = states.store.load(payload["tenant"], payload["plan"])
        answer = states.next(situation)
        if answer["next"] != "approve":
            states.can.executions().succeed(payload["token"], {})
            return {}
        asked = self._ask(situation, self._content(situation, answer["steps"]), payload["token"])
        if asked.state != "asked":
            states.can.executions().succeed(payload["token"], {})
            return {}

        ask(states, situation, asked, remaining)
        return {}

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
            payload=as_json(payload),
            role="write",
            token=token,
            seconds=self._states.plans.limits.approval,
        )
        self._states.put(situation, [asked])
        found = self._states.again(situation).approval(name)
        assert found is not None  # it was written just now
        return found
