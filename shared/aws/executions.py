"""Executions of the planner's state machine: starts one, and wakes one that waits."""

import json

from shared.aws.signed_http import AwsConnection, host_of
from shared.errors import PublishError, SettingsError

#: The answers of Step Functions when it was told before, or when nobody waits any more.
_OVER = frozenset({"TaskDoesNotExist", "TaskTimedOut", "InvalidToken"})

#: Seconds. Nobody waits for these answers as Slack waits for the ingress.
_TIMEOUT = 10.0


class Executions:
    """The executions of the machine `arn`. Not for use by two threads at once.

    Raises SettingsError when the ARN is not that of a state machine.
    """

    def __init__(self, arn: str) -> None:
        parts = arn.split(":")
        if len(parts) != 7 or parts[5] != "stateMachine":
            raise SettingsError(
                f"PLANNER_ARN={arn!r} is no state machine; "
                "expected arn:<partition>:states:<region>:<account>:stateMachine:<name>"
            )
        self._arn = arn
        region = parts[3]
        # Host and signature say `states`; the variable says `sfn`, as boto3 calls the service.
        host = host_of("states", region)
        self._states = AwsConnection("states", region, host, endpoint="sfn", timeout=_TIMEOUT)

    def start(self, name: str, input: object) -> None:
        """Start the execution `name`, once however often it is asked for; raises PublishError."""
        fields = {"stateMachineArn": self._arn, "name": name, "input": json.dumps(input)}
        self._call("StartExecution", fields, {"ExecutionAlreadyExists"})

    def succeed(self, token: str, output: object) -> bool:
        """Wake the execution that waits for `token`; False when none waits any more."""
        return self._call(
            "SendTaskSuccess", {"taskToken": token, "output": json.dumps(output)}, _OVER
        )

    def _call(
        self, operation: str, fields: dict[str, str], expected: "set[str] | frozenset[str]"
    ) -> bool:
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"AWSStepFunctions.{operation}",
        }
        reply = self._states.request("POST", "/", headers, json.dumps(fields).encode())
        if reply.status == 200:
            return True
        kind = _kind(reply.body)
        if kind in expected:
            return False
        raise PublishError(
            f"states: {operation} answered {reply.status} {kind};"
            " look at PLANNER_ARN and at the function's policy"
        )


def _kind(body: bytes) -> str:
    try:
        return str(json.loads(body).get("__type", "")).rpartition("#")[2]
    except (ValueError, AttributeError):
        return ""
