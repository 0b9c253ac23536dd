"""The sandbox page over HTTP: it shows what is there, does what people do, refuses the rest."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import urllib3

from infra.local.http_server import HttpServer
from infra.local.sandbox import page
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.page import Page
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import BOT_USER, GENERAL, TEAM
from shared.actions import Mark
from shared.actions.slack.actions import Button, Card, Draft, Reply
from shared.events import Thread
from tests.actions.slack.sandbox_thread import connect

HTML = Path(page.__file__).with_name("page.html")
SHOP = "acme/shop"
NOWHERE = "http://127.0.0.1:9"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>"


@dataclass
class Browser:
    """Somebody who looks at the page of two sandboxes."""

    url: str
    github: GitHubSandbox
    slack: SlackSandbox

    def get(self, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        return urllib3.request("GET", self.url + path, headers=headers, retries=False)

    def post(self, form: str, fields: object) -> urllib3.BaseHTTPResponse:
        return urllib3.request("POST", self.url + form, json=fields, retries=False)

    @property
    def state(self) -> Any:
        return self.get("/state").json()

    def threads(self, channel: str) -> list[list[dict[str, Any]]]:
        """The texts of a channel, thread by thread."""
        (shown,) = [one for one in self.state["channels"] if one["id"] == channel]
        return [thread["messages"] for thread in shown["threads"]]


def redrive(queue: str) -> int:
    if queue != "triage":
        raise LookupError(queue)
    return 2


@pytest.fixture
def browser(database_url: str) -> Iterator[Browser]:
    server = HttpServer()
    with (
        GitHubSandbox("", "secret") as github,
        SlackSandbox(NOWHERE, "secret", pace=0.0) as slack,
    ):
        server.start(Page(github, slack, database_url, redrive))
        yield Browser(server.url, github, slack)
        server.stop()


def test_the_page_is_html(browser: Browser) -> None:
    answer = browser.get("/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.data == HTML.read_bytes()


def test_an_issue_and_a_comment_from_the_page_are_shown(browser: Browser) -> None:
    issue = {"repository": SHOP, "title": "Crash", "body": "错误 🙂"}
    assert browser.post("/open_issue", issue).json() == 1
    comment = {"repository": SHOP, "number": 1, "body": "Me too<!-- agent-flows effect=1 -->"}
    assert browser.post("/comment", comment).status == 200
    (repository,) = browser.state["repositories"]
    (shown,) = repository["issues"]
    assert (repository["name"], shown["number"], shown["author"]) == (SHOP, 1, "maria")
    assert (shown["title"], shown["body"]) == ("Crash", "错误 🙂")
    assert shown["comments"] == [{"author": "maria", "bot": False, "text": "Me too"}]


def test_a_message_and_a_reply_from_the_page_are_shown_as_a_thread(browser: Browser) -> None:
    assert browser.post("/say", {"channel": GENERAL, "text": "@agent help"}).status == 200
    ts = browser.slack.messages(GENERAL)[0]["ts"]
    browser.slack.workspace.post(GENERAL, BOT_USER, ts, text="Here")
    reply = {"channel": GENERAL, "text": "Thanks", "thread_ts": ts}
    assert browser.post("/say", reply).status == 200
    assert browser.slack.messages(GENERAL)[0]["text"] == f"<@{BOT_USER}> help"
    (thread,) = browser.threads(GENERAL)
    assert [(one["text"], one["bot"], one["reply"]) for one in thread] == [
        ("@agent help", False, False),
        ("Here", True, True),
        ("Thanks", False, True),
    ]


def test_a_button_on_the_page_is_pressed(browser: Browser) -> None:
    ts = browser.slack.say(GENERAL, "@agent help")
    card = Card(Thread(TEAM, GENERAL, ts), "p1", "May I?", (Button("Approve", "approve x"),))
    made = connect(browser.slack.api_url).perform(card, Mark("k", "plan", 1), None)
    ((_, shown),) = browser.threads(GENERAL)
    assert shown["buttons"] == [{"action_id": "approve", "label": "Approve"}]
    press = {"channel": GENERAL, "ts": made.id, "action_id": "approve"}
    assert browser.post("/click", press).status == 200
    assert browser.post("/click", press | {"action_id": "other"}).status == 400


def test_runs_are_shown(browser: Browser, database_url: str) -> None:
    assert browser.state["runs"] == []
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into events values ('t', 'e', 'github.issues.opened', 'c', '{}')"
        )
        connection.execute(
            "insert into runs (tenant, id, event_id, flow, state, started_at, finished_at)"
            " values ('t', 'r', 'e', 'triage', 'done', '2026-01-01', '2026-01-01 00:00:02')"
        )
    (run,) = browser.state["runs"]
    assert run == {
        "id": "r",
        "flow": "triage",
        "event": "github.issues.opened",
        "state": "done",
        "attempts": "1",
        "took": "2.00 s",
        "cost": "$0.0000",
    }


def test_dead_letters_can_be_brought_back(browser: Browser) -> None:
    assert browser.post("/redrive", {"queue": "triage"}).json() == {"moved": 2}
    assert browser.post("/redrive", {"queue": "other"}).status == 400


def test_the_page_is_not_served_under_a_foreign_name(browser: Browser) -> None:
    for host in ("evil.example", "evil.example:8080", "127.0.0.1.evil.example"):
        for path in ("/", "/state", "/open_issue"):
            answer = browser.get(path, Host=host)
            assert answer.status == 403
            assert b"open the page as http://127.0.0.1" in answer.data


def test_what_another_site_can_make_a_browser_post_is_refused(browser: Browser) -> None:
    body = b'{"repository": "acme/shop", "title": "Crash"}'
    forms = ("application/x-www-form-urlencoded", "multipart/form-data")
    for kind in ("", "text/plain", "text/plain; application/json", *forms):
        url, headers = f"{browser.url}/open_issue", {"Content-Type": kind}
        answer = urllib3.request("POST", url, body=body, headers=headers, retries=False)
        assert answer.status == 405
    assert browser.github.issues(SHOP) == []


def test_a_form_is_not_read_by_get(browser: Browser) -> None:
    for path in ("/open_issue", "/comment", "/say", "/redrive"):
        assert browser.get(path).status == 405


def test_what_cannot_be_done_is_a_400_with_the_reason(browser: Browser) -> None:
    refused: list[tuple[str, object, str]] = [
        ("/open_issue", {"repository": SHOP, "title": " "}, "Validation Failed"),
        ("/say", {"channel": "#nowhere", "text": "Hi"}, "channel_not_found"),
        ("/comment", {"repository": SHOP, "number": 9, "body": "Hi"}, "KeyError"),
        ("/open_issue", {"repository": "acme/none", "title": "Crash"}, "KeyError"),
        ("/open_issue", {"title": "Crash"}, "TypeError"),
        ("/open_issue", [1], "TypeError"),
    ]
    for form, fields, reason in refused:
        answer = browser.post(form, fields)
        assert answer.status == 400
        assert reason in answer.data.decode()
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_what_is_not_there_is_a_404(browser: Browser) -> None:
    assert browser.get("/elsewhere").status == 404


def test_hostile_text_leaves_only_as_json(browser: Browser) -> None:
    browser.post("/open_issue", {"repository": SHOP, "title": HOSTILE, "body": HOSTILE})
    browser.post("/say", {"channel": GENERAL, "text": HOSTILE})
    answer = browser.get("/state")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["repositories"][0]["issues"][0]["title"] == HOSTILE
    assert browser.threads(GENERAL)[0][0]["text"] == HOSTILE


def test_the_page_inserts_text_only_as_text() -> None:
    found = re.findall(
        r"(?:inner|outer)HTML|setHTML|AdjacentHTML|document\.write|DOMParser|ContextualFragment"
        r"|srcdoc|javascript:|\beval\b|new Function",
        HTML.read_text("utf-8"),
    )
    assert found == []


def test_a_page_without_sandboxes_has_no_forms_for_them(database_url: str) -> None:
    server = HttpServer()
    server.start(Page(None, None, database_url, redrive))
    state = urllib3.request("GET", f"{server.url}/state", retries=False)
    refused = urllib3.request("POST", f"{server.url}/say", json={}, retries=False)
    server.stop()
    assert state.json() == {"runs": []}
    assert refused.status == 404


def test_a_message_that_grows_is_shown_with_all_of_its_markdown(browser: Browser) -> None:
    ts = browser.slack.say(GENERAL, "Hello?")
    thread = Thread(TEAM, GENERAL, ts)
    adapter, mark = connect(browser.slack.api_url), Mark("key", "chat", 1)
    draft = adapter.perform(Draft(thread, "It <b> be"), mark, None)
    ((_, shown),) = browser.threads(GENERAL)
    assert (shown["text"], shown["bot"]) == ("It <b> be …", True)
    answer = "word " * 1_500
    adapter.perform(Reply(thread, answer), Mark("other", "chat", 1), draft)
    ((_, shown),) = browser.threads(GENERAL)
    assert shown["text"] == answer
