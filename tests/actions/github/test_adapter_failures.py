"""The adapter says truly what went wrong: whether anything was sent, and what to do about it."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from shared.actions.github.actions import AddLabels, Comment, ListLabels
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.github.errors import check
from shared.actions.github.session import GitHubSession
from shared.errors import ActionRejected, ActionUnavailable
from shared.events import Issue
from shared.settings import Settings
from tests.actions.github.sandbox_issue import MARK, SHOP, SandboxIssue, as_token, comment_fails
from tests.scripted_http import raw, served


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_after_a_write_leaves_it_unknown(
    target_with_token: SandboxIssue, status: int
) -> None:
    target_with_token.sandbox.fail_next(status)
    err = comment_fails(target_with_token)
    assert isinstance(err, ActionUnavailable)
    assert err.sent
    assert str(err) == f"github: could not comment on acme/shop#1: GitHub answered {status}"


@pytest.mark.parametrize("after", [False, True])
def test_a_lost_answer_leaves_a_write_unknown_until_it_is_looked_for(
    target_with_token: SandboxIssue, after: bool
) -> None:
    target = target_with_token
    target.sandbox.fail_next(0, after=after)
    err = comment_fails(target)
    assert isinstance(err, ActionUnavailable)
    assert err.sent
    found = target.adapter.find(Comment(target.issue, "Hello"), MARK)
    assert (found is not None) == after
    assert target.comments == (["Hello"] if after else [])


def test_a_slow_answer_leaves_a_write_unknown(target_with_token: SandboxIssue) -> None:
    sandbox = target_with_token.sandbox
    hasty = GitHubAdapter(as_token(sandbox), timeout=1)
    sandbox.slow_next(30)
    err = comment_fails(replace(target_with_token, adapter=hasty))
    assert isinstance(err, ActionUnavailable)
    assert err.sent
    assert "no answer came (ReadTimeoutError)" in str(err)


@pytest.mark.parametrize("status", [0, 500, 502])
def test_a_read_that_fails_before_the_write_changed_nothing(
    target_with_token: SandboxIssue, status: int
) -> None:
    target = target_with_token
    target.sandbox.fail_next(status, method="GET")
    with pytest.raises(ActionUnavailable) as caught:
        target.adapter.perform(AddLabels(target.issue, ("bug",)), MARK, None)
    assert not caught.value.sent
    assert target.labels == []


def test_each_request_is_sent_once(target_with_token: SandboxIssue) -> None:
    target_with_token.sandbox.fail_next(502, times=5)
    comment_fails(target_with_token)
    assert len(target_with_token.requests) == 1


@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_rate_limit_says_how_long_to_wait(
    target_with_token: SandboxIssue, status: int
) -> None:
    target_with_token.sandbox.fail_next(status, retry_after=7)
    err = comment_fails(target_with_token)
    assert isinstance(err, ActionUnavailable)
    assert (err.sent, err.retry_after) == (False, 7.0)
    assert str(err).endswith("rate limited, retry in 7 s")


@pytest.mark.parametrize(
    "said",
    [
        "You have triggered an abuse detection mechanism. Please wait a few minutes.",
        "You have been blocked by our Abuse Detection.",
        "You have exceeded a secondary rate limit.",
        "API rate limit exceeded for installation ID 7.",
    ],
)
@pytest.mark.parametrize(("headers", "wait"), [({"retry-after": "7"}, 7.0), ({}, 60.0)])
def test_the_words_of_all_servers_for_a_limit_are_known(
    said: str, headers: dict[str, str], wait: float
) -> None:
    with pytest.raises(ActionUnavailable) as caught:
        check("comment", 403, headers, {"message": said}, writes=True, credentials="GITHUB_TOKEN")
    assert (caught.value.sent, caught.value.retry_after) == (False, wait)


def test_the_hourly_limit_says_when_it_ends(target_with_token: SandboxIssue) -> None:
    target_with_token.sandbox.fail_next(429)
    err = comment_fails(target_with_token)
    assert isinstance(err, ActionUnavailable)
    assert not err.sent
    assert err.retry_after is not None
    assert 50 < err.retry_after <= 60


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "Bad credentials; check GITHUB_TOKEN"),
        (403, "it needs the permission issues=write; see GITHUB_TOKEN"),
        (404, "it is gone, or hidden from GITHUB_TOKEN"),
        (410, "it was deleted"),
        (422, "GitHub does not take the request"),
        (307, "renamed or moved"),
    ],
)
def test_a_refusal_names_what_to_look_at(
    target_with_token: SandboxIssue, status: int, advice: str
) -> None:
    target_with_token.sandbox.fail_next(status)
    err = comment_fails(target_with_token)
    assert isinstance(err, ActionRejected)
    assert advice in str(err)
    assert target_with_token.comments == []


def test_nobody_listening_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert_nothing_sent(f"http://127.0.0.1:{port}")


def test_a_connection_that_never_opens_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        assert_nothing_sent(f"http://127.0.0.1:{address[1]}")
        for one in waiting:
            one.close()


def test_a_certificate_that_nobody_trusts_means_that_nothing_was_sent(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    with serving(Junk, context) as port:
        assert_nothing_sent(f"https://127.0.0.1:{port}")


def assert_nothing_sent(url: str) -> None:
    adapter = GitHubAdapter(Settings(github_token="t", github_api_url=url), timeout=1)
    with pytest.raises(ActionUnavailable, match="GitHub could not be reached") as caught:
        adapter.perform(Comment(Issue(SHOP, 1), "Hello"), MARK, None)
    assert not caught.value.sent


def test_an_answer_that_is_not_githubs_leaves_a_write_unknown() -> None:
    with serving(Junk) as port:
        url = f"http://127.0.0.1:{port}"
        adapter = GitHubAdapter(Settings(github_token="t", github_api_url=url))
        with pytest.raises(ActionUnavailable, match="not JSON; check GITHUB_API_URL") as caught:
            adapter.perform(Comment(Issue(SHOP, 1), "Hello"), MARK, None)
    assert caught.value.sent


def test_a_redirect_to_elsewhere_is_not_followed() -> None:
    with serving(Elsewhere) as port:
        url = f"http://127.0.0.1:{port}"
        adapter = GitHubAdapter(Settings(github_token="t", github_api_url=url))
        with pytest.raises(ActionRejected, match=r"301 .* GITHUB_API_URL is not the API"):
            adapter.read(ListLabels(SHOP))


def test_no_message_carries_a_secret_or_peoples_text(target_with_token: SandboxIssue) -> None:
    target = target_with_token
    for status in (401, 403, 404, 422, 500, 0):
        target.sandbox.fail_next(status)
        err = comment_fails(target)
        assert target.sandbox.token not in str(err)
        assert "Hello" not in str(err)


class Junk(BaseHTTPRequestHandler):
    """Answers with a page, as a proxy does that wants a login."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Please log in")

    def log_message(self, format: str, *args: object) -> None:
        pass


class Elsewhere(Junk):
    def do_GET(self) -> None:
        self.send_response(301)
        self.send_header("Location", "http://elsewhere.test/")
        self.end_headers()


@contextmanager
def serving(handler: type[Junk], context: ssl.SSLContext | None = None) -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        yield server.server_port
        server.shutdown()


def self_signed(directory: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = directory / "both.pem"
    file.write_bytes(text + certificate.public_bytes(Encoding.PEM))
    return file


@pytest.mark.parametrize(
    ("head", "message", "seconds"),
    [
        ("", "API rate limit already exceeded for installation ID 7.", 60),
        ("", "You have exceeded a secondary rate limit.", 60),
        ("Retry-After: 17\r\n", "Something went wrong", 17),
        ("X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1\r\n", "Refused", 1),
    ],
)
def test_graphql_says_with_200_that_too_much_was_asked(
    head: str, message: str, seconds: float
) -> None:
    body = f'{{"data": null, "errors": [{{"type": "RATE_LIMITED", "message": "{message}"}}]}}'
    answer = f"HTTP/1.1 200 OK\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}"
    with served(raw(answer.encode())) as server:
        session = GitHubSession(Settings(github_token="t", github_api_url=server.url), 5)
        with pytest.raises(ActionUnavailable) as caught:
            session.graphql("resolve a thread", SHOP, "mutation { a }")
    assert (caught.value.retry_after, caught.value.sent) == (seconds, False)
