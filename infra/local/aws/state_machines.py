"""The state machines of the stack and their executions, which restart with the cloud.

An execution that a stop or a crash interrupted starts again from its first state, with the same
name and input: its functions find in their own records what they did before. AWS would go on in the
same state; functions cannot tell the two apart, because AWS may call them twice as well.
"""

import threading
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from infra.local.aws.errors import LocalCloudError
from infra.local.aws.store import Store
from shared.events import Json

if TYPE_CHECKING:
    from infra.local.aws.asl_interpreter import Execution
    from infra.local.aws.lambda_api import InvokeRaw


class StatesError(LocalCloudError):
    """An answer of the Step Functions API with status 400; `kind` is its name for it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class StateMachine(NamedTuple):
    name: str
    arn: str
    definition: str


class StateMachines:
    """Threads may share it. It loads the interpreter, which takes a second, in the background."""

    def __init__(self, account: str, store: Store) -> None:
        self._account = account
        self._store = store
        self._machines: dict[str, StateMachine] = {}
        self._executions: dict[str, Execution] = {}
        self._lock = threading.Lock()
        self._invoke: InvokeRaw | None = None

    def add(self, machine: StateMachine) -> None:
        self._machines[machine.arn] = machine

    def open(self, invoke: "InvokeRaw") -> None:
        """Run executions from now on, the interrupted ones first."""
        self._invoke = invoke
        if self._machines:
            load = partial(import_module, "infra.local.aws.asl_interpreter")
            threading.Thread(target=load, name="interpreter", daemon=True).start()
        for arn, machine, input in self._store.executions():
            if machine in self._machines:
                with self._lock:
                    self._begin(self._machines[machine], arn, input)

    def close(self) -> None:
        """Stop interpreting; the next `open` restarts what ran."""
        with self._lock:
            self._invoke = None
            running = list(self._executions.values())
        if running:
            from infra.local.aws import asl_interpreter

            asl_interpreter.leave(self._account)
        for execution in running:
            execution.ended = _forgotten
            execution.abort(None, None)

    def start(self, machine_arn: str, name: str, input: str) -> "Execution":
        """Start an execution, once per name; raises StatesError."""
        machine = self._machines.get(machine_arn)
        if machine is None:
            raise StatesError("StateMachineDoesNotExist", f"there is no {machine_arn}")
        arn = f"{machine.arn.replace(':stateMachine:', ':execution:')}:{name}"
        with self._lock:
            running = self._executions.get(arn)
            if running and running.status == "RUNNING" and running.execution_input == input:
                return running
            if running or not self._store.begin_execution(arn, machine.arn, input):
                raise StatesError("ExecutionAlreadyExists", f"there was {arn} before")
            return self._begin(machine, arn, input)

    def get(self, arn: str) -> "Execution":
        """Return an execution of this process's life; raises StatesError."""
        if (found := self._executions.get(arn)) is None:
            raise StatesError("ExecutionDoesNotExist", f"there is no {arn}")
        return found

    def executions(self) -> list["Execution"]:
        with self._lock:
            return list(self._executions.values())

    def tell(self, tell: Callable[["Execution"], bool]) -> None:
        """Tell the execution that waits for a token; raises StatesError when none waits."""
        if not any(tell(execution) for execution in self.executions()):
            raise StatesError("TaskDoesNotExist", "no task waits for this token")

    def _begin(self, machine: StateMachine, arn: str, input: str) -> "Execution":
        from infra.local.aws import asl_interpreter

        if self._invoke is None:
            raise StatesError("StateMachineDeleting", f"{machine.name} is stopped")
        asl_interpreter.serve(self._account, self._invoke)
        name = arn.rpartition(":")[2]
        parts = (machine.name, machine.arn, machine.definition)
        execution = asl_interpreter.Execution(name, arn, parts, input, self._ended)
        self._executions[arn] = execution
        execution.begin()
        return execution

    def _ended(self, execution: "Execution") -> None:
        self._store.end_execution(execution.exec_arn)


def _forgotten(execution: "Execution") -> None:
    """Keep an interrupted execution open."""


def described(execution: "Execution") -> Json:
    """Return the answer of DescribeExecution."""
    answer: Json = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date.timestamp(),
        "input": execution.execution_input,
    }
    optional: dict[str, Any] = {
        "stopDate": execution.stop_date and execution.stop_date.timestamp(),
        "error": execution.error,
        "cause": execution.cause,
    }
    return answer | {key: value for key, value in optional.items() if value is not None}
