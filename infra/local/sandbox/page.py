"""The sandbox page: shows GitHub, Slack and the journal, with forms to do something there."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg.rows import dict_row
from werkzeug import Request, Response
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, MethodNotAllowed, NotFound

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.github.errors import GitHubError
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import BOT_USER, Refusal
from shared.database import queries
from shared.events import Json

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_HTML = Path(__file__).with_name("page.html")
#: The page itself, and the addresses of issues, which it scrolls to.
_PAGES = re.compile(r"/|/[^/]+/[^/]+/(issues|pull)/\d+")
_LOOPBACK = {"127.0.0.1", "localhost"}

_RUNS = queries(__file__, "page.sql")["runs"]


class Page:
    """A WSGI application for this machine only: it refuses other hosts' names and forms."""

    def __init__(
        self,
        github: GitHubSandbox | None,
        slack: SlackSandbox | None,
        database_url: str,
        redrive: Callable[[str], int],
    ) -> None:
        self._github = github
        self._slack = slack
        self._database_url = database_url
        self._redrive = redrive

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        try:
            response = self._answer(Request(environ))
        except HTTPException as err:
            response = Response(f"{err.description}\n", err.code)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        # A page elsewhere could reach this one by a name that resolves to 127.0.0.1.
        if request.host.partition(":")[0] not in _LOOPBACK:
            raise Forbidden("open the page as http://127.0.0.1")
        shown = _PAGES.fullmatch(request.path)
        if shown or request.path == "/state":
            if request.method not in {"GET", "HEAD"}:
                raise MethodNotAllowed()
            if shown:
                return Response(_HTML.read_bytes(), content_type="text/html; charset=utf-8")
            return Response(json.dumps(self._state()), content_type="application/json")
        form = self._forms().get(request.path)
        if form is None:
            raise NotFound("there is no such page")
        if request.method != "POST" or request.mimetype != "application/json":
            raise MethodNotAllowed(description="post JSON")
        try:
            answer = form(**request.get_json())
        except (TypeError, LookupError) as err:
            raise BadRequest(f"{request.path[1:]} cannot take this: {type(err).__name__}") from err
        except (GitHubError, Refusal) as err:
            raise BadRequest(str(err)) from err
        return Response(json.dumps(answer), content_type="application/json")

    def _forms(self) -> dict[str, Callable[..., object]]:
        forms: dict[str, Callable[..., object]] = {
            "/redrive": lambda queue: {"moved": self._redrive(queue)}
        }
        if self._github:
            forms |= {"/open_issue": self._github.open_issue, "/comment": self._github.comment}
        if self._slack:
            forms |= {"/say": self._say, "/click": self._slack.click}
        return forms

    def _say(self, channel: str, text: str, thread_ts: str | None = None) -> None:
        assert self._slack
        mentioned = text.replace("@agent", f"<@{BOT_USER}>")
        self._slack.say(channel, mentioned, thread_ts=thread_ts)

    def _state(self) -> Json:
        state: Json = {"runs": self._runs()}
        if github := self._github:
            state["repositories"] = [
                {"name": name, "issues": [_issue(i) for i in reversed(github.issues(name))]}
                for name in github.repositories()
            ]
        if slack := self._slack:
            names = {user["id"]: user["name"] for user in slack.workspace.users.values()}
            state["channels"] = [
                _channel(channel, slack.messages(channel["id"]), names)
                for channel in slack.workspace.channels.values()
            ]
        return state

    def _runs(self) -> list[Json]:
        with psycopg.connect(self._database_url, row_factory=dict_row) as connection:
            rows = connection.execute(_RUNS.encode()).fetchall()
        for row in rows:
            row["took"] = "" if row["took"] is None else f"{row['took']:.2f} s"
            row["cost"] = f"${row['cost']:.4f}"
        return rows


def _issue(issue: Json) -> Json:
    return {
        "number": issue["number"],
        "title": issue["title"],
        "author": issue["user"]["login"],
        "body": issue["body"] or "",
        "labels": [label["name"] for label in issue["labels"]],
        "comments": [
            {
                "author": comment["user"]["login"],
                "bot": comment["user"]["type"] == "Bot",
                "text": visible(comment["body"]),
            }
            for comment in issue["comments"]
        ],
    }


def _channel(channel: Json, messages: list[Json], names: dict[str, str]) -> Json:
    """Show a conversation as threads, each a first message with its replies."""
    threads: dict[str, list[Json]] = {}
    for message in messages:
        root = str(message.get("thread_ts", message["ts"]))
        threads.setdefault(root, []).append(
            {
                "author": names.get(message["user"], message["user"]),
                "bot": "bot_id" in message,
                "reply": root != message["ts"],
                "text": _said(message).replace(f"<@{BOT_USER}>", "@agent"),
                "reactions": [r["name"] for r in message.get("reactions", [])],
                "ts": message["ts"],
                "buttons": _buttons(message),
            }
        )
    direct = bool(channel.get("is_im"))
    return {
        "id": channel["id"],
        "name": "Direct messages" if direct else f"#{channel['name']}",
        "direct": direct,
        "threads": [{"ts": ts, "messages": shown} for ts, shown in threads.items()],
    }


def _said(message: Json) -> str:
    """Return what Slack shows of a message: its Markdown, else its notification text."""
    markdown = [b["text"] for b in message.get("blocks", []) if b["type"] == "markdown"]
    return "\n".join(markdown) or str(message["text"])


def _buttons(message: Json) -> list[Json]:
    """Return the buttons under a message."""
    rows = [b["elements"] for b in message.get("blocks", []) if b["type"] == "actions"]
    return [
        {"action_id": button["action_id"], "label": button["text"]["text"]}
        for row in rows
        for button in row
        if button["type"] == "button"
    ]


def visible(text: str) -> str:
    """Return the text without the hidden mark at its end."""
    return text.partition("<!-- agent-flows")[0].strip()
