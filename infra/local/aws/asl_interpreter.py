"""moto's interpreter of the Amazon States Language, and every place where ours departs from 5.2.5.

tests/infra/local/aws/test_asl_interpreter.py holds a test per repair; drop a repair when moto
passes its test without it. Importing this loads the interpreter, which takes a while.
"""
# moto's classes have no types that mypy reads here, so they are Any to it.
# mypy: disallow-subclassing-any=False

import datetime
import json
import logging
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from infra.local.aws.no_batch import whole

# isort: split
from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    resource,
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
    HeartbeatTimeoutError,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.backend import execution as moto_execution
from moto.stepfunctions.parser.utils import TMP_THREADS

from infra.local.aws.errors import FunctionError, LocalCloudError
from infra.local.aws.lambda_api import InvokeRaw
from shared.events import Json

whole()

_Callback = state_task_service_callback.StateTaskServiceCallback
_invokers: dict[str, InvokeRaw] = {}
#: Pauses between retries are multiplied by it, so that a test need not wait for them.
pauses = SimpleNamespace(scale=1.0)


def parse(definition: str) -> None:
    """Read a definition; raises ValueError when it is no state machine."""
    try:
        AmazonStateLanguageParser.parse(definition)
    except Exception as err:  # whatever the parser trips over, the definition is at fault
        raise ValueError(f"no state machine: {type(err).__name__}") from err


def serve(account: str, invoke: InvokeRaw) -> None:
    """Let the executions of `account` call its functions through `invoke`."""
    _invokers[account] = invoke


def leave(account: str) -> None:
    _invokers.pop(account, None)


class _Ending(moto_execution.BaseExecutionWorkerCommunication):
    def terminated(self) -> None:
        super().terminated()
        self.execution.ended(self.execution)


class Execution(moto_execution.Execution):
    """One execution. `ended` is called, in the execution's own thread, when it is over."""

    def __init__(
        self,
        name: str,
        arn: str,
        machine: tuple[str, str, str],
        input: str,
        ended: Callable[["Execution"], None],
    ) -> None:
        machine_name, machine_arn, definition = machine
        account, region = arn.split(":")[4], arn.split(":")[3]
        super().__init__(
            name=name,
            sm_type="STANDARD",
            role_arn=f"arn:aws:iam::{account}:role/local",
            exec_arn=arn,
            account_id=account,
            region_name=region,
            state_machine=StateMachine(machine_arn, machine_name, definition, "", None),
            start_date=datetime.datetime.now(datetime.UTC),
            cloud_watch_logging_session=None,
            activity_store={},
            input_data=input,
        )
        self.ended = ended

    def begin(self) -> None:
        # moto keeps every thread that it ever started.
        TMP_THREADS.clear()
        self.start()

    def abort(self, error: str | None, cause: str | None) -> None:
        """Stop it, even when it waits for a token: stock moto would wait on."""
        if self.status != "RUNNING":
            return
        self.error, self.cause = error, cause
        self.stop(datetime.datetime.now(datetime.UTC), error, cause)
        for endpoint in self._endpoints():
            endpoint.interrupt_all()

    def succeed(self, token: str, output: str) -> bool:
        """Hand `output` to the task that waits for `token`; False when no task here does."""
        return self._notify(token, CallbackOutcomeSuccess(callback_id=token, output=output))

    def fail(self, token: str, error: str | None, cause: str | None) -> bool:
        outcome = CallbackOutcomeFailure(callback_id=token, error=error, cause=cause)
        return self._notify(token, outcome)

    def beat(self, token: str) -> bool:
        worker = self.exec_worker
        return bool(worker and worker.env and worker.env.callback_pool_manager.heartbeat(token))

    def events(self) -> list[Json]:
        worker = self.exec_worker
        return list(worker.env.event_manager.get_event_history()) if worker and worker.env else []

    def get_start_execution_details(self) -> Any:
        """Give the context object a start time that JSON can hold."""
        details = super().get_start_execution_details()
        details.start_time = details.start_time.isoformat()
        return details

    def _get_start_execution_worker_comm(self) -> _Ending:
        return _Ending(self)

    def _endpoints(self) -> Sequence[Any]:
        worker = self.exec_worker
        return (
            list(worker.env.callback_pool_manager._pool.values()) if worker and worker.env else ()
        )

    def _notify(self, token: str, outcome: Any) -> bool:
        worker = self.exec_worker
        if not (worker and worker.env and self.status == "RUNNING"):
            return False
        return bool(worker.env.callback_pool_manager.notify(token, outcome))


def _invoke_function(parameters: Json, region: str, state_credentials: Any) -> Json:
    """Call the function in this process: stock moto asks `localhost` on MOTO_PORT over HTTP, which
    is one port for all clouds of a process."""
    name = str(parameters["FunctionName"])
    invoke = _invokers.get(name.split(":")[4] if name.startswith("arn:") else "")
    try:
        if invoke is None:
            raise LocalCloudError(f"no cloud of this process has the function {name}")
        return {"StatusCode": 200, "Payload": json.loads(invoke(name, parameters["Payload"]))}
    except FunctionError as err:
        return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": err.payload}
    except LocalCloudError as err:
        payload = {"errorType": "Lambda.ServiceException", "errorMessage": str(err)}
        return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": payload}


def _with_fresh_token(self: Any, env: Any) -> Any:
    """Give each attempt of a task its own token: stock moto's second attempt reads the first one's
    answer."""
    if self.resource.condition == resource.ResourceCondition.WaitForTaskToken:
        env.callback_pool_manager.add(env.states.context_object.update_task_token())
    return _stock_eval_execution(self, env)


def _named_failure(self: Any, env: Any, ex: Exception) -> Any:
    """Name the loss of a heartbeat as AWS does: stock moto says States.Timeout."""
    event = _stock_from_error(self, env, ex)
    if isinstance(ex, HeartbeatTimeoutError):
        event.error_name = StatesErrorName(typ=StatesErrorNameType.StatesHeartbeatTimeout)
        for details in event.event_details.values():
            details["error"] = "States.HeartbeatTimeout"
    return event


def _unless_stopped(name: str) -> Callable[..., None]:
    """Leave a stopped execution stopped: in stock moto what it interrupts makes it FAILED."""
    stock = getattr(Environment, name)

    def guarded(self: Any, *arguments: Any, **named: Any) -> None:
        if not isinstance(self._program_state, ProgramStopped):
            stock(self, *arguments, **named)

    return guarded


# It writes every failure of a task, with the whole machine, as an error.
logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
_stock_eval_execution = _Callback._eval_execution
_stock_from_error = _Callback._from_error
_Callback._eval_execution = _with_fresh_token
_Callback._from_error = _named_failure
lambda_eval_utils._invoke_lambda_function = _invoke_function
retrier_decl.time = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds * pauses.scale))
for _name in ("set_error", "set_timed_out"):
    setattr(Environment, _name, _unless_stopped(_name))
