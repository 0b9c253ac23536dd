"""The console as a function of its own: who asks, what answers, and what is said of failures."""

from shared.aws.cold_start import ready

# isort: split
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from chalice.app import Chalice, Request, Response

from shared.aws.bus import Bus
from shared.aws.secrets import function_settings
from shared.database import Database
from shared.errors import AgentFlowsError, RequestRefused, SettingsError
from shared.events import Event
from shared.log import log
from shared.settings import Settings
from shared.web.console import rendering
from shared.web.console.access import Reader, Visitor
from shared.web.console.pages import PAGES
from shared.web.console.routing import PageRequest, Routes
from shared.web.console.sessions import Session, Sessions
from shared.web.console.sign_in import BACK, GO, OUT, ConsoleSignIn, reader_of

ready()

#: Seconds to wait for a database that is asleep, of the 20 that the function has.
PATIENCE = 10.0
#: The names of this machine.
_HERE = frozenset({"127.0.0.1", "localhost"})
#: What a proxy adds to a request.
_FORWARDED = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"})
_MOST_FIELDS, _MOST_BODY = 60, 64 * 1024
_PREFIX = "/console"
_SIGN_IN = frozenset({GO, BACK, OUT})


class Console(NamedTuple):
    """The routes, and what they use. `now` is in seconds since the epoch."""

    settings: Settings
    database: Database
    publish: Callable[[Event], None]
    now: Callable[[], float] = time.time

    def answer(self, request: Request) -> Response:
        """Answer a request; raises RequestRefused."""
        base, path = _place(request, self.settings)
        if path.startswith("static/"):
            if found := rendering.static(path.removeprefix("static/")):
                return found
            raise RequestRefused(404, "There is no such file.")
        key = self.settings.credential("console_key")
        if not key.value:
            raise RequestRefused(404, "The console is off; CONSOLE_KEY turns it on.")
        sessions = Sessions(key, secure=not self._is_local(request))
        return self._page(request, sessions, base, path)

    def _page(self, request: Request, sessions: Sessions, base: str, path: str) -> Response:
        if path in _SIGN_IN:
            return self._sign_in(request, sessions, base, path)
        route, parts = Routes(PAGES).find(request.method, path.strip("/"))
        session, fresh = self._session(request, sessions)
        visitor = self._visitor(request, session)
        query = _fields(request.query_params)
        form = _form(request) if request.method == "POST" else {}
        if request.method == "POST" and not sessions.accepts(session.id, form.get("token", "")):
            raise RequestRefused(403, "The form is too old or not ours. Load its page again.")
        reader = self._reader(visitor, query.get("tenant") or form.get("tenant", ""))
        if route.least == "operator" and not reader.is_operator:
            raise RequestRefused(403, "Only operators may do that.")
        return route.answer(
            PageRequest(
                reader, visitor, self.database, self.settings, query, parts, form,
                sessions.token(session.id), base, self.now(), self.publish,
                request.headers.get("hx-request") == "true", fresh,
            )
        )  # fmt: skip

    def _sign_in(self, request: Request, sessions: Sessions, base: str, path: str) -> Response:
        door = urlsplit(self.settings.front_door_url)
        host = door.netloc or str(request.context["domainName"])
        address = f"{door.scheme or 'https'}://{host}{base}"
        signing, now = ConsoleSignIn(self.settings, self.database, sessions, address), self.now()
        if path == GO:
            return signing.go(now)
        if path == BACK:
            return signing.come_back(_fields(request.query_params), request.headers, now)
        return signing.out(sessions.read(request.headers, now))

    def _session(self, request: Request, sessions: Sessions) -> tuple[Session, str]:
        """Return who asks, and a cookie to hand out; raises RequestRefused."""
        now = self.now()
        if found := sessions.read(request.headers, now):
            return found, sessions.renewed(found, now)
        if not self._is_local(request):
            raise RequestRefused(401, "Sign in with your GitHub account.")
        begun = sessions.begin("you", (), now)
        return begun, sessions.cookie(begun)

    def _visitor(self, request: Request, session: Session) -> Visitor:
        if self._is_local(request):
            here = sorted({*self.settings.tenant_of.values()})
            return Visitor("you", session, tuple(here), is_local=True)
        return Visitor(session.login, session, session.tenants)

    def _reader(self, visitor: Visitor, wanted: str) -> Reader:
        if not visitor.is_local:
            return reader_of(self.database, visitor.session, wanted, self.now())
        if tenant := wanted or next(iter(visitor.tenants), ""):
            return Reader(tenant, visitor.login, "operator")
        raise RequestRefused(404, "Name a tenant: /console/runs?tenant=github:acme, for instance.")

    def _is_local(self, request: Request) -> bool:
        """Does only this machine reach the front door, and was it asked by its own name, and not
        through a proxy, which may let others in?"""
        if _FORWARDED & {name.lower() for name in request.headers}:
            return False
        return {_host(self.settings.front_door_url), _host(f"//{_asked_host(request)}")} <= _HERE


def build(console: Console) -> Chalice:
    """Return the Chalice app of the console: one route, as it finds its pages itself."""
    app = Chalice("console", configure_logs=False, env={})
    app.api.binary_types = []

    def view() -> Response:
        try:
            return console.answer(app.current_request)
        except RequestRefused as err:
            return _said(app.current_request, console, err.status, str(err))
        except SettingsError as err:
            log("console not set up", reason=str(err))
            return _said(app.current_request, console, 500, "It is not set up; its log says why.")
        except (AgentFlowsError, OSError) as err:
            log("console failed", error=type(err).__name__)
            return _said(app.current_request, console, 503, "The database does not answer.")
        except Exception as err:
            # The outermost handler. The error's text may quote people, so it stays unlogged.
            log("console failed", error=type(err).__name__, place=_where(err))
            return _said(app.current_request, console, 500, "Something went wrong.")

    for path in (_PREFIX, f"{_PREFIX}/{{page+}}"):
        app.route(path, methods=["GET", "POST"], content_types=[], name=path)(view)
    return app


def _said(request: Request, console: Console, status: int, reason: str) -> Response:
    base, _ = _place(request, console.settings)
    return rendering.page("said.html", status, code=status, reason=reason, base=base)


def _asked_host(request: Request) -> str:
    return str(request.context.get("domainName", ""))


def _host(address: str) -> str:
    """Return the host of an address, '' for what is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _place(request: Request, settings: Settings) -> tuple[str, str]:
    """Return what stands before each address of the console, and the page that is asked for."""
    path = str(request.context["path"])
    before, _, page = path.partition(f"{_PREFIX}/") if f"{_PREFIX}/" in path else (path, "", "")
    if settings.front_door_url:
        before = urlsplit(settings.front_door_url).path.rstrip("/")
    return f"{before.removesuffix(_PREFIX)}{_PREFIX}", page


def _fields(given: Mapping[str, str] | None) -> dict[str, str]:
    return {_storable(name): _storable(value) for name, value in (given or {}).items()}


def _storable(text: str) -> str:
    """Return a text without what no database takes: NUL, and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _form(request: Request) -> dict[str, str]:
    body: bytes = request.raw_body
    if len(body) > _MOST_BODY:
        raise RequestRefused(413, "The form is too large.")
    try:
        pairs = parse_qsl(body.decode(), max_num_fields=_MOST_FIELDS, keep_blank_values=True)
        return _fields(dict(pairs))
    except ValueError:
        raise RequestRefused(400, "The form cannot be read.") from None


def _where(err: BaseException) -> str:
    trace = err.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace else "?"


def __getattr__(name: str) -> object:
    """Build `app` when Lambda asks for it, so that importing this module builds nothing."""
    if name != "app":
        raise AttributeError(name)
    settings = function_settings()
    settings.require("database_url")
    login = settings.credential("database_url")
    database = Database(login, patience=PATIENCE, own_login=True)
    bus = Bus(settings.require("topic_arn"), settings.payload_bucket)
    return build(Console(settings, database, bus.publish))
