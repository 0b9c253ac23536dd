"""Functions as processes: what they see, how they fail, and how AWS would say so."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.aws.environments import FunctionSpec
from infra.local.aws.errors import FunctionError, LocalCloudError
from infra.local.aws.functions import Functions
from shared.events import Json
from tests.infra.local.aws.site import TEMPLATE, Site

ECHO = "app.worker.echo"


def functions(handler: str, code: Path = TEMPLATE.parent, **values: Any) -> Functions:
    spec = FunctionSpec(
        id="F",
        name="f",
        arn="arn:aws:lambda:us-east-1:123456789012:function:f",
        handler=handler,
        code=code,
        variables={"RECORD": "nowhere"},
        timeout=60,
        memory=128,
        concurrency=values.pop("concurrency", 2),
    )
    return Functions([spec._replace(**values)], lambda function, line: None)


def fail(handler: str, event: Json, **values: Any) -> Json:
    """Invoke a function that must fail and return what AWS would answer."""
    one = functions(handler, **values)
    try:
        with pytest.raises(FunctionError) as caught:
            one.invoke("F", event)
        return caught.value.payload
    finally:
        one.close()


def test_a_warm_process_takes_the_next_event() -> None:
    one = functions(ECHO)
    try:
        first, second = one.invoke("F", {"n": 1}), one.invoke("f", {"n": 2})
        assert (first["event"], second["event"]) == ({"n": 1}, {"n": 2})
        assert first["pid"] == second["pid"]
        assert first["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:f"
        os.kill(first["pid"], signal.SIGKILL)  # while it is idle
        while first["pid"] in one.processes:
            time.sleep(0.01)
        assert one.invoke(first["arn"], {})["pid"] != first["pid"]
    finally:
        one.close()


def test_a_process_outlives_an_exception_but_not_a_crash() -> None:
    one = functions(ECHO)
    try:
        pid = one.invoke("F", {})["pid"]
        with pytest.raises(FunctionError, match="function F failed: RuntimeError") as caught:
            one.invoke("F", {"wrong": "raise"})
        assert caught.value.payload["errorMessage"] == "as asked"
        assert caught.value.payload["stackTrace"]
        assert one.invoke("F", {})["pid"] == pid
        with pytest.raises(FunctionError):
            one.invoke("F", {"wrong": "kill"})
        assert one.invoke("F", {})["pid"] != pid
    finally:
        one.close()


def test_crashes_are_reported_as_aws_does() -> None:
    killed = fail(ECHO, {"wrong": "kill"})
    assert killed["errorType"] == "Runtime.ExitError"
    assert killed["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    exited = fail(ECHO, {"wrong": "exit"})
    assert exited["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")


def test_a_function_that_runs_too_long_is_killed() -> None:
    late = fail(ECHO, {"wrong": "sleep"}, timeout=0.3)
    assert late["errorType"] == "Sandbox.Timedout"
    assert late["errorMessage"].endswith("Error: Task timed out after 0.30 seconds")


def test_a_response_that_is_too_large_is_an_error() -> None:
    assert fail(ECHO, {"large": 6_300_000})["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_module_that_cannot_be_imported_is_reported(tmp_path: Path) -> None:
    missing = fail("nowhere.handler", {})
    assert missing["errorType"] == "Runtime.ImportModuleError"
    assert "No module named 'nowhere'" in missing["errorMessage"]
    tmp_path.joinpath("broken.py").write_text("raise ValueError('at import')")
    broken = fail("broken.handler", {}, code=tmp_path)
    assert (broken["errorType"], broken["errorMessage"]) == ("ValueError", "at import")


def test_an_unknown_function_is_named(site: Site) -> None:
    with pytest.raises(LocalCloudError, match=r"no function 'Nobody'; known: .*Github"):
        site.cloud.invoke("Nobody", {})


def test_a_function_sees_its_own_variables_and_the_local_services(site: Site) -> None:
    variables = site.request("/echo/environment").json()
    assert variables["TOPIC_ARN"] == site.cloud.outputs["Topic"]
    assert variables["RECORD"] == str(site.record)  # given, in place of the template's
    assert variables["USER"] == "octocat"  # out of the secret
    assert variables["MISSING"] == ""
    assert variables["NAMES"] == "us-east-1,test"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "agent-flows-Api"
    assert variables["AWS_ACCESS_KEY_ID"] == "LOCAL-Api"
    assert variables.items() >= site.cloud.endpoints.items()
    assert "AWS_ENDPOINT_URL" not in variables  # Bedrock may be real
    assert "PYTEST_CURRENT_TEST" not in variables


def test_what_a_function_prints_reaches_the_log(site: Site) -> None:
    site.send("printed", {})
    site.wait_for(lambda: ("Github", "worked on printed") in site.log)


def test_boto3_can_invoke_a_function(site: Site) -> None:
    client = boto3.client(
        "lambda",
        endpoint_url=site.cloud.endpoints["AWS_ENDPOINT_URL_LAMBDA"],
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    good = client.invoke(FunctionName="agent-flows-Github", Payload=b"{}")
    assert json.load(good["Payload"]) == {"batchItemFailures": []}
    bad = client.invoke(FunctionName="agent-flows-Api", Payload=b"{}")
    assert bad["FunctionError"] == "Unhandled"
    assert json.load(bad["Payload"])["errorType"] == "KeyError"
    queued = client.invoke(FunctionName="agent-flows-Github", InvocationType="Event", Payload=b"{}")
    assert queued["StatusCode"] == 202
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="nobody")


def test_real_credentials_reach_the_functions(tmp_path: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": "real"}
    site = Site(tmp_path, environment={**keys, "AWS_REGION": "eu-central-1", "OTHER": "x"})
    with site.cloud:
        variables = site.request("/echo/environment").json()
        site.send("regional", {})
        site.wait_for_records(1, "regional")
    assert variables.items() >= keys.items()
    assert variables["AWS_REGION"] == "eu-central-1"
    assert ":eu-central-1:" in variables["TOPIC_ARN"]
    assert "OTHER" not in variables
