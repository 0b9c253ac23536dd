"""The HTTP of the sandbox Slack: finds the caller, the method and the fault, and answers as Slack
does."""

import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from werkzeug.wrappers import Request, Response

from infra.local.sandbox.slack import chat, reading, streams
from infra.local.sandbox.slack.blocks import parsed
from infra.local.sandbox.slack.envelopes import Envelopes
from infra.local.sandbox.slack.faults import Fault, Faults
from infra.local.sandbox.slack.files.serving import FileServer
from infra.local.sandbox.slack.files.store import Files
from infra.local.sandbox.slack.installing.apps import Apps
from infra.local.sandbox.slack.installing.neighbours import Neighbours
from infra.local.sandbox.slack.responses import Responses
from infra.local.sandbox.slack.search.context import searching
from infra.local.sandbox.slack.search.tokens import ActionTokens
from infra.local.sandbox.slack.views import methods
from infra.local.sandbox.slack.workspace import Refusal, Workspace
from shared.events import Json

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_METHODS = {**chat.METHODS, **methods.METHODS, **reading.METHODS, **streams.METHODS}
_OPEN = "apps.connections.open"


class Call(NamedTuple):
    """A method and its arguments."""

    method: str
    arguments: Json


class Web:
    """The WSGI application: `/api/<method>`, `/respond/<id>` and the websocket at `/link`."""

    def __init__(
        self,
        workspace: Workspace,
        tokens: tuple[str, str],
        faults: Faults,
        envelopes: Envelopes,
        responses: Responses,
        *,
        apps: Apps,
        files: Files,
        neighbours: Neighbours,
        searches: ActionTokens,
    ) -> None:
        self._workspace = workspace
        self._bot_token, self._app_token = tokens
        self._faults = faults
        self._envelopes = envelopes
        self._responses = responses
        self._apps = apps
        self.files = FileServer(files, self._bot_token)
        self._methods = {**_METHODS, **files.methods, **searching(searches)}
        self.neighbours = neighbours
        #: Ends the answers that are held back.
        self.stopping = threading.Event()
        #: The performed and the refused calls, the oldest first; not those that a fault stopped.
        self.calls: deque[Call] = deque(maxlen=1_000)

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        hang_up = _hanging_up(environ["werkzeug.socket"])
        if request.path == "/link":
            key = request.headers.get("Sec-WebSocket-Key", "")
            self._envelopes.serve(environ["werkzeug.socket"], key)
            return hang_up()(environ, start)
        if request.path.startswith("/respond/"):
            token, body = request.path.split("/")[-1], json.loads(request.get_data())
            return self._responses.take(token, body)(environ, start)
        if request.path == "/oauth/v2/authorize":
            return self._apps.authorize(request)(environ, start)
        if self.files.takes(request.path):
            return self.files.serve(request)(environ, start)
        return self._api(request, hang_up)(environ, start)

    def _api(self, request: Request, hang_up: Callable[[], Response]) -> Response:
        method = request.path.removeprefix("/api/")
        fault = self._faults.take(method)
        if fault is None:
            scopes = {"x-oauth-scopes": self._apps.granted} if method == "auth.test" else None
            return _answer(self._call(method, request), headers=scopes)
        if fault.late:
            request.get_data()  # the other side may hang up meanwhile
            self.stopping.wait(fault.delay)
            return _answer(self._call(method, request))
        answer = self._call(method, request) if fault.after or fault.proceed else {}
        self.stopping.wait(fault.delay)
        return _answer(answer) if fault.proceed else _broken(fault, hang_up)

    def _call(self, method: str, request: Request) -> Json:
        """Perform a method, and return its answer or Slack's refusal."""
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            arguments = _arguments(request) | _client(request)
            self.calls.append(Call(method, arguments))
            token = bearer or str(arguments.get("token") or "")
            if method in self._apps.methods:
                return {"ok": True, **self._apps.call(method, token, arguments)}
            self._authorise(method, token)
            if method == _OPEN:
                return {"ok": True, "url": f"ws://{request.host}/link?ticket=sandbox"}
            return {"ok": True, **self._methods[method](self._reached(token), arguments)}
        except Refusal as err:
            return {"ok": False, "error": err.error, **err.fields}

    def _reached(self, token: str) -> Workspace:
        """Return the workspace of a token."""
        if token in {self._bot_token, self._app_token}:
            return self._workspace
        place = self._apps.installed.place(token)
        return self.neighbours.serving(place) or self._workspace

    def _authorise(self, method: str, token: str) -> None:
        if method not in self._methods and method != _OPEN:
            raise Refusal("unknown_method", req_method=method)
        if not token:
            raise Refusal("not_authed")
        if token not in {self._bot_token, self._app_token}:
            self._apps.installed.place(token)
        if (token == self._app_token) != (method == _OPEN):
            raise Refusal("not_allowed_token_type")


def _client(request: Request) -> Json:
    """Return the client that signs in with HTTP's own scheme, as Slack recommends for OAuth."""
    given = request.authorization
    if given is None or given.type != "basic":
        return {}
    return {"client_id": given.username, "client_secret": given.password}


def _arguments(request: Request) -> Json:
    """Return the arguments of a call, from JSON or a form, and from the query."""
    given: Json = dict(request.args)
    if request.mimetype != "application/json":
        return given | dict(request.form)
    body = parsed(request.get_data(as_text=True) or "{}", "invalid_json")
    if not isinstance(body, dict):
        raise Refusal("json_not_object")
    return given | body


def _answer(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(
        json.dumps(body, ensure_ascii=False),
        status,
        headers,
        content_type="application/json; charset=utf-8",
    )


def _broken(fault: Fault, hang_up: Callable[[], Response]) -> Response:
    if fault.status == 429:
        headers = {"Retry-After": str(fault.retry_after)}
        return _answer({"ok": False, "error": "ratelimited"}, 429, headers)
    if fault.status != 200:
        return Response("upstream connect error", fault.status, content_type="text/plain")
    if fault.error == "missing_scope":
        needed = {"needed": "channels:history", "provided": "chat:write"}
        return _answer({"ok": False, "error": fault.error, **needed})
    if fault.error:
        return _answer({"ok": False, "error": fault.error})
    return hang_up()


def _hanging_up(connection: socket.socket) -> Callable[[], Response]:
    """Return a function that closes the connection, so that the response goes nowhere."""

    def hang_up() -> Response:
        with suppress(OSError):  # the other side was faster
            connection.shutdown(socket.SHUT_RDWR)
        return Response()

    return hang_up
