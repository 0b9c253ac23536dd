"""One test per departure from stock moto's interpreter, through boto3 as functions would use it."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.local.aws import asl_interpreter
from infra.local.aws.errors import FunctionError, TemplateError
from infra.local.aws.state_machines import StateMachine, StateMachines
from infra.local.aws.states_api import StatesApi
from infra.local.aws.store import Store
from infra.local.aws.template import load
from infra.local.http_server import HttpServer
from tests.waiting import wait_for

Json = dict[str, Any]
ACCOUNT = "210000000002"
MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:m"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


class Cloud:
    """State machines behind their API; `function` answers what a test says."""

    def __init__(self, store: Store, function: Callable[[Json], Any]) -> None:
        self.machines = StateMachines(ACCOUNT, store)
        self._function = function
        self._server = HttpServer()
        self._server.start(StatesApi(self.machines, lambda environ, start: []))
        session = boto3.Session("local", "local", region_name="us-east-1")
        self.client = session.client("stepfunctions", endpoint_url=self._server.url)

    def open(self, states: Json) -> None:
        definition = json.dumps({"StartAt": next(iter(states)), "States": states})
        self.machines.add(StateMachine("m", MACHINE, definition))
        self.machines.open(self._invoke)

    def close(self) -> None:
        self.machines.close()
        self.client.close()
        self._server.stop()

    def start(self, **fields: str) -> str:
        return str(self.client.start_execution(stateMachineArn=MACHINE, **fields)["executionArn"])

    def ended(self, arn: str) -> Json:
        def found() -> Json | None:
            execution = dict(self.client.describe_execution(executionArn=arn))
            return None if execution["status"] == "RUNNING" else execution

        return wait_for(found) or {}

    def _invoke(self, function: str, payload: bytes) -> bytes:
        assert function == FUNCTION
        return json.dumps(self._function(json.loads(payload))).encode()


Open = Callable[..., Cloud]


@pytest.fixture
def opened() -> Iterator[Open]:
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setattr(asl_interpreter.pauses, "scale", 0.01)

        def make(states: Json, function: Callable[[Json], Any] = lambda call: {}) -> Cloud:
            store = Store()
            stack.callback(store.close)
            cloud = Cloud(store, function)
            stack.callback(cloud.close)
            cloud.open(states)
            return cloud

        yield make


def task(**more: Any) -> Json:
    resource = "arn:aws:states:::lambda:invoke"
    parameters = {"FunctionName": FUNCTION, "Payload": {"in.$": "$"}}
    found = {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True}
    return found | more


def waiting(**more: Any) -> Json:
    parameters = {"FunctionName": FUNCTION, "Payload": {"token.$": "$$.Task.Token"}}
    resource = "arn:aws:states:::lambda:invoke.waitForTaskToken"
    return task(Resource=resource, Parameters=parameters, **more)


def token_of(calls: list[Json], place: int = -1) -> str:
    wait_for(lambda: len(calls) >= (place + 1 or 1))
    return str(calls[place]["token"])


def test_a_function_is_called_in_this_process(opened: Open) -> None:
    cloud = opened({"A": task(OutputPath="$.Payload")}, lambda call: call["in"])
    ended = cloud.ended(cloud.start(input='{"a":1}'))
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", {"a": 1})


def test_an_error_of_a_function_has_its_name(opened: Open) -> None:
    def fails(call: Json) -> None:
        raise FunctionError("f", {"errorType": "RunBusy", "errorMessage": "held"})

    cloud = opened({"A": task()}, fails)
    ended = cloud.ended(cloud.start())
    assert (ended["status"], ended["error"]) == ("FAILED", "RunBusy")
    assert json.loads(ended["cause"])["errorMessage"] == "held"


def test_executions_without_a_name_are_different_ones(opened: Open) -> None:
    cloud = opened({"A": {"Type": "Pass", "End": True}})
    assert cloud.start() != cloud.start()


def test_a_name_is_taken_once(opened: Open) -> None:
    cloud = opened({"A": {"Type": "Pass", "End": True}})
    cloud.ended(cloud.start(name="one"))
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        cloud.start(name="one")


def test_an_output_that_is_text_is_json(opened: Open) -> None:
    cloud = opened({"A": {"Type": "Pass", "Result": "text", "End": True}})
    assert cloud.ended(cloud.start())["output"] == '"text"'


def test_a_token_wakes_its_task(opened: Open) -> None:
    calls: list[Json] = []
    cloud = opened({"A": waiting()}, calls.append)
    arn = cloud.start()
    cloud.client.send_task_success(taskToken=token_of(calls), output='{"yes":true}')
    assert json.loads(cloud.ended(arn)["output"]) == {"yes": True}


def test_a_token_that_nobody_waits_for_is_refused(opened: Open) -> None:
    cloud = opened({"A": waiting()})
    with pytest.raises(ClientError, match="TaskDoesNotExist"):
        cloud.client.send_task_success(taskToken="none", output="{}")


def test_the_cause_of_a_failed_task_is_kept(opened: Open) -> None:
    calls: list[Json] = []
    cloud = opened({"A": waiting()}, calls.append)
    arn = cloud.start()
    cloud.client.send_task_failure(taskToken=token_of(calls), error="No", cause="because")
    ended = cloud.ended(arn)
    assert (ended["error"], ended["cause"]) == ("No", "because")


def test_each_attempt_of_a_waiting_task_has_its_own_token(opened: Open) -> None:
    calls: list[Json] = []
    retry = [{"ErrorEquals": ["No"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    cloud = opened({"A": waiting(Retry=retry)}, calls.append)
    arn = cloud.start()
    cloud.client.send_task_failure(taskToken=token_of(calls, 0), error="No")
    cloud.client.send_task_success(taskToken=token_of(calls, 1), output="{}")
    assert cloud.ended(arn)["status"] == "SUCCEEDED"


def test_a_lost_heartbeat_has_its_own_name(opened: Open) -> None:
    cloud = opened({"A": waiting(HeartbeatSeconds=1, TimeoutSeconds=10)})
    assert cloud.ended(cloud.start())["error"] == "States.HeartbeatTimeout"


def test_a_stop_ends_what_waits_for_a_token(opened: Open) -> None:
    calls: list[Json] = []
    cloud = opened({"A": waiting()}, calls.append)
    arn = cloud.start()
    token_of(calls)
    cloud.client.stop_execution(executionArn=arn, error="E", cause="C")
    ended = cloud.ended(arn)
    assert (ended["status"], ended["error"], ended["cause"]) == ("ABORTED", "E", "C")


def test_what_a_stop_interrupted_begins_anew_and_what_ended_does_not(tmp_path: Path) -> None:
    calls: list[Json] = []
    store = Store(tmp_path)
    states = {"A": waiting()}
    with ExitStack() as stack:
        stack.callback(store.close)
        first = Cloud(store, calls.append)
        first.open(states)
        done, waits = first.start(name="done"), first.start(name="waits")
        token_of(calls, 1)
        for token in [call["token"] for call in calls]:
            first.client.send_task_success(taskToken=token, output="{}")
            break
        stack.callback(first.close)
        running = {arn for arn in (done, waits) if first.machines.get(arn).status == "RUNNING"}
        while len(running) == 2:
            running = {arn for arn in running if first.machines.get(arn).status == "RUNNING"}
        first.machines.close()
        again: list[Json] = []
        second = Cloud(store, again.append)
        stack.callback(second.close)
        second.open(states)
        second.client.send_task_success(taskToken=token_of(again), output="{}")
        assert second.ended(running.pop())["status"] == "SUCCEEDED"
        assert len(again) == 1


def test_a_machine_without_a_definition_here_is_named(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  M:\n"
        "    Type: AWS::Serverless::StateMachine\n    Properties: {DefinitionUri: m.json}\n"
    )
    with pytest.raises(TemplateError, match=r"M: m\.json is no JSON file here"):
        load(template, {}, "us-east-1")
