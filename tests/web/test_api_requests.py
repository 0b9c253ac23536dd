"""Requests to the API: who may send them, what they may hold, and how they are refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import Event, Issue, Workplace, run_id
from shared.marks import mark_of
from tests.campaigns import examples
from tests.web.api_client import ApiClient

RUN, DIGEST = "0123456789abcdef0123", "f" * 64
ANSWER = {"answer": "approve", "digest": DIGEST}
PATHS = [
    "/runs",
    f"/runs/{RUN}/cancel",
    f"/runs/{RUN}/approvals/s1",
    f"/runs/{RUN}/undo",
]


def test_a_goal_becomes_an_event_and_the_id_of_its_plan_is_told_at_once() -> None:
    client = ApiClient()
    answer = client.post("/runs", {"goal": "Group the open issues"})
    (event,) = client.published
    assert answer.status == 202
    assert (event.type, event.source, event.tenant) == ("api.command.plan", "api", "github:acme")
    assert (event.actor.name, event.actor.role) == ("ada", "member")
    assert event.text == "Group the open issues"
    assert answer.body["run"] == run_id(event, "plan")
    assert answer.headers["Location"] == f"runs/{answer.body['run']}"
    assert event.conversation == f"api:{answer.body['run']}"
    assert Event.from_json(event.to_json()) == event


def test_the_same_key_is_the_same_event_for_one_caller_only() -> None:
    client = ApiClient()
    body = {"goal": "Once"}
    first = client.post("/runs", body, Idempotency_Key="a key").body["run"]
    assert client.post("/runs", body, Idempotency_Key="a key").body["run"] == first
    assert client.post("/runs", body, "eve's", Idempotency_Key="a key").body["run"] != first
    assert client.post("/runs", body).body["run"] != client.post("/runs", body).body["run"]


def test_another_flow_is_started_by_its_name() -> None:
    client = ApiClient()
    answer = client.post("/runs", {"flow": "digest", "text": "Monday"})
    (event,) = client.published
    assert (event.type, event.text) == ("api.flow.digest", "Monday")
    assert answer.body["run"] == run_id(event, "digest")


def test_a_flow_that_takes_no_requests_is_a_wrong_field() -> None:
    client = ApiClient(event_types="api.command.plan,slack.app_mention")
    answer = client.post("/runs", {"flow": "chat", "text": "Hello"})
    assert (answer.status, answer.body["field"]) == (422, "flow")
    assert client.published == []


def test_an_issue_must_be_of_the_callers_tenant() -> None:
    client = ApiClient(tenants="shop=github:shop")
    assert client.post("/runs", {"goal": "x", "issue": "acme/web#7"}).status == 202
    assert client.published[0].issue_target == Issue("acme/web", 7)
    for issue in ("shop/web#7", "other/web#7"):
        answer = client.post("/runs", {"goal": "x", "issue": issue})
        assert (answer.status, answer.body["field"]) == (422, "issue")


def test_a_repository_must_be_of_the_callers_tenant() -> None:
    client = ApiClient(tenants="shop=github:shop")
    assert client.post("/runs", {"goal": "x", "repository": "acme/web"}).status == 202
    assert client.published[0].workplace == Workplace("acme/web", "github:acme")
    assert client.published[0].repository == "acme/web"
    for repository in ("shop/web", "other/web"):
        answer = client.post("/runs", {"goal": "x", "repository": repository})
        assert (answer.status, answer.body["field"]) == (422, "repository")


def test_answers_and_cancels_are_events_of_the_run_that_they_are_about() -> None:
    client = ApiClient()
    cancelled = client.post(f"/runs/{RUN}/cancel")
    answered = client.post(PATHS[2], ANSWER | {"answer": "change", "words": "smaller"})
    undone = client.post(f"/runs/{RUN}/undo")
    cancel, change, undo = client.published
    assert (undo.type, undo.payload, undo.text) == ("api.command.undo", {"run": RUN}, "")
    assert undone.headers["Location"] == f"../{RUN}"
    assert undone.body["command"] == run_id(undo, "control")
    assert undo.conversation == f"api:{RUN}"
    assert cancel.type == "api.command.cancel"
    assert (change.type, change.text) == ("api.command.change", "smaller")
    assert change.payload == {"run": RUN, "step": "s1", "digest": DIGEST}
    assert cancel.conversation == change.conversation == f"api:{RUN}"
    assert cancelled.headers["Location"] == f"../{RUN}"
    assert answered.headers["Location"] == f"../../{RUN}"
    assert answered.body["run"] == RUN
    assert answered.body["command"] == run_id(change, "plan")


@pytest.mark.parametrize("path", PATHS)
def test_nobody_gets_in_without_a_known_token(path: str) -> None:
    client = ApiClient()
    for token in ("", "nobody's", "ada's more", "\ud800"):
        answer = client.post(path, {}, token)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    basic = client.send("POST", path, "{}", "", {"Authorization": "Basic ada's"})
    assert basic.status == 401
    assert client.published == []


@pytest.mark.parametrize("path", PATHS)
def test_a_token_that_may_only_read_writes_nothing(path: str) -> None:
    client = ApiClient()
    assert client.post(path, {"goal": "x"}, "guest's").status == 403
    assert client.published == []


def test_without_tokens_there_is_no_api() -> None:
    client = ApiClient(api_tokens="")
    assert {client.post(path, {}).status for path in PATHS} == {404}
    assert client.get(RUN).status == 404


@pytest.mark.parametrize("tokens", ["{", "[]", '{"x": 1}', '{"x": {"tenant": "a"}}', '{"x": {}}'])
def test_tokens_that_cannot_be_read_open_nothing(
    tokens: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ApiClient(api_tokens=tokens).post("/runs", {"goal": "x"}).status == 503
    assert '"x"' not in capsys.readouterr().out


def test_no_log_holds_a_token_or_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    client = ApiClient()
    client.post("/runs", {"goal": "a private goal"})
    client.post("/runs", {"private": "a private goal"})
    client.post("/runs", {"goal": "a private goal"}, "a private token")
    lines = capsys.readouterr().out
    assert len(lines.splitlines()) == 3
    assert "private" not in lines
    assert "ada's" not in lines


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "goal"),
        ({"goal": "x", "flow": "chat"}, 422, "goal"),
        ({"goal": "x", "text": "y"}, 422, "text"),
        ({"goal": " "}, 422, "goal"),
        ({"goal": 7}, 422, "goal"),
        ({"goal": "x" * 8_001}, 422, "goal"),
        ({"goal": f"x\n\n{mark_of('k', 'chat', 1)}"}, 422, "goal"),
        ({"goal": "x", "tenant": "github:other"}, 422, "tenant"),
        ({"flow": "Chat", "text": "x"}, 422, "flow"),
        ({"flow": "chat"}, 422, "text"),
        ({"goal": "x", "issue": "acme/web"}, 422, "issue"),
        ({"goal": "x", "issue": {}}, 422, "issue"),
        ({"goal": "x", "issue": "acme/..#1"}, 422, "issue"),
        ({"goal": "x", "repository": "acme"}, 422, "repository"),
        ({"goal": "x", "repository": "acme/.."}, 422, "repository"),
        ({"goal": "x", "repository": ["acme/web"]}, 422, "repository"),
        ({"goal": "x", "repository": "acme/web", "issue": "acme/web#1"}, 422, "repository"),
        ({"flow": "chat", "text": "x", "repository": "acme/web"}, 422, "repository"),
        ("{", 400, None),
        ("[]", 400, None),
        ('{"goal": NaN}', 400, None),
        (json.dumps({"goal": "x" * 70_000}), 413, None),
    ],
)
def test_what_is_wrong_is_named(body: object, status: int, field: str | None) -> None:
    client = ApiClient()
    answer = client.post("/runs", body)
    assert (answer.status, answer.body.get("field")) == (status, field)
    assert client.published == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"answer": "approved"}, "answer"),
        ({"answer": ["approve"]}, "answer"),
        ({"digest": "F" * 64}, "digest"),
        ({"digest": None}, "digest"),
        ({"answer": "change"}, "words"),
        ({"words": 1}, "words"),
        ({"by": "bob"}, "by"),
    ],
)
def test_an_answer_is_exact(change: dict[str, Any], field: str) -> None:
    client = ApiClient()
    answer = client.post(PATHS[2], ANSWER | change)
    assert (answer.status, answer.body["field"]) == (422, field)
    assert client.published == []


@pytest.mark.parametrize("path", ["/runs/x/cancel", "/runs/x/undo", f"/runs/{RUN}/approvals/S1"])
def test_what_can_be_no_run_or_step_is_not_there(path: str) -> None:
    assert ApiClient().post(path, ANSWER).status == 404


def test_other_methods_types_and_long_keys_are_refused() -> None:
    client = ApiClient()
    for method in ("GET", "PUT", "DELETE"):
        answer = client.send(method, "/runs", None, "ada's", {})
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert client.send("POST", f"/runs/{RUN}", None, "ada's", {}).headers["Allow"] == "GET"
    form = client.send("POST", "/runs", "goal=x", "ada's", {"Content-Type": "text/plain"})
    assert (form.status, form.body["field"]) == (415, "Content-Type")
    assert client.post("/runs", {"goal": "x"}, Idempotency_Key="k" * 201).status == 400


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["goal", "flow", "text", "issue", "repository", "answer", "words", "digest", "x"]
)


@examples(150)
@given(
    st.sampled_from(PATHS),
    st.dictionaries(FIELDS, JSON_VALUES | st.sampled_from(["approve", DIGEST, "chat", "a/b#1"]))
    | JSON_VALUES,
    st.text(max_size=30),
)
def test_any_body_is_taken_or_refused_never_failed(path: str, body: Any, key: str) -> None:
    client = ApiClient()
    answer = client.post(path, json.dumps(body), Idempotency_Key=key)
    assert answer.status in {202, 400, 413, 415, 422}
    assert len(client.published) == (answer.status == 202)
    for event in client.published:
        assert Event.from_json(event.to_json()).id == event.id
