"""The API of Step Functions, as far as functions and their tests use it.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html
moto has more of it, but drops the cause of a failure, returns text outputs raw, and takes only one
execution without a name. It gets only the operations that are missing here.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from infra.local.aws.state_machines import StateMachines, StatesError, described
from shared.events import Json

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_TARGET = "AWSStepFunctions."


class StatesApi:
    """A WSGI application that answers for Step Functions and hands everything else on."""

    def __init__(self, machines: StateMachines, others: "WSGIApplication") -> None:
        self._machines = machines
        self._others = others
        self._operations: Mapping[str, Callable[[Json], Json]] = {
            "DescribeExecution": self._describe,
            "GetExecutionHistory": self._history,
            "ListExecutions": self._list,
            "SendTaskFailure": self._fail,
            "SendTaskHeartbeat": self._beat,
            "SendTaskSuccess": self._succeed,
            "StartExecution": self._start,
            "StopExecution": self._stop,
        }

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
        if not target.startswith(_TARGET):
            return self._others(environ, start_response)
        fields: Json = json.loads(Request(environ).get_data() or b"{}")
        return self._answer(target.removeprefix(_TARGET), fields)(environ, start_response)

    def _answer(self, name: str, fields: Json) -> Response:
        try:
            if name not in self._operations:
                raise StatesError("UnknownOperationException", f"{name} is not known here")
            status, body = 200, self._operations[name](fields)
        except StatesError as err:
            status, body = 400, {"__type": err.kind, "message": str(err)}
        return Response(json.dumps(body, default=_plain), status, content_type="application/json")

    def _start(self, fields: Json) -> Json:
        name = fields.get("name") or str(uuid.uuid4())
        input = fields.get("input") or "{}"
        execution = self._machines.start(str(fields.get("stateMachineArn")), name, input)
        return {
            "executionArn": execution.exec_arn,
            "startDate": execution.start_date.timestamp(),
        }

    def _describe(self, fields: Json) -> Json:
        execution = self._machines.get(str(fields.get("executionArn")))
        answer = described(execution)
        if execution.status == "SUCCEEDED":
            answer["output"] = json.dumps(execution.output)
        return answer

    def _history(self, fields: Json) -> Json:
        return {"events": self._machines.get(str(fields.get("executionArn"))).events()}

    def _list(self, fields: Json) -> Json:
        wanted = (fields.get("stateMachineArn"), fields.get("statusFilter"))
        found = [
            described(execution)
            for execution in self._machines.executions()
            if execution.state_machine_arn == wanted[0] and wanted[1] in (None, execution.status)
        ]
        return {"executions": found}

    def _stop(self, fields: Json) -> Json:
        execution = self._machines.get(str(fields.get("executionArn")))
        execution.abort(fields.get("error"), fields.get("cause"))
        return {"stopDate": time.time()}

    def _succeed(self, fields: Json) -> Json:
        token, output = str(fields.get("taskToken")), str(fields.get("output"))
        self._machines.tell(lambda execution: execution.succeed(token, output))
        return {}

    def _fail(self, fields: Json) -> Json:
        token, error, cause = (fields.get(key) for key in ("taskToken", "error", "cause"))
        self._machines.tell(lambda execution: execution.fail(str(token), error, cause))
        return {}

    def _beat(self, fields: Json) -> Json:
        token = str(fields.get("taskToken"))
        self._machines.tell(lambda execution: execution.beat(token))
        return {}


def _plain(value: Any) -> Any:
    return value.timestamp() if hasattr(value, "timestamp") else str(value)
