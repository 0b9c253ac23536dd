"""The function of a flow with plans: records of its queue go to the worker, states of executions to
their functions."""

from collections.abc import Callable, Mapping
from typing import Any

from shared.events import Json
from shared.planning.states.act_verify import act, verify
from shared.planning.states.approve import approve
from shared.planning.states.plan_validate import make_plan, validate
from shared.planning.states.reflect import reflect
from shared.planning.states.report import report
from shared.planning.states.runner import StateCall, StateRunner
from shared.planning.states.show import show
from shared.runtime.worker import LambdaHandler, time_left

#: The states of infra/planner.asl.json that call the function.
_STATES: Mapping[str, Callable[[StateCall], Json]] = {
    "Plan": make_plan,
    "Validate": validate,
    "Approve": approve,
    "Act": act,
    "Verify": verify,
    "Reflect": reflect,
    "Report": report,
}
#: The states that run beside others, one for each step of a wave.
_BESIDE = frozenset({"Act", "Verify"})


class PlanMachine:
    """The Lambda handler of a flow with plans."""

    def __init__(self, worker: LambdaHandler, runner: StateRunner) -> None:
        self._worker = worker
        self._runner = runner

    def __call__(self, event: Json, context: Any) -> Json:
        if "Records" in event:
            return self._worker(event, context)
        state, remaining = event["state"], time_left(context)
        if state == "Plan":
            # Making a plan takes a while: people see that it has begun.
            show(self._runner, event, remaining, alone=True)
        answer = _STATES[state](self._runner.call(event, remaining))
        show(self._runner, event, remaining, alone=state not in _BESIDE)
        return answer
