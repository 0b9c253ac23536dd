"""The sandbox page over HTTP: it shows what is there, does what people do, refuses the rest."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import urllib3
from slack_sdk import WebClient

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

STATIC = Path(page.__file__).with_name("static")
SHOP = "acme/shop"
NOWHERE = "http://127.0.0.1:9"
PULL: dict[str, Any] = {"repository": SHOP, "title": "Mend", "branch": "fix"}
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


#: What the local AWS tells of two dead letters: one of an event, one too large for its queue.
LETTERS: list[dict[str, Any]] = [
    {
        "id": "m1",
        "queue": "agent-flows-triage.fifo",
        "receives": 6,
        "body": {"id": "e", "type": "github.issues.opened", "conversation": "c"},
    },
    {"id": "m2", "queue": "agent-flows-chat.fifo", "receives": 2, "body": "not JSON"},
]


@pytest.fixture
def browser(database_url: str) -> Iterator[Browser]:
    server = HttpServer()
    with (
        GitHubSandbox("", "secret") as github,
        SlackSandbox(NOWHERE, "secret", pace=0.0) as slack,
    ):
        server.start(Page(github, slack, database_url, redrive, lambda: LETTERS))
        yield Browser(server.url, github, slack)
        server.stop()


def test_the_page_is_html(browser: Browser) -> None:
    answer = browser.get("/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.data == (STATIC / "index.html").read_bytes()
    for path in ("/acme/shop/issues/1", "/acme/shop/pull/2", "/run/ab12"):
        assert browser.get(path).data == answer.data


def test_its_files_are_served_and_no_others(browser: Browser) -> None:
    kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    for file in STATIC.iterdir():
        answer = browser.get(f"/page/{file.name}")
        kind = kinds.get(file.suffix[1:], "text/html")
        assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
        assert answer.data == file.read_bytes()
    for path in ("/page/", "/page/../site.py", "/page/%2e%2e/site.py", "/page/x.js", "/page//etc"):
        assert browser.get(path).status == 404


def test_every_answer_forbids_scripts_from_elsewhere_and_text_as_html(browser: Browser) -> None:
    for path in ("/", "/state", "/page/page.js", "/elsewhere", "/comment"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} <= set(policy)
        assert {"frame-ancestors 'none'", "require-trusted-types-for 'script'"} <= set(policy)
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_an_issue_and_a_comment_from_the_page_are_shown(browser: Browser) -> None:
    issue = {"repository": SHOP, "title": "Crash", "body": "错误 🙂"}
    assert browser.post("/open_issue", issue).json() == 1
    comment = {"repository": SHOP, "number": 1, "body": "Me too<!-- agent-flows effect=1 -->"}
    assert browser.post("/comment", comment).status == 200
    (repository,) = browser.state["repositories"]
    (shown,) = repository["issues"]
    assert (repository["name"], shown["number"], shown["author"]) == (SHOP, 1, "maria")
    assert (shown["title"], shown["text"]) == ("Crash", "错误 🙂")
    (said,) = shown["comments"]
    assert (said["author"], said["bot"], said["text"]) == ("maria", False, "Me too")


def test_a_pull_request_from_the_page_is_shown_with_its_diff(browser: Browser) -> None:
    for place in ("", "repository=acme/none", f"repository={SHOP}&branch=main&path=a"):
        assert browser.get(f"/file?{place}").json() == {"text": ""}
    files = [
        {"path": "src/cart.py", "content": "a = 1\r\nb = 2"},
        {"path": "说明.md", "content": "# 你好 🙂\n"},
    ]
    fields = {"repository": SHOP, "title": "Mend", "branch": "fix/a-b", "body": "Why"}
    made = browser.post("/open_pull_request", fields | {"files": files, "author": "li"})
    assert made.json() == 1
    (issue,) = browser.state["repositories"][0]["issues"]
    pull = issue["pull"]
    assert (issue["author"], pull["head"], pull["base"], pull["commits"]) == (
        *("li", "fix/a-b", "main"),
        1,
    )
    assert [(one["filename"], one["additions"]) for one in pull["files"]] == [
        ("src/cart.py", 2),
        ("说明.md", 1),
    ]
    assert pull["files"][0]["patch"] == "@@ -0,0 +1,2 @@\n+a = 1\n+b = 2"
    place = f"/file?repository={SHOP}&branch=fix/a-b&path=src/cart.py"
    assert browser.get(place).json() == {"text": "a = 1\nb = 2\n"}
    assert browser.get(f"{place}.old").json() == {"text": ""}
    pushed = {"repository": SHOP, "number": 1}
    change = [{"path": "src/cart.py", "content": "a = 1\n"}]
    assert browser.post("/push", pushed | {"files": change}).status == 200
    (issue,) = browser.state["repositories"][0]["issues"]
    assert (issue["pull"]["commits"], issue["pull"]["additions"]) == (2, 2)
    for form, what in (("/push", {"files": change}), ("/turn", {"state": "merged"})):
        refused = browser.post(form, pushed | what | {"author": "visitor"})
        assert (refused.status, b"visitor may not" in refused.data) == (400, True)
    for state, shown in (("closed", "closed"), ("open", "open"), ("merged", "closed")):
        assert browser.post("/turn", pushed | {"state": state}).status == 200
        (issue,) = browser.state["repositories"][0]["issues"]
        assert (issue["state"], issue["pull"]["merged"]) == (shown, state == "merged")


@pytest.mark.parametrize(
    ("branch", "path", "reason"),
    [
        ("fix", "", "is no path"),
        ("fix", "../x", "is no path"),
        ("fix", ".git/config", "is no path"),
        ("fix", "a//b", "is no path"),
        ("", "a", "is no name of a branch"),
        ("a b", "a", "is no name of a branch"),
        ("a..b", "a", "is no name of a branch"),
        ("/a", "a", "is no name of a branch"),
        ("a.lock", "a", "is no name of a branch"),
        ("main", "a", "No commits between main and main"),
    ],
)
def test_a_pull_request_that_git_could_not_have_is_refused(
    browser: Browser, branch: str, path: str, reason: str
) -> None:
    files = [{"path": path, "content": "x"}]
    fields = {"repository": SHOP, "title": "Mend", "branch": branch, "files": files}
    answer = browser.post("/open_pull_request", fields)
    assert (answer.status, browser.github.issues(SHOP)) == (400, [])
    assert reason in answer.data.decode()


def test_a_slash_command_and_its_answer_are_shown_to_who_gave_it(browser: Browser) -> None:
    fields = {"channel": GENERAL, "text": "/remember we <deploy> on Tuesdays", "user": "U0BOB"}
    assert browser.post("/say", fields).status == 200
    ((typed,),) = browser.threads(GENERAL)
    assert (typed["author"], typed["only"], typed["bot"]) == ("bob", "bob", False)
    assert typed["text"] == "/remember we <deploy> on Tuesdays"
    browser.slack.workspace.whisper(GENERAL, "U0BOB", text="I keep it.")
    (_, (answer,)) = browser.threads(GENERAL)
    assert (answer["author"], answer["only"], answer["bot"]) == ("agent", "bob", True)
    assert browser.slack.messages(GENERAL) == []
    refused = browser.post("/say", fields | {"text": "/nope x"})
    assert (refused.status, b"/plan" in refused.data) == (400, True)
    ts = browser.slack.say(GENERAL, "Hi")
    assert browser.post("/say", fields | {"thread_ts": ts}).status == 400


def test_names_stand_in_place_of_ids(browser: Browser) -> None:
    browser.post("/say", {"channel": GENERAL, "text": "@agent @bob @nobody a@b.c & <x>"})
    assert browser.slack.messages(GENERAL)[0]["text"] == (
        f"<@{BOT_USER}> <@U0BOB> @nobody a@b.c &amp; &lt;x&gt;"
    )
    browser.slack.say(
        GENERAL, f"<#{GENERAL}> <https://a.example/?x=1&amp;y|it> <https://b.example>"
    )
    shown = [one["text"] for thread in browser.threads(GENERAL) for one in thread]
    assert shown[0] == "@agent @bob @nobody a@b.c & <x>"
    assert shown[1] == "#general [it](https://a.example/?x=1&y) https://b.example"


def test_of_blocks_all_texts_are_shown(browser: Browser) -> None:
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": "Head"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*a* &amp; <@U0BOB>"}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "one"}, {"text": "two"}]},
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "small"}, {"type": "image"}]},
        {"type": "actions", "elements": [{"type": "static_select", "action_id": "x"}]},
    ]
    browser.slack.workspace.post(GENERAL, BOT_USER, text="never shown", blocks=blocks)
    ((shown,),) = browser.threads(GENERAL)
    assert shown["text"] == "Head\n*a* & @bob\none\ntwo\n\n---\n\nsmall"
    assert (shown["markdown"], shown["buttons"]) == (False, [])


def test_in_a_direct_message_one_is_oneself(browser: Browser) -> None:
    browser.post("/say", {"channel": "D0ALICE", "text": "help", "user": "U0BOB"})
    assert browser.slack.messages("D0ALICE")[0]["user"] == "U0ALICE"


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


def test_a_message_is_edited_reacted_to_and_deleted_by_its_author(browser: Browser) -> None:
    browser.post("/say", {"channel": GENERAL, "text": "Frist"})
    [[said]] = browser.threads(GENERAL)
    about = {"channel": GENERAL, "ts": said["ts"]}
    assert browser.post("/edit", about | {"text": "@agent 你好 <b>"}).status == 200
    [[said]] = browser.threads(GENERAL)
    assert said["text"] == "@agent 你好 <b>"
    assert browser.post("/emoji", about | {"emoji": "x", "user": "U0BOB"}).status == 200
    for form, fields in (("/edit", {"text": "I"}), ("/delete", {})):
        refused = browser.post(form, about | fields | {"user": "U0BOB"})
        assert (refused.status, b"only who wrote" in refused.data) == (400, True)
    assert browser.post("/edit", about | {"text": " "}).status == 400
    assert browser.threads(GENERAL)[0][0]["reactions"] == ["x"]
    assert browser.post("/delete", about).status == 200
    assert browser.threads(GENERAL) == []


def test_a_file_from_the_page_is_sent_and_stop_is_pressed(browser: Browser) -> None:
    sent = {"channel": "D0ALICE", "name": "a b.csv", "content": "YSxi", "text": "What is it?"}
    assert browser.post("/attach", sent).status == 200
    [[said]] = browser.threads("D0ALICE")
    assert (said["files"], said["text"]) == (["a b.csv"], "What is it?")
    assert browser.post("/attach", sent | {"name": ""}).status == 400
    assert browser.post("/attach", sent | {"content": "no base64"}).status == 400
    stop = {"channel": "D0ALICE", "thread_ts": said["ts"]}
    assert browser.post("/stop", stop).status == 200
    browser.slack.settle()
    assert browser.slack.attempts[-1].kind == "event"


def test_a_suggested_prompt_is_shown_and_a_press_sends_it(browser: Browser) -> None:
    assert browser.post("/open_messages", {"user": "U0ALICE"}).status == 200
    browser.slack.settle()
    assert browser.slack.attempts[-1].kind == "event"
    client = WebClient(token=browser.slack.bot_token, base_url=browser.slack.api_url)
    prompts = [{"title": "Catch up", "message": "summarize #support since yesterday"}]
    client.assistant_threads_setSuggestedPrompts(channel_id="D0ALICE", prompts=prompts)
    [shown] = [one["prompts"] for one in browser.state["channels"] if one["id"] == "D0ALICE"]
    assert shown == prompts
    said = {"channel": "D0ALICE", "text": shown[0]["message"]}
    assert browser.post("/say", said).status == 200
    assert browser.slack.messages("D0ALICE")[0]["text"] == prompts[0]["message"]


def test_a_button_on_the_page_is_pressed(browser: Browser) -> None:
    ts = browser.slack.say(GENERAL, "@agent help")
    approve = Button("Approve", "approve x", "primary")
    card = Card(Thread(TEAM, GENERAL, ts), "p1", "May I?", (approve,))
    made = connect(browser.slack.api_url).perform(card, Mark("k", "plan", 1), None)
    ((_, shown),) = browser.threads(GENERAL)
    assert shown["buttons"] == [{"action_id": "approve", "label": "Approve", "style": "primary"}]
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
            "insert into runs (tenant, id, event_id, flow, state, reason, started_at, finished_at)"
            " values ('t', 'r', 'e', 'triage', 'failed', 'no model', '2026-01-01',"
            " '2026-01-01 00:00:02')"
        )
        connection.execute(
            "insert into steps (tenant, run_id, key, name, input_hash, occurrence, attempt, input,"
            " output, model, input_tokens, output_tokens, cost, started_at, duration_ms) values"
            " ('t', 'r', 'k', 'ask', '', 1, 1, '{}', '\"bug\"', 'm', 9, 1, null, now(), 250)"
        )
    (run,) = browser.state["runs"]
    assert {name: run[name] for name in ("id", "flow", "event", "state", "took", "cost")} == {
        "id": "r",
        "flow": "triage",
        "event": "github.issues.opened",
        "state": "failed",
        "took": "2.0 s",
        "cost": "price unknown",
    }
    shown = browser.get("/state/run/r").json()
    (step,) = shown["steps"]
    assert (shown["reason"], step["name"], step["took"]) == ("no model", "ask", "250 ms")
    assert (step["tokens"], step["cost"], step["output"]) == (
        "9 → 1 tokens",
        "price unknown",
        '"bug"',
    )
    assert browser.get("/state/run/x").status == 404


def test_dead_letters_are_shown_with_their_cause(browser: Browser, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into events values ('t', 'e', 'github.issues.opened', 'c', '{}')"
        )
        connection.execute(
            "insert into runs (tenant, id, event_id, flow, state, reason)"
            " values ('t', 'r', 'e', 'triage', 'failed', 'the model is away')"
        )
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into runs (tenant, id, event_id, flow, state, reason, gave_up, finished_at)"
            " values ('t', 'q', 'e', 'plan', 'failed', '3 attempts failed or died', true, now())"
        )
    given_up, known, unknown = browser.state["dead_letters"]
    assert (given_up["flow"], given_up["run"], given_up["queue"]) == ("plan", "q", "plan")
    assert given_up["cause"] == "3 attempts failed or died"
    assert (known["flow"], known["run"], known["cause"]) == ("triage", "r", "the model is away")
    assert (unknown["flow"], unknown["run"]) == ("chat", "")
    assert "look into the log" in unknown["cause"]


def test_without_its_database_the_page_shows_the_rest(database_url: str) -> None:
    away = re.sub(r"/\w+\?", "/gone?", database_url)
    server = HttpServer()
    with GitHubSandbox("", "secret") as github:
        server.start(Page(github, None, away, redrive))
        state = urllib3.request("GET", f"{server.url}/state", retries=False).json()
        run = urllib3.request("GET", f"{server.url}/state/run/r", retries=False)
        server.stop()
    assert "database does not answer" in state["trouble"]
    assert (state["runs"], state["repositories"][0]["name"]) == ([], SHOP)
    assert run.status == 503


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


def test_a_form_from_another_site_is_refused(browser: Browser) -> None:
    fields = {"repository": SHOP, "title": "Crash"}
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"):
        url, headers = f"{browser.url}/open_issue", {"Origin": origin}
        answer = urllib3.request("POST", url, json=fields, headers=headers, retries=False)
        assert answer.status == 403
    assert browser.github.issues(SHOP) == []
    headers = {"Origin": browser.url}
    url = f"{browser.url}/open_issue"
    assert urllib3.request("POST", url, json=fields, headers=headers, retries=False).status == 200


def test_a_form_is_not_read_by_get(browser: Browser) -> None:
    for path in ("/open_issue", "/comment", "/say", "/redrive"):
        assert browser.get(path).status == 405


def test_what_cannot_be_done_is_a_400_with_the_reason(browser: Browser) -> None:
    refused: list[tuple[str, object, str]] = [
        ("/open_issue", {"repository": SHOP, "title": " "}, "Validation Failed"),
        ("/say", {"channel": "#nowhere", "text": "Hi"}, "channel_not_found"),
        ("/open_issue", {"repository": SHOP, "title": "x" * 257}, "title is too long"),
        ("/comment", {"repository": SHOP, "number": 9, "body": "Hi"}, "there is no acme/shop#9"),
        ("/open_issue", {"repository": "acme/none", "title": "Crash"}, "there is no acme/none"),
        ("/say", {"channel": GENERAL, "text": " "}, "nothing to send"),
        ("/say", {"channel": GENERAL, "text": 5}, "AttributeError"),
        ("/say", {"channel": GENERAL, "text": "Hi", "user": "U0NOBODY"}, "there is no U0NOBODY"),
        ("/push", {"repository": SHOP, "number": 1, "files": []}, "there is no acme/shop#1"),
        ("/push", {"repository": SHOP, "number": [], "files": 5}, "there is no"),
        ("/open_pull_request", PULL | {"files": 5}, "TypeError"),
        ("/open_pull_request", PULL | {"files": [5]}, "TypeError"),
        ("/open_pull_request", PULL | {"files": [{}]}, "there is no path"),
        ("/open_pull_request", PULL | {"files": []}, "needs a file"),
        ("/open_pull_request", PULL | {"files": "ab"}, "TypeError"),
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
        "".join(file.read_text("utf-8") for file in STATIC.iterdir()),
    )
    assert found == []
    html = (STATIC / "index.html").read_text("utf-8")
    assert re.findall(r"<script(?! type=\"module\" src=)|<style|\son\w+=|\sstyle=", html) == []


def test_a_page_without_sandboxes_has_no_forms_for_them(database_url: str) -> None:
    server = HttpServer()
    server.start(Page(None, None, database_url, redrive))
    state = urllib3.request("GET", f"{server.url}/state", retries=False)
    refused = urllib3.request("POST", f"{server.url}/say", json={}, retries=False)
    server.stop()
    assert state.json() == {"runs": [], "dead_letters": [], "trouble": ""}
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


def test_a_failing_check_from_the_page_is_shown_with_its_log(browser: Browser) -> None:
    files = [{"path": "a.py", "content": "a = 1"}]
    number = browser.post(
        "/open_pull_request", {**PULL, "files": files, "author": "li", "branch": "checked"}
    ).json()
    fields = {"repository": SHOP, "number": number, "name": "tests", "log": "a\r\nERROR: b"}
    assert browser.post("/check", fields | {"author": "visitor"}).status == 400
    assert browser.post("/check", fields | {"author": "maria"}).status == 200
    shown = browser.state["repositories"][0]["issues"]
    [pull] = [one["pull"] for one in shown if one["number"] == number]
    assert pull["checks"] == [{"name": "tests", "state": "failure", "said": "", "lines": []}]


def test_a_check_is_shown_with_what_it_says_of_lines(browser: Browser) -> None:
    files = {"a.py": "a = 1\n"}
    number = browser.github.open_pull_request(SHOP, "Mend", head="fix", files=files)
    sha = browser.github.pull_request(SHOP, number)["head"]["sha"]
    line = {"path": "a.py", "start_line": 1, "end_line": 1, "annotation_level": "warning"}
    rows = [line | {"message": "said twice"}, line | {"message": HOSTILE}]
    output = {"title": "No", "summary": "It is said twice.\n\n<!-- agent-flows effect=1 -->"}
    browser.github.check(SHOP, sha, "lint", "neutral", output=output | {"annotations": rows})
    [check] = browser.state["repositories"][0]["issues"][0]["pull"]["checks"]
    assert check["said"] == "No\n\nIt is said twice."
    assert check["lines"] == [{"place": "a.py:1", "text": HOSTILE}]


def test_a_label_from_the_page_is_put_on_by_who_may(browser: Browser) -> None:
    number = browser.github.open_issue(SHOP, "A")
    browser.github.edit_issue(SHOP, number, labels=["bug"])
    fields = {"repository": SHOP, "number": number, "name": " agent: review "}
    assert browser.post("/label", fields | {"author": "visitor"}).status == 400
    assert browser.post("/label", fields | {"author": "li"}).status == 200
    assert browser.post("/label", fields | {"author": "li", "name": ""}).status == 400
    labels = browser.github.issue(SHOP, number)["labels"]
    assert [one["name"] for one in labels] == ["bug", "agent: review"]


def _reviewed(github: GitHubSandbox) -> tuple[int, int]:
    """Open a pull request of li's that the bot reviewed; return its number and the review."""
    github.push(SHOP, {"a.py": "1\n2\n3\n"})
    number = github.open_pull_request(
        SHOP, "Mend", None, "li", head="fix", files={"a.py": "1\nx\n3\n"}
    )
    line = {"path": "a.py", "line": 2, "body": HOSTILE}
    whole = {"path": "a.py", "subject_type": "file", "body": "All"}
    fields: dict[str, Any] = {"event": "REQUEST_CHANGES", "comments": [line, whole]}
    return number, github.review(SHOP, number, "No", github.bot_login, **fields)


def test_a_review_is_shown_in_its_place_and_dealt_with(browser: Browser) -> None:
    number, review = _reviewed(browser.github)

    def pull() -> Any:
        return browser.state["repositories"][0]["issues"][0]["pull"]

    first, second = pull()["threads"]
    lines = pull()["files"][0]["patch"].split("\n")
    assert (lines[first["position"]], first["whole"], second["whole"]) == ("+x", False, True)
    (said,) = first["comments"]
    assert (said["text"], said["bot"], first["outdated"]) == (HOSTILE, True, False)
    (shown,) = pull()["reviews"]
    assert (shown["id"], shown["state"], shown["text"]) == (review, "CHANGES_REQUESTED", "No")
    where: dict[str, Any] = {"repository": SHOP, "number": number}
    done = (
        ("/answer", {"comment": first["id"], "body": "Why?", "author": "visitor"}),
        ("/react", {"comment": first["id"], "content": "-1", "author": "visitor"}),
        ("/resolve", {**where, "comment": first["id"], "resolved": True, "author": "li"}),
        ("/dismiss", {**where, "review": review, "message": "Not so", "author": "maria"}),
        ("/push", {**where, "files": [{"path": "a.py", "content": "1\ny\n3\n"}], "author": "li"}),
    )
    for form, fields in done:
        assert browser.post(form, fields).status == 200, form
    first, second = pull()["threads"]
    assert [one["text"] for one in first["comments"]] == [HOSTILE, "Why?"]
    assert (first["comments"][0]["reactions"], first["resolved"]) == (["-1"], "li")
    assert (first["outdated"], first["line"], second["outdated"]) == (True, 2, False)
    assert first["hunk"].endswith("+x")
    assert pull()["reviews"][0]["dismissal"] == "Not so"
    on_line: dict[str, Any] = {**where, "path": "a.py", "line": "2", "author": "visitor"}
    assert browser.post("/comment_on_line", {**on_line, "body": "And this?"}).status == 200
    assert pull()["threads"][2]["comments"][0]["text"] == "And this?"
    refused = browser.post("/comment_on_line", {**on_line, "body": "x", "line": "99"})
    assert b"must be part of the diff" in refused.data
    assert browser.post("/comment_on_line", {**on_line, "body": "x", "line": "x"}).status == 400
    browser.post("/react", {"comment": first["id"], "content": "-1", "author": "visitor"})
    browser.post("/resolve", {**where, "comment": first["id"], "resolved": False})
    assert pull()["threads"][0]["comments"][0]["reactions"] == []
    assert pull()["threads"][0]["resolved"] == ""


def test_a_review_that_is_not_somebodys_to_deal_with(browser: Browser) -> None:
    number, review = _reviewed(browser.github)
    (thread, _) = browser.state["repositories"][0]["issues"][0]["pull"]["threads"]
    where: dict[str, Any] = {"repository": SHOP, "number": number}
    refused = {
        "only people with write access may": [
            ("/resolve", {**where, "comment": thread["id"], "resolved": True, "author": "visitor"}),
            ("/dismiss", {**where, "review": review, "message": "x", "author": "visitor"}),
        ],
        "GitHub refused it: Unprocessable Entity (Message can't be blank)": [
            ("/dismiss", {**where, "review": review, "message": " "}),
        ],
        "GitHub refused it: Validation Failed": [
            ("/react", {"comment": thread["id"], "content": "hate"}),
            ("/answer", {"comment": thread["id"], "body": " "}),
        ],
        "there is no": [
            ("/answer", {"comment": 1, "body": "x"}),
            ("/resolve", {**where, "comment": 1, "resolved": True}),
            ("/dismiss", {**where, "review": 1, "message": "x"}),
        ],
    }
    for reason, posts in refused.items():
        for form, fields in posts:
            answer = browser.post(form, fields)
            assert (answer.status, reason in answer.data.decode()) == (400, True), form


def test_checks_and_a_fork_are_shown(browser: Browser) -> None:
    browser.github.push(SHOP, {"a.py": "1\n"})
    fork = browser.github.fork(SHOP, "sam")
    sha = browser.github.push(fork, {"a.py": "2\n"}, "sam", branch="fix")
    number = browser.github.open_pull_request(SHOP, "Mend", author="sam", head="sam:fix")
    browser.github.check(SHOP, sha, "tests", "failure")
    browser.github.check(SHOP, sha, "lint", "")
    browser.github.set_status(SHOP, sha, "success", context="deploy")
    shop = next(one for one in browser.state["repositories"] if one["name"] == SHOP)
    pull = shop["issues"][0]["pull"]
    assert (pull["head"], pull["branch"], pull["source"]) == ("sam:fix", "fix", fork)
    assert {one["name"]: one["state"] for one in pull["checks"]} == {
        **{"tests": "failure", "lint": "", "deploy": "success"}
    }
    push = {"repository": SHOP, "number": number, "files": [{"path": "a.py", "content": "3"}]}
    assert browser.post("/push", push | {"author": "sam"}).status == 200
    assert browser.github.file(fork, "fix", "a.py") == b"3\n"
    browser.github.relocations.delete(fork)
    refused = browser.post("/push", push | {"author": "sam"})
    assert (refused.status, b"was deleted" in refused.data) == (400, True)
    assert browser.get("/state").status == 200


def test_a_link_to_a_file_shows_it_at_that_commit_with_an_anchor_for_each_line(
    browser: Browser,
) -> None:
    first = browser.github.push(SHOP, {"docs/a b.md": f"one\n{HOSTILE}\n"}, branch="feature/x")
    browser.github.push(SHOP, {"docs/a b.md": "other\n"}, branch="feature/x")
    for ref, shown in ((first, "<code>one</code>"), ("feature/x", "<code>other</code>")):
        answer = browser.get(f"/{SHOP}/blob/{ref}/docs/a%20b.md")
        text = answer.data.decode()
        assert answer.status == 200 and f'<li id="L1">{shown}</li>' in text
        assert "<script>alert" not in text and "default-src 'none'" in str(answer.headers)
    assert (
        'id="L2"><code>&lt;img src=x'
        in browser.get(f"/{SHOP}/blob/{first}/docs/a%20b.md").data.decode()
    )
    for gone in (
        f"/{SHOP}/blob/{first}/docs/no.md",
        f"/{SHOP}/blob/0000000/docs/a%20b.md",
        "/no/no/blob/main/a",
    ):
        assert browser.get(gone).status == 404


def test_a_link_to_checks_shows_what_they_say(browser: Browser) -> None:
    sha = browser.github.push(SHOP, {"a.py": "a\n"})
    output = {
        "title": "2 failed",
        "summary": HOSTILE,
        "annotations": [
            {
                "path": "a.py",
                "start_line": 1,
                "end_line": 1,
                "annotation_level": "failure",
                "message": "Bad.",
            }
        ],
    }
    browser.github.check(SHOP, sha, "unit tests", "failure", log="E assert 1 == 2", output=output)
    browser.github.check(SHOP, sha, "lint")
    first, second = sorted(browser.github.checks(SHOP, sha), key=lambda row: row["id"])
    for url in (first["html_url"], first["html_url"].partition("/job/")[0]):
        text = browser.get(url.replace(browser.github.web_url, "", 1)).data.decode()
        assert "unit tests: failure" in text and "E assert 1 == 2" in text and "a.py:1" in text
        assert "<script>alert" not in text and "&lt;script&gt;" in text
        assert ("lint: success" in text) == ("/job/" not in url)
    assert browser.get(f"/{SHOP}/actions/runs/999").status == 404
    assert second["name"] == "lint"
