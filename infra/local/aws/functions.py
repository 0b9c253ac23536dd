"""The functions of the stack: a pool of warm execution environments each."""

import json
import threading
import time
from collections.abc import Iterable

from infra.local.aws.environments import Environment, FunctionSpec, Log
from infra.local.aws.errors import LocalCloudError
from shared.events import Json

#: Seconds that a process has to end after it was asked to.
_LAST_SECONDS = 1.0


class LocalFunction:
    """Invokes one function, with as many environments at once as its concurrency allows.

    AWS throttles calls above the limit; here they wait for a free environment.
    """

    def __init__(self, spec: FunctionSpec, log: Log) -> None:
        self.spec = spec
        self._log = log
        self._slots = threading.BoundedSemaphore(spec.concurrency)
        self._lock = threading.Lock()
        self._idle: list[Environment] = []
        self._all: set[Environment] = set()
        self._closed = False

    def invoke(self, event: bytes) -> bytes:
        """Return the response; raises FunctionError."""
        with self._slots:
            environment = self._take()
            try:
                return environment.invoke(event)
            finally:
                self._put_back(environment)

    @property
    def processes(self) -> list[int]:
        with self._lock:
            return [environment.pid for environment in self._all if environment.alive]

    @property
    def at_work(self) -> list[Environment]:
        """The environments that handle an event."""
        with self._lock:
            return [one for one in self._all if one.alive and one not in self._idle]

    def close(self) -> None:
        """Kill all environments; their calls fail."""
        with self._lock:
            self._closed = True
            for environment in self._all:
                environment.close()

    def _take(self) -> Environment:
        with self._lock:
            if self._closed:
                raise LocalCloudError(f"function {self.spec.id} is stopped; start the cloud again")
            while self._idle:
                environment = self._idle.pop()
                if environment.alive:
                    return environment
                self._discard(environment)
            environment = Environment(self.spec, self._log)
            self._all.add(environment)
            return environment

    def _put_back(self, environment: Environment) -> None:
        with self._lock:
            if environment.alive:
                self._idle.append(environment)
            else:
                self._discard(environment)

    def _discard(self, environment: Environment) -> None:
        environment.close()
        self._all.discard(environment)


class Functions:
    """All functions, found by logical id, by name or by ARN."""

    def __init__(self, specs: Iterable[FunctionSpec], log: Log) -> None:
        self._functions = {spec.id: LocalFunction(spec, log) for spec in specs}
        self._by_name = {function.spec.name: function for function in self._functions.values()}

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._functions)

    @property
    def processes(self) -> list[int]:
        return [pid for function in self._functions.values() for pid in function.processes]

    def get(self, name: str) -> LocalFunction:
        """Return the function; raises LocalCloudError when there is none of that name."""
        function = self._functions.get(name) or self._by_name.get(name_in(name))
        if function is None:
            known = ", ".join(self._functions) or "none"
            raise LocalCloudError(f"there is no function {name!r}; known: {known}")
        return function

    def invoke(self, name: str, event: Json) -> Json:
        """Invoke a function synchronously; raises FunctionError."""
        response: Json = json.loads(self.get(name).invoke(json.dumps(event).encode()))
        return response

    def close(self) -> None:
        """End all environments: those at work are asked to, and have a moment to give up what they
        hold."""
        for environment in self._at_work():
            environment.end()
        deadline = time.monotonic() + _LAST_SECONDS
        while self._at_work() and time.monotonic() < deadline:
            time.sleep(0.01)
        for function in self._functions.values():
            function.close()

    def _at_work(self) -> list[Environment]:
        return [one for function in self._functions.values() for one in function.at_work]


def name_in(arn: str) -> str:
    """Return the function's name in an ARN, with or without a qualifier, or the name itself."""
    parts = arn.split(":")
    return parts[6] if len(parts) > 6 else parts[0]
