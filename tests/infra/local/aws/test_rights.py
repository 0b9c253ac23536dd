"""Functions of the local cloud may do what their roles say, and what they did is known."""

import io
import json
from typing import Any

import pytest

from infra.local.aws.rights import Call, Grant, Rights

_ROLE = "arn:aws:iam::1:role/flow"


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:us-east-1:1:{resource}"


def _rights(*statements: dict[str, Any]) -> Rights:
    rights = Rights(_arn)
    rights.add_role(_ROLE, [{"PolicyDocument": {"Statement": list(statements)}}])
    rights.keys_of("Chat", _ROLE)
    return rights


def _allow(action: str | list[str], resource: str | list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def _ask(
    rights: Rights,
    service: str,
    body: object = "",
    *,
    path: str = "/",
    method: str = "POST",
    target: str = "",
    query: str = "",
    key: str = "LOCAL-Chat",
) -> str:
    """Send a request; return the status of the answer, or 'through'."""
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    environ = {
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={key}/20261130/us-east-1/{service}"
        "/aws4_request, SignedHeaders=host, Signature=0",
        "HTTP_X_AMZ_TARGET": target,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_METHOD": method,
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.input": io.BytesIO(content),
    }
    seen: list[str] = []

    def through(environ: Any, start_response: Any) -> list[bytes]:
        assert environ["wsgi.input"].read() == content  # who comes next can read it too
        start_response("through", [])
        return []

    def start_response(status: str, headers: Any, failure: Any = None, /) -> Any:
        seen.append(status.partition(" ")[0])

    list(rights.wrapped(through)(environ, start_response))
    return seen[0]


#: A request of each service, and the call that it is.
_REQUESTS = [
    (
        {"service": "sns", "body": f"Action=Publish&TopicArn={_arn('sns', 'bus.fifo')}"},
        Call("sns:Publish", _arn("sns", "bus.fifo")),
    ),
    (
        {
            "service": "sqs",
            "target": "AmazonSQS.SendMessage",
            "body": {"QueueUrl": "http://127.0.0.1:1/1/chat-dead.fifo"},
        },
        Call("sqs:SendMessage", _arn("sqs", "chat-dead.fifo")),
    ),
    (
        {"service": "s3", "method": "GET", "path": "/payloads/a/b"},
        Call("s3:GetObject", "arn:aws:s3:::payloads/a/b"),
    ),
    (
        {"service": "s3", "method": "PUT", "path": "/payloads/maps/1"},
        Call("s3:PutObject", "arn:aws:s3:::payloads/maps/1"),
    ),
    (
        {"service": "s3", "method": "GET", "path": "/payloads", "query": "list-type=2"},
        Call("s3:ListBucket", "arn:aws:s3:::payloads"),
    ),
    (
        {
            "service": "secretsmanager",
            "target": "secretsmanager.GetSecretValue",
            "body": {"SecretId": "agents/github"},
        },
        Call(
            "secretsmanager:GetSecretValue", _arn("secretsmanager", "secret:agents/github-??????")
        ),
    ),
    (
        {
            "service": "states",
            "target": "AWSStepFunctions.StartExecution",
            "body": {"stateMachineArn": _arn("states", "stateMachine:planner")},
        },
        Call("states:StartExecution", _arn("states", "stateMachine:planner")),
    ),
    (
        {
            "service": "states",
            "target": "AWSStepFunctions.SendTaskSuccess",
            "body": {"taskToken": "t"},
        },
        Call("states:SendTaskSuccess", "*"),
    ),
    (
        {"service": "lambda", "path": "/2015-03-31/functions/migrate%3Alive/invocations"},
        Call("lambda:InvokeFunction", _arn("lambda", "function:migrate:live")),
    ),
    (
        {"service": "scheduler", "path": "/schedules/look-1", "body": {"GroupName": "timers"}},
        Call("scheduler:CreateSchedule", _arn("scheduler", "schedule/timers/look-1")),
    ),
    (
        {
            "service": "scheduler",
            "method": "DELETE",
            "path": "/schedules/look-1",
            "query": "groupName=timers",
        },
        Call("scheduler:DeleteSchedule", _arn("scheduler", "schedule/timers/look-1")),
    ),
]


@pytest.mark.parametrize(("request_", "call"), _REQUESTS)
def test_what_a_role_allows_passes_and_what_it_does_not_is_refused(
    request_: dict[str, Any], call: Call
) -> None:
    allowed = _rights(_allow(call.action, call.resource))
    assert _ask(allowed, **request_) == "through"
    assert allowed.used == {Grant(_ROLE, *call)}
    for other in (
        _allow(call.action, f"{call.resource}-of-another" if call.resource != "*" else "x"),
        _allow(f"{call.action}s", call.resource),
    ):
        refusing = _rights(other)
        assert _ask(refusing, **request_) == "403"
        assert refusing.refused
        assert not refusing.used


def test_a_schedule_with_a_role_wants_the_right_to_pass_it() -> None:
    may = _allow("scheduler:CreateSchedule", "*")
    body = {"Target": {"RoleArn": "arn:aws:iam::1:role/timers"}}
    asked: dict[str, Any] = {"service": "scheduler", "path": "/schedules/a", "body": body}
    assert _ask(_rights(may), **asked) == "403"
    passing = _allow("iam:PassRole", "arn:aws:iam::1:role/timers")
    assert _ask(_rights(may, passing), **asked) == "through"


def test_another_key_may_do_all_and_is_not_counted() -> None:
    rights = _rights()
    assert _ask(rights, "sns", "Action=Publish&TopicArn=t", key="AKIAOFAPERSON") == "through"
    assert not rights.used | rights.refused


@pytest.mark.parametrize(
    ("resource", "asked", "covered"),
    [
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b", True),
        ("arn:aws:s3:::b/maps/*", "arn:aws:s3:::b/other", False),
        ("arn:aws:s3:::b", "arn:aws:s3:::b/x", False),
        ("secret:a-??????", "secret:a-AbCdEf", True),
        ("secret:a-??????", "secret:a-b-AbCdEf", False),
        ("a.b[1]", "a.b[1]", True),
        ("a.b", "aXb", False),
    ],
)
def test_patterns_are_those_of_iam(resource: str, asked: str, covered: bool) -> None:
    assert Grant("r", "a:B", resource).covers("a:B", asked) is covered


def test_many_functions_of_one_name_keep_their_own_roles() -> None:
    rights = _rights(_allow("sns:Publish", "*"))
    rights.add_role("none", [])
    rights.keys_of("Chat2", "none")
    form = "Action=Publish&TopicArn=t"
    assert _ask(rights, "sns", form) == "through"
    assert _ask(rights, "sns", form, key="LOCAL-Chat2") == "403"
    assert {grant.action for grant in rights.grants} == {"sns:Publish"}
