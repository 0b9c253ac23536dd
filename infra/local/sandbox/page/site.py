"""The HTTP of the sandbox page: who may ask, its addresses, and its headers."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from werkzeug import Request, Response
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    MethodNotAllowed,
    NotFound,
    ServiceUnavailable,
)

from infra.local.sandbox.github import COLLABORATORS, GitHubSandbox
from infra.local.sandbox.github.errors import GitHubError
from infra.local.sandbox.page.forms import FormRefused, GitHubForms, SlackForms
from infra.local.sandbox.page.github_view import GitHubView
from infra.local.sandbox.page.journal_view import JournalView
from infra.local.sandbox.page.links_view import LinksView
from infra.local.sandbox.page.slack_view import SlackView
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import Refusal
from shared.events import Json

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_STATIC = {path.name: path for path in Path(__file__).with_name("static").iterdir()}
_KINDS = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
#: The page itself, and the addresses of issues and runs, which it shows.
_PAGES = re.compile(r"/|/[^/]+/[^/]+/(?:issues|pull)/\d+|/run/[^/]+")
_RUN = re.compile(r"/state/run/([^/]+)")
_LOOPBACK = {"127.0.0.1", "localhost"}
_ANYBODY = [*COLLABORATORS, "visitor"]

_HEADERS = {
    # Nothing but the page's own files runs, and no text can become HTML, whatever it says.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Page:
    """A WSGI application for this machine only: it refuses other hosts' names and forms.

    `redrive` brings back the dead letters of a flow; `dead_letters` lists those of all: their
    `flow`, `event`, `type`, `conversation` and `tries`. `timers` lists what is set for later.
    """

    def __init__(
        self,
        github: GitHubSandbox | None,
        slack: SlackSandbox | None,
        database_url: str,
        redrive: Callable[[str], int],
        dead_letters: Callable[[], list[Json]] = list,
        *,
        timers: Callable[[], list[Json]] = list,
    ) -> None:
        self._github = GitHubView(github) if github else None
        self._links = LinksView(github) if github else None
        self._slack = SlackView(slack) if slack else None
        self._journal = JournalView(database_url)
        self._dead_letters = dead_letters
        self._timers = timers
        self._files = GitHubForms(github) if github else None
        slack_forms = SlackForms(slack) if slack else None
        self._commands = slack_forms.commands if slack_forms else []
        self._shortcuts = slack_forms.shortcuts if slack_forms else []
        self._forms: dict[str, Callable[..., object]] = {
            "/redrive": lambda queue: {"moved": redrive(queue)},
            **(self._files.table if self._files else {}),
            **(slack_forms.table if slack_forms else {}),
        }

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        try:
            response = self._answer(Request(environ))
        except HTTPException as err:
            response = Response(f"{err.description}\n", err.code)
        response.headers.extend(_HEADERS)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        _check_origin(request)
        if request.path in self._forms:
            return self._take(request)
        shown = self._shown(request)
        if shown is None:
            raise NotFound("there is no such page")
        if request.method not in {"GET", "HEAD"}:
            raise MethodNotAllowed(description="it can only be read")
        return shown()

    def _shown(self, request: Request) -> Callable[[], Response] | None:
        path = request.path
        if _PAGES.fullmatch(path):
            return lambda: _static("index.html")
        if path == "/state":
            return lambda: _json(self._state())
        if path == "/timers":
            return lambda: _json(self._timers())
        if found := _RUN.fullmatch(path):
            return lambda: _json(self._run(found[1]))
        if path == "/file" and self._files:
            file, wanted = self._files.file, ("repository", "branch", "path")
            return lambda: _json({"text": file(*(request.args.get(name, "") for name in wanted))})
        name = path.removeprefix("/page/")
        if path == f"/page/{name}" and name in _STATIC:
            return lambda: _static(name)
        linked = self._links.shown(path) if self._links else None
        return (lambda: Response(linked, mimetype="text/html")) if linked else None

    def _take(self, request: Request) -> Response:
        if request.method != "POST" or request.mimetype != "application/json":
            raise MethodNotAllowed(description="post JSON")
        try:
            return _json(self._forms[request.path](**request.get_json()))
        except (GitHubError, Refusal, FormRefused) as err:
            raise BadRequest(_reason(err)) from err
        except LookupError as err:
            raise BadRequest(f"there is no {err.args[0] if err.args else 'such thing'}") from err
        except (AttributeError, TypeError, ValueError) as err:
            form = request.path[1:]
            raise BadRequest(f"{form} cannot take these fields: {type(err).__name__}") from err

    def _run(self, start: str) -> Json:
        try:
            return self._journal.run(start)
        except LookupError as err:
            raise NotFound(f"there is no such run: {start}") from err
        except psycopg.OperationalError as err:
            raise ServiceUnavailable("the database does not answer") from err

    def _state(self) -> Json:
        state: Json = {"runs": [], "dead_letters": [], "trouble": ""}
        try:
            state["runs"] = self._journal.runs()
            state["dead_letters"] = self._journal.dead_letters(self._dead_letters())
        except psycopg.OperationalError:
            state["trouble"] = "The database does not answer, so no runs are shown."
        if self._github:
            state |= {"repositories": self._github.state(), "people": _ANYBODY}
        if self._slack:
            state |= {"channels": self._slack.state(), "users": self._slack.people()}
            state |= {"commands": self._commands, "shortcuts": self._shortcuts}
            state |= self._slack.views()
        return state


def _check_origin(request: Request) -> None:
    """Raise Forbidden for what another site makes a browser ask, under whatever name."""
    # A page elsewhere could reach this one by a name that resolves to 127.0.0.1.
    if request.host.partition(":")[0] not in _LOOPBACK:
        raise Forbidden("open the page as http://127.0.0.1")
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin not in {None, f"http://{request.host}"}:
        raise Forbidden("another site asked for this")


def _reason(err: Exception) -> str:
    """Say why GitHub, Slack or the page refused."""
    if not isinstance(err, GitHubError):
        return f"Slack refused it: {err}" if isinstance(err, Refusal) else str(err)
    details = map(_detail, err.body.get("errors", []))
    words = "; ".join(details)
    return f"GitHub refused it: {err}" + (f" ({words})" if words else "")


def _detail(error: Json | str) -> str:
    """Say what is wrong: a review is refused in plain sentences, all else by field."""
    if isinstance(error, str):
        return error
    return error.get("message") or f"{error['field']}: {error['code'].replace('_', ' ')}"


def _static(name: str) -> Response:
    kind = _KINDS[_STATIC[name].suffix]
    return Response(_STATIC[name].read_bytes(), content_type=f"{kind}; charset=utf-8")


def _json(body: object) -> Response:
    # People's text may hold half of a surrogate pair, which UTF-8 does not know.
    text = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return Response(text, content_type="application/json")
