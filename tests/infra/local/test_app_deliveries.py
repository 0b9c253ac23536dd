"""The deliveries of the app reach the front door: the sandbox is GitHub, a receiver the ingress."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra.local.app_deliveries import AppDeliveries
from infra.local.sandbox.github import GitHubSandbox
from shared.errors import SettingsError
from shared.perception.github import verify
from shared.settings import Settings
from tests.actions.github.sandbox_issue import SHOP, as_app
from tests.github_app.history import Past, with_history
from tests.infra.local.sandbox.github.receiver import Receiver
from tests.waiting import wait_for

SECRET = "local secret"
HOUR = 3600.0


@dataclass
class Post:
    """A GitHub that cannot reach us, a front door, and how to carry between them."""

    sandbox: GitHubSandbox
    door: Receiver
    state: Path
    said: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return as_app(self.sandbox)._replace(github_webhook_secret=SECRET)

    def carrier(self, **changes: str) -> AppDeliveries:
        settings, url = self.settings._replace(**changes), self.door.url[: -len("/github/webhook")]
        return AppDeliveries(settings, url, self.state, self.said.append, interval=0.05)

    @property
    def titles(self) -> list[str]:
        return [payload["issue"]["title"] for payload in self.door.payloads]

    def remember(self, since: float) -> None:
        """Leave the state of a run that started at `since`."""
        self.state.mkdir()
        file = self.state / f"app-{self.sandbox.app_id}.json"
        file.write_text(json.dumps({"since": since, "posted": {}}))

    def rounds(self, number: int) -> None:
        """Wait until the list was asked for so many more times."""
        goal = self._lists() + number
        wait_for(lambda: self._lists() >= goal)

    def _lists(self) -> int:
        return [one.path for one in self.sandbox.exchanges()].count("/app/hook/deliveries")


@pytest.fixture
def post(sandbox: GitHubSandbox, receiver: Receiver, tmp_path: Path) -> Post:
    sandbox.webhook_url = "http://127.0.0.1:9/"  # as GitHub it keeps what it could not deliver
    return Post(sandbox, receiver, tmp_path / "deliveries")


def test_a_new_delivery_arrives_signed_once(post: Post) -> None:
    with post.carrier():
        post.sandbox.open_issue(SHOP, "Crash", "错误 🙂")
        post.sandbox.comment(SHOP, 1, "Me too")
        wait_for(lambda: len(post.door.received) == 2)
        post.rounds(3)
    assert post.door.seen == ["issues.opened", "issue_comment.created"]
    kept = {one["guid"]: one["payload"] for one in post.sandbox.deliveries()}
    for headers, body in post.door.received:
        verify(body, headers, SECRET)
        assert headers["content-type"] == "application/json"
        assert json.loads(body) == kept.pop(headers["x-github-delivery"])
    assert kept == {}
    assert post.said == []


def test_what_happened_before_the_first_start_is_left_alone(
    fresh: Path, receiver: Receiver, tmp_path: Path
) -> None:
    with with_history(tmp_path / "github", fresh, aged([60.0])) as sandbox:
        post = Post(sandbox, receiver, tmp_path / "deliveries")
        with post.carrier():
            post.rounds(1)
            sandbox.webhook_url = "http://127.0.0.1:9/"
            sandbox.open_issue(SHOP, "New")
            wait_for(lambda: post.titles)
    assert post.titles == ["New"]


def test_a_restart_misses_nothing_and_repeats_nothing(post: Post) -> None:
    with post.carrier():
        post.sandbox.open_issue(SHOP, "Before")
        wait_for(lambda: post.titles)
        post.rounds(1)
    post.sandbox.open_issue(SHOP, "Between")
    with post.carrier():
        wait_for(lambda: len(post.titles) > 1)
        post.sandbox.open_issue(SHOP, "After")
        wait_for(lambda: len(post.titles) > 2)
    assert post.titles == ["Before", "Between", "After"]


def test_a_first_start_without_events_counts_as_the_start(post: Post) -> None:
    with post.carrier():
        post.rounds(2)
    post.sandbox.open_issue(SHOP, "Between")
    time.sleep(2)  # GitHub's time has whole seconds
    with post.carrier():
        wait_for(lambda: post.titles)
    assert post.titles == ["Between"]


def test_a_restart_goes_back_an_hour_and_no_further(
    fresh: Path, receiver: Receiver, tmp_path: Path
) -> None:
    ages = [2 * HOUR, HOUR - 60, 60.0]
    with with_history(tmp_path / "github", fresh, aged(ages)) as sandbox:
        post = Post(sandbox, receiver, tmp_path / "deliveries")
        post.remember(since=0.0)
        with post.carrier():
            wait_for(lambda: len(post.titles) == 2)
            post.rounds(2)
    assert post.titles == ["1", "2"]


def test_more_than_one_page_arrives_in_order(
    fresh: Path, receiver: Receiver, tmp_path: Path
) -> None:
    with with_history(tmp_path / "github", fresh, aged([60.0] * 230)) as sandbox:
        post = Post(sandbox, receiver, tmp_path / "deliveries")
        post.remember(since=0.0)
        with post.carrier():
            wait_for(lambda: len(post.titles) == 230)
            post.rounds(2)
    assert post.titles == [str(number) for number in range(230)]


def test_a_redelivery_with_the_same_guid_is_posted_again(post: Post) -> None:
    with post.carrier():
        post.sandbox.open_issue(SHOP, "Crash")
        wait_for(lambda: post.titles)
        post.sandbox.redeliver(post.sandbox.deliveries()[0]["guid"])
        wait_for(lambda: len(post.titles) == 2)
        post.rounds(2)
    assert len(post.door.received) == 2
    assert len({headers["x-github-delivery"] for headers, _ in post.door.received}) == 1


def test_credentials_that_github_refuses_are_said_once(post: Post) -> None:
    with (
        GitHubSandbox("", "secret") as other,
        post.carrier(github_app_private_key=other.private_key),
    ):
        post.rounds(3)
    (line,) = post.said
    assert "401" in line
    assert "check GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY" in line


@pytest.mark.parametrize("path", ["/app/hook/deliveries", "/app/hook/deliveries/"])
@pytest.mark.parametrize("status", [500, 0])
def test_a_github_that_fails_is_asked_again(post: Post, path: str, status: int) -> None:
    post.sandbox.fail_next(status, times=3, path=path)
    with post.carrier():
        post.sandbox.open_issue(SHOP, "One")
        post.sandbox.open_issue(SHOP, "Two")
        wait_for(lambda: len(post.titles) == 2)
    assert post.titles == ["One", "Two"]
    assert len(post.said) == 1


def test_a_rate_limit_is_waited_out(post: Post) -> None:
    post.sandbox.fail_next(403, path="/app/hook/deliveries", retry_after=3)
    with post.carrier():
        wait_for(lambda: post.said)
        asked = len(post.sandbox.exchanges())
        time.sleep(0.5)  # ten intervals
        assert len(post.sandbox.exchanges()) == asked
        post.sandbox.open_issue(SHOP, "Later")
        wait_for(lambda: post.titles)
    assert "rate limited, retry in 3 s" in post.said[0]


def test_a_front_door_that_fails_gets_the_same_again_first(post: Post) -> None:
    post.door.answers = [503, 502, 401]
    with post.carrier():
        post.sandbox.open_issue(SHOP, "One")
        post.sandbox.open_issue(SHOP, "Two")
        wait_for(lambda: len(post.titles) == 5)
        post.rounds(2)
    assert post.titles == ["One", "One", "One", "One", "Two"]
    (line,) = post.said
    assert "/github/webhook answered 503; it is tried again" in line


@pytest.mark.parametrize("status", [400, 413])
def test_what_the_front_door_never_takes_holds_nothing_up(post: Post, status: int) -> None:
    post.door.answers = [status]
    with post.carrier():
        post.sandbox.open_issue(SHOP, "One")
        post.sandbox.open_issue(SHOP, "Two")
        wait_for(lambda: len(post.titles) == 2)
        post.rounds(2)
    assert post.titles == ["One", "Two"]
    (line,) = post.said
    assert f"(issues) is left out: the front door answered {status}" in line


def test_a_front_door_that_is_away_is_said(post: Post) -> None:
    post.door.url = "http://127.0.0.1:9/github/webhook"
    with post.carrier():
        post.sandbox.open_issue(SHOP, "One")
        wait_for(lambda: post.said)
        post.rounds(1)
    (line,) = post.said
    assert "no answer from http://127.0.0.1:9/github/webhook" in line


@pytest.mark.parametrize("body", [b'{"message": "Hi"}', b"null", b"[1]", b'[{"id": 1}]', b"<html>"])
def test_a_server_that_is_no_github_is_said(post: Post, body: bytes) -> None:
    with answering(body) as url, post.carrier(github_api_url=url):
        wait_for(lambda: post.said)
    assert "could not list the app's deliveries" in post.said[0]
    assert post.said[0].endswith("check GITHUB_API_URL")


def test_it_stops_while_it_waits_and_while_github_is_slow(post: Post) -> None:
    with post.carrier():
        post.rounds(1)
    assert "app-deliveries" not in {thread.name for thread in threading.enumerate()}
    post.sandbox.open_issue(SHOP, "Late")
    post.sandbox.slow_next(0.5, path="/app/hook/deliveries/")
    with post.carrier():
        wait_for(lambda: not post.sandbox.faults_left())
    assert "app-deliveries" not in {thread.name for thread in threading.enumerate()}
    assert post.titles == []


@pytest.mark.parametrize(
    "setting", ["github_app_id", "github_app_private_key", "github_webhook_secret"]
)
def test_a_missing_setting_is_named(post: Post, setting: str) -> None:
    with pytest.raises(SettingsError, match=setting.upper()):
        post.carrier(**{setting: ""})


def aged(ages: list[float]) -> list[Past]:
    """The deliveries of the issues `0`, `1`, … so many seconds ago."""
    return [Past(age, str(title)) for title, age in enumerate(ages)]


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """Serve `body` whatever is asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
