"""The function of a flow with plans: records of its queue go to the worker, states of executions to
their handlers."""

from collections.abc import Callable, Mapping
from typing import Any

from shared.events import Json
from shared.planning.states.act_verify import Act, Verify
from shared.planning.states.approve import Approve
from shared.planning.states.plan_validate import MakePlan, Validate
from shared.planning.states.reflect import Reflect
from shared.planning.states.report import Report
from shared.planning.states.runner import StateRunner
from shared.planning.states.show import Showing
from shared.runtime.worker import LambdaHandler, time_left

#: Handles one state, given its payload and the seconds that the function still has.
StateHandler = Callable[[Json, Callable[[], float]], Json]
#: The states that run beside others, one for each step of a wave.
_BESIDE = frozenset({"Act", "Verify"})


class PlanMachine:
    """The Lambda handler of a flow with plans."""

    def __init__(self, worker: LambdaHandler, states: StateRunner) -> None:
        self._worker = worker
        self._show = Showing(states)
        self._states: Mapping[str, StateHandler] = {
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
        state, place = event["state"], (event["tenant"], event["plan"])
        remaining = time_left(context)
        if state == "Plan":
            # Making a plan takes a while: people see that it has begun.
            self._show(*place, remaining, alone=True)
        answer = self._states[state](event, remaining)
        self._show(*place, remaining, alone=state not in _BESIDE)
        return answer
