"""PyGithub's real requester over real HTTP, under this project's rules."""

import json
import logging
from collections.abc import Iterator

import pytest

from infra.local.sandbox.github import GitHubSandbox
from shared.actions.github.paths import APP, GitHubPath, of_app, of_manifest
from shared.errors import ActionError, ActionRejected, ActionUnavailable
from shared.github_app.client import PyGithubClient, app_client
from tests.actions.github.sandbox_issue import as_app
from tests.scripted_http import Server, Step, answer, raw, reset, served

DELIVERIES = of_app("list", ("hook", "deliveries"))
ATTEMPTS = of_app("redeliver", ("hook", "deliveries", 7, "attempts"))


@pytest.fixture
def client(sandbox: GitHubSandbox) -> Iterator[PyGithubClient]:
    client = app_client(as_app(sandbox), 5)
    yield client
    client.close()


def nobody(server: Server, timeout: int = 5) -> PyGithubClient:
    return PyGithubClient(server.url, None, "nothing", timeout)


def test_the_app_signs_and_reads_itself(client: PyGithubClient, sandbox: GitHubSandbox) -> None:
    found = client.call("read the app", "GET", APP, writes=False)
    assert found.data["id"] == sandbox.app_id
    assert found.status == 200
    assert "date" in found.headers
    [exchange] = sandbox.exchanges()
    assert exchange.path.endswith("/app")


def test_a_key_that_github_does_not_know_names_its_settings(sandbox: GitHubSandbox) -> None:
    stranger = as_app(sandbox)._replace(github_app_id="999999")
    with pytest.raises(ActionRejected, match="check GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY"):
        app_client(stranger, 5).call("read the app", "GET", APP, writes=False)


def test_a_key_that_is_none_is_said_before_anything_is_sent(sandbox: GitHubSandbox) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"
    broken = as_app(sandbox)._replace(github_app_private_key=key)
    with pytest.raises(ActionRejected, match="not an RSA key"):
        app_client(broken, 5).call("read the app", "GET", APP, writes=False)
    assert sandbox.exchanges() == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, ActionRejected),
        (302, ActionRejected),
        (307, ActionRejected),
        (400, ActionRejected),
        (404, ActionRejected),
        (429, ActionUnavailable),
        (500, ActionUnavailable),
        (503, ActionUnavailable),
    ],
)
@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_each_answer_ends_the_call(status: int, error: type[ActionError], verb: str) -> None:
    head = f"HTTP/1.1 {status} X\r\nLocation: /app/elsewhere\r\nContent-Length: 2\r\n\r\n{{}}"
    with served(raw(head.encode())) as server:
        with pytest.raises(error):
            nobody(server).call("try", verb, ATTEMPTS, writes=verb == "POST")
        assert len(server.requests) == 1


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_an_answer_that_says_later_is_taken_as_it_is(verb: str) -> None:
    with served(answer(202, b"{}")) as server:
        found = nobody(server).call("try", verb, ATTEMPTS, writes=verb == "POST")
        assert (found.status, found.data, len(server.requests)) == (202, {}, 1)


@pytest.mark.parametrize(
    "step",
    [
        reset,
        raw(b""),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n[{"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[{"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]"),
        answer(200, b"<html>"),
        answer(200, b'[{"id": 1}'),
    ],
)
@pytest.mark.parametrize("writes", [False, True])
def test_a_cut_answer_is_unavailable_and_asked_once(step: Step, writes: bool) -> None:
    with served(step) as server:
        with pytest.raises(ActionUnavailable) as caught:
            nobody(server).call("try", "POST" if writes else "GET", ATTEMPTS, writes=writes)
        assert caught.value.sent is writes
        assert len(server.requests) == 1


def test_a_server_that_is_away_has_received_nothing() -> None:
    with served() as server:
        client = nobody(server)
    with pytest.raises(ActionUnavailable, match="could not be reached") as caught:
        client.call("try", "POST", ATTEMPTS, writes=True)
    assert caught.value.sent is False


def test_a_silent_server_is_given_up(sandbox: GitHubSandbox) -> None:
    sandbox.slow_next(3, path="/app/hook")
    with pytest.raises(ActionUnavailable, match="no answer came"):
        app_client(as_app(sandbox), 1).call("list", "GET", DELIVERIES, writes=False)


@pytest.mark.parametrize(
    "path",
    [
        GitHubPath("/app", "/app/../user"),
        GitHubPath("/app", "/app/%2e%2e/user"),
        GitHubPath("/app", "/user"),
        GitHubPath("/app", "/app#x"),
        GitHubPath("/app", "/app?x=1"),
        GitHubPath("/elsewhere", "/elsewhere/1"),
        GitHubPath("/app", "//evil.example/app"),
    ],
)
def test_a_path_that_leads_elsewhere_is_not_sent(path: GitHubPath) -> None:
    with served() as server:
        with pytest.raises(ActionRejected):
            nobody(server).call("try", "GET", path, writes=False)
        assert server.requests == []


@pytest.mark.parametrize("code", ["", ".", "..", "a/b", "a\\b", "%2e%2e", "a\nb", "a b/"])
def test_a_manifest_code_that_is_none_is_refused(code: str) -> None:
    with pytest.raises(ActionRejected):
        of_manifest("convert the manifest", code)


def test_a_manifest_is_converted_by_nobody_and_its_code_and_answer_stay_out_of_logs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    credentials = json.dumps({"id": 7, "pem": "secret-pem", "webhook_secret": "secret-word"})
    with caplog.at_level(logging.DEBUG), served(answer(201, credentials.encode())) as server:
        path = of_manifest("convert the manifest", "secret-code")
        found = nobody(server).call("convert the manifest", "POST", path, writes=True)
        [request] = server.requests
        assert request.line == "POST /app-manifests/secret-code/conversions HTTP/1.1"
        assert "authorization" not in request.headers
    assert found.data["pem"] == "secret-pem"
    assert "secret" not in caplog.text


@pytest.mark.parametrize("status", [200, 401, 500, 0])
def test_logs_and_errors_hold_no_token_and_no_payload(
    sandbox: GitHubSandbox, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    client = app_client(as_app(sandbox), 5)
    sandbox.open_issue("acme/shop", "SecretTitle")
    sandbox.settle()
    if status != 200:
        sandbox.fail_next(status)
    said = ""
    logging.getLogger("github").setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG):
        fresh = app_client(as_app(sandbox), 5)
        for one in (client, fresh):
            try:
                one.call("list", "GET", DELIVERIES, writes=False)
            except ActionError as err:
                said += repr(err) + repr(err.__cause__)
    for secret in ("Bearer", "eyJ", "SecretTitle", "PRIVATE KEY"):
        assert secret not in caplog.text + said


def test_an_enterprise_server_keeps_its_prefix() -> None:
    with served(answer(200, b"{}")) as server:
        client = PyGithubClient(f"{server.url}/api/v3", None, "nothing", 5)
        client.call("try", "GET", DELIVERIES, parameters={"per_page": 100}, writes=False)
        assert server.requests[0].line == ("GET /api/v3/app/hook/deliveries?per_page=100 HTTP/1.1")
