"""The planner as a function: records of its queue go to the worker, states of executions to their
handlers."""

from collections.abc import Callable, Mapping
from typing import Any

from shared.events import Json
from shared.planning.states.act_verify import Act, Verify
from shared.planning.states.approve import Approve
from shared.planning.states.plan_validate import MakePlan, Validate
from shared.planning.states.reflect import Reflect
from shared.planning.states.report import Report
from shared.planning.states.runner import States
from shared.planning.states.show import Showing
from shared.runtime.worker import Worker

#: Handles one state: its payload, and how many seconds the function has left.
Handler = Callable[[Json, Callable[[], float]], Json]
#: The states that run beside others, one for each step of a wave.
_BESIDE = frozenset({"Act", "Verify"})


class Planner:
    """The Lambda handler of a flow with plans."""

    def __init__(self, worker: Worker, states: States) -> None:
        self._worker = worker
        self._show = Showing(states)
        self._states: Mapping[str, Handler] = {
            "Plan": MakePlan(states),
            "Validate": Validate(states),
            "Approve": Approve(states),
            "Act": Act(states),
            "Verify": Verify(states),
            "Reflect": Reflect(states),
            "Report": Report(states),
        }

    def __call__(self, event: Json, context: Any) -> Json:
        if "Records" in event:
            return self._worker(event, context)

        def remaining() -> float:
            return float(context.get_remaining_time_in_millis()) / 1000

        state, place = event["state"], (event["tenant"], event["plan"])
        if state == "Plan":
            # Making a plan takes a while: people see that it has begun.
            self._show(*place, remaining, alone=True)
        answer = self._states[state](event, remaining)
        self._show(*place, remaining, alone=state not in _BESIDE)
        return answer
