"""Connects a GitHub App in one sitting: registers it from a manifest, waits until it is installed,
tells what it may not do yet. Each part asks first what is there, so that nothing is made twice."""

import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import parse_qs, urlsplit

from infra.apps.github_app import (
    NewApp,
    RegisteredApp,
    convert,
    manifest,
    registration_url,
)
from infra.apps.github_rights import Rights
from infra.apps.loopback import BACK, Loopback, PortTaken, is_code
from infra.apps.person import NobodyThere, Person
from infra.apps.state import State
from shared.errors import ActionRejected, ActionUnavailable, AgentFlowsError
from shared.events import Json
from shared.people.addresses import web_url
from shared.settings import Settings

#: Seconds: a code of a manifest is good for an hour; a script does not wait that long.
_HOUR, _SCRIPTED = 3600.0, 180.0
#: Seconds between two questions whether the App is installed.
_PACE = 2.0
#: Seconds until a code is tried again that GitHub did not answer.
_AGAIN = 1.0
_STEP = "github"
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class NotConnected(AgentFlowsError):
    """A person must do something on GitHub first."""


class AppKeys(Protocol):
    """Where the App's credentials are kept."""

    @property
    def settings(self) -> Settings: ...

    def keep(self, values: Mapping[str, str]) -> None:
        """Keep values by the names of settings; all are kept, or none is."""
        ...

    def keep_client(self, client_id: str, client_secret: str) -> None:
        """Keep what signs in people, which nothing here does."""
        ...


class Wish(NamedTuple):
    """The App that is wanted: its name and owner, what it may do, where its events go."""

    name: str
    owner: str
    rights: Rights
    hook: str
    site: str
    #: Where people come back who sign in; none where nobody can.
    sign_in: tuple[str, ...] = ()


class Registration:
    """Registers the App of `wish`. `state` remembers a sitting that was stopped: its browser page
    still leads back here, and a code that was used up is known."""

    def __init__(self, person: Person, state: State, keys: AppKeys, wish: Wish) -> None:
        self._person = person
        self._state = state
        self._keys = keys
        self._wish = wish
        #: GitHub may have given the keys away in an answer that did not come.
        self._unanswered = False

    def run(self) -> None:
        """Return when the App is there and its keys are kept; raises NotConnected."""
        again = self._state.get(_STEP, "nonce", "")
        nonce = again or secrets.token_urlsafe(24)
        with _listening(self._state.get(_STEP, "port", 0), nonce) as page:
            self._state.put(_STEP, nonce=nonce, port=page.port)
            self._open(page, nonce, again=bool(again))
            ends = time.monotonic() + (_HOUR if self._person.is_there else _SCRIPTED)
            while time.monotonic() < ends:
                code, answer = self._next_code(page, nonce, ends - time.monotonic())
                if code and self._use(code, answer):
                    self._state.forget(_STEP)
                    return
        raise NotConnected("GitHub sent no code within the time; the same command goes on")

    def _open(self, page: Loopback, nonce: str, *, again: bool) -> None:
        wish, say = self._wish, self._person.say
        url = registration_url(self._keys.settings, wish.owner, nonce)
        made = manifest(
            wish.name,
            wish.rights,
            page.url + BACK,
            wish.hook,
            wish.site,
            sign_in=wish.sign_in,
        )
        file = self._state.file.with_suffix(".html")
        file.touch(mode=0o600)
        file.write_text(page.offer(url, made), "utf-8")
        if again:
            say("GitHub may have made the App already. If your browser shows an address with")
            say(f"{page.url}{BACK}?code=…, reload that page. Else open:")
        else:
            say(
                f"Register the App {wish.name!r}: press “Create GitHub App” on the page that opens."
            )
        self._person.open(page.url)
        say("A 404 there means that you do not own that organisation; a name that is taken can be")
        say(f"changed there. On another machine open {file} in a browser, and paste here the")
        say("address that it ends at (what you paste is not shown).")

    def _next_code(
        self, page: Loopback, nonce: str, seconds: float
    ) -> tuple[str, Callable[[str], None]]:
        """Wait for a code, by the page or pasted."""
        heard = None

        def come() -> bool:
            nonlocal heard
            heard = page.heard()
            return heard is not None

        pasted = self._person.waits(seconds, come)
        if heard is not None:
            return heard
        return self._read(pasted or "", nonce), lambda _: None

    def _read(self, pasted: str, nonce: str) -> str:
        """Return the code in what was pasted: an address, or the code alone."""
        if "?" not in pasted:
            return self._checked(pasted)
        query = parse_qs(urlsplit(pasted).query)
        if query.get("state", [nonce]) != [nonce]:
            self._person.say("That address belongs to another sitting; open the page above.")
            return ""
        return self._checked(query.get("code", [""])[0])

    def _checked(self, code: str) -> str:
        if code and not is_code(code):
            self._person.say("That is no code of GitHub; paste the whole address.")
            return ""
        return code

    def _use(self, code: str, answer: Callable[[str], None]) -> bool:
        """Turn the code into keys and keep them; False when GitHub does not take it."""
        digest = sha256(code.encode()).hexdigest()
        tried = self._state.get(_STEP, "tried") == digest
        self._state.put(_STEP, tried=digest)
        try:
            with _whole():
                app = self._converted(code)
                self._keep(app)
        except ActionRejected as err:
            if tried or self._unanswered:
                answer("GitHub gave the keys away before. Go on in the terminal.")
                self._adopt()
                return True
            answer("GitHub does not take this code. Look at the terminal.")
            self._person.say(f"{err}\nThe code was used before, or is older than an hour.")
            self._person.say("If the App is there already, delete it on GitHub or give its id and")
            self._person.say("key as GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY; else open the page.")
            return False
        answer("The App is registered. You can close this page and go on in the terminal.")
        self._person.say(f"The App {app.slug} is registered, and its keys are kept.")
        return True

    def _converted(self, code: str) -> NewApp:
        """Convert, and ask again when no answer came: GitHub may not have seen the code."""
        self._unanswered = False
        for _ in range(2):
            with suppress(ActionUnavailable):
                return convert(self._keys.settings, code)
            self._unanswered = True
            time.sleep(_AGAIN)
        return convert(self._keys.settings, code)

    def _keep(self, app: NewApp) -> None:
        self._keys.keep(
            {
                "github_app_id": app.id,
                "github_app_private_key": app.key,
                "github_webhook_secret": app.webhook_secret or secrets.token_urlsafe(32),
                "github_bot_name": app.slug,
            }
        )
        self._keys.keep_client(app.client_id, app.client_secret)

    def _adopt(self) -> None:
        """Take over an App whose keys got lost between GitHub and here; raises NotConnected."""
        person, settings = self._person, self._keys.settings
        of = "" if self._wish.owner == "@me" else f"/organizations/{self._wish.owner}"
        person.say(f"GitHub made the App {self._wish.name!r}, but this was stopped before its key")
        person.say(f"was kept. On its page, below {web_url(settings)}{of}/settings/apps, press")
        person.say("“Generate a private key”: that saves a .pem file.")
        try:
            number = person.ask("App ID, as that page shows it:")
            file = Path(person.ask("The .pem file:").strip("'\" ")).expanduser()
            key = file.read_text("utf-8")
        except NobodyThere as err:
            raise NotConnected(
                "set GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY to that App's, or run this at a"
                " terminal"
            ) from err
        except (OSError, UnicodeDecodeError) as err:
            raise NotConnected(f"{file} cannot be read; the same command asks again") from err
        secret = secrets.token_urlsafe(32)
        found = settings._replace(github_app_id=number, github_app_private_key=key)
        with RegisteredApp(found) as app:
            slug = str(app.about()["slug"])
            self._keys.keep(
                {
                    "github_app_id": number,
                    "github_app_private_key": key,
                    "github_webhook_secret": secret,
                    "github_bot_name": slug,
                }
            )
            app.set_hook(self._wish.hook, secret)
        person.say(f"The App {slug} is taken over; you can delete the .pem file.")


def install(person: Person, app: RegisteredApp, about: Json) -> Json:
    """Wait until the App is installed somewhere, and return one installation; raises
    NotConnected."""
    if found := _installed(app):
        return found
    person.say(f"Install the App {about['slug']} on the repositories that it should serve:")
    person.open(f"{about['html_url']}/installations/new")
    asked = 0.0

    def come() -> bool:
        nonlocal asked, found
        if time.monotonic() - asked >= _PACE:
            asked = time.monotonic()
            with suppress(ActionUnavailable):
                found = _installed(app)
        return found is not None

    ends = time.monotonic() + (_HOUR if person.is_there else _SCRIPTED)
    while found is None and (left := ends - time.monotonic()) > 0:
        person.waits(left, come)
    if found is None:
        raise NotConnected("the App is not installed yet; the same command goes on")
    return found


def lacking(app: RegisteredApp, about: Json, wanted: Rights) -> list[str]:
    """Say what the App, or its installations, may not do yet, with the page to click."""
    said = []
    if missing := Rights.of_app(about).lacking(wanted):
        page = app.page(about, "/permissions")
        said.append(f"the App {about['slug']} lacks {missing}; change it at {page}")
    for one in app.installations():
        mine = Rights.of_app(one).lacking(Rights.of_app(about))
        if one.get("suspended_at"):
            said.append(f"the installation on {_place(one)} is suspended: {one['html_url']}")
        elif mine.permissions:
            accept = f"accept the new permissions at {one['html_url']}"
            said.append(f"the installation on {_place(one)} lacks {mine}; {accept}")
    return said


def _installed(app: RegisteredApp) -> Json | None:
    return next((one for one in app.installations() if not one.get("suspended_at")), None)


def _place(installation: Json) -> str:
    return str(installation["account"]["login"])


@contextmanager
def _listening(port: int, nonce: str) -> Iterator[Loopback]:
    """Listen on the port of the last sitting, which its browser page leads to, else on a free
    one."""
    try:
        page = Loopback(port, nonce)
    except PortTaken:
        page = Loopback(0, nonce)
    with page:
        yield page


@contextmanager
def _whole() -> Iterator[None]:
    """Let a Ctrl-C wait until what GitHub tells only once is kept."""
    caught: list[int] = []
    before = {one: signal.signal(one, lambda number, _: caught.append(number)) for one in _STOPS}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        if caught:
            raise KeyboardInterrupt
