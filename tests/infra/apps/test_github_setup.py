"""A person registers and installs the GitHub App: by browser, by what they paste, and wrongly."""

import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from infra.apps import github_setup
from infra.apps.github_app import RegisteredApp, convert, manifest, registration_url
from infra.apps.github_rights import Rights
from infra.apps.github_setup import NotConnected, Registration, Wish, install, lacking
from infra.apps.loopback import BACK, Loopback, PortTaken
from infra.apps.person import Person
from infra.apps.state import State
from infra.local.sandbox.github import GitHubSandbox
from shared.errors import ActionUnavailable
from shared.people.addresses import web_url
from shared.settings import Settings
from tests.infra.deploy.browser import browse
from tests.waiting import wait_for

RIGHTS = Rights({"metadata": "read", "issues": "write"}, frozenset({"issues"}))
WISH = Wish("agents-acme", "acme", RIGHTS, "http://127.0.0.1:9/github/webhook", "http://acme.test")

#: What a person does when a page opens, given its address.
Deed = Callable[[str], object]


@dataclass
class Keys:
    """Keeps credentials in memory."""

    settings: Settings
    client: tuple[str, str] = ("", "")

    def keep(self, values: Mapping[str, str]) -> None:
        self.settings = self.settings._replace(**values)

    def keep_client(self, client_id: str, client_secret: str) -> None:
        self.client = (client_id, client_secret)


class Sitter(Person):
    """A person at a terminal, of which the test holds the other end; they do their deeds in turn,
    one for each page that opens."""

    def __init__(self, terminal: int, folder: Path) -> None:
        super().__init__(asked=True)
        self.deeds: list[Deed] = []
        self.heard: list[str] = []
        self._terminal = terminal
        self._memory = folder / "address"

    def say(self, line: str = "") -> None:
        self.heard.append(line)

    def open(self, url: str) -> None:
        threading.Thread(target=self.deeds.pop(0), args=[url], daemon=True).start()

    def types(self, *lines: str) -> None:
        for line in lines:
            os.write(self._terminal, f"{line}\n".encode())

    def browses(self, url: str) -> str:
        return browse(url, self._memory)

    def pastes(self, url: str, change: Callable[[str], str] = str) -> None:
        """Create the App in a browser on another machine, and paste where it ends."""
        self.types(change(browse(url, self._memory, until=f"{BACK}?code=")))

    @property
    def said(self) -> str:
        return "\n".join(self.heard)


@dataclass
class Desk:
    github: GitHubSandbox
    keys: Keys
    state: State
    person: Sitter

    @property
    def elsewhere(self) -> Path:
        """The memory of a browser on another machine."""
        return self.state.file.with_name("elsewhere")

    def register(self, *deeds: Deed, wish: Wish = WISH) -> None:
        self.person.deeds = list(deeds)
        Registration(self.person, self.state, self.keys, wish).run()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    ours, theirs = os.openpty()
    with os.fdopen(theirs) as terminal, GitHubSandbox("", "unused") as github:
        monkeypatch.setattr(sys, "stdin", terminal)
        keys = Keys(Settings(github_api_url=github.api_url))
        yield Desk(github, keys, State(tmp_path / "s.json"), Sitter(ours, tmp_path))
    os.close(ours)


def _is_registered(desk: Desk) -> None:
    app, kept = desk.github.registered("agents-acme"), desk.keys.settings
    assert desk.github.apps() == ["agents-acme"]
    assert (kept.github_app_id, kept.github_bot_name) == (str(app["id"]), "agents-acme")
    assert (kept.github_app_private_key, kept.github_webhook_secret) == (
        app["key"],
        app["hook"]["secret"],
    )
    assert (app["permissions"], app["events"]) == (RIGHTS.permissions, ["issues"])
    assert app["hook"]["url"] == WISH.hook
    assert desk.keys.client == (f"Iv23sandbox{app['id']}", app["client_secret"])
    assert desk.state.get("github", "nonce") is None


def test_by_the_browser(desk: Desk) -> None:
    desk.register(desk.person.browses)
    _is_registered(desk)
    secret = [desk.keys.settings.github_webhook_secret, desk.keys.client[1], "PRIVATE KEY"]
    written = [file.read_text() for file in desk.state.file.parent.iterdir() if file.is_file()]
    assert not [one for one in secret for text in [desk.person.said, *written] if one in text]
    page = desk.state.file.with_suffix(".html")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


@pytest.mark.parametrize("change", [str, lambda url: url.partition("code=")[2].partition("&")[0]])
def test_pasted_from_another_machine(desk: Desk, change: Callable[[str], str]) -> None:
    """The whole address, and the code alone."""
    desk.register(partial(desk.person.pastes, change=change))
    _is_registered(desk)


def test_an_address_of_another_sitting_is_refused(desk: Desk) -> None:
    def pastes_both(url: str) -> None:
        desk.person.types("http://127.0.0.1:1/made?code=abc&state=other")
        desk.person.pastes(url)

    desk.register(pastes_both)
    assert "belongs to another sitting" in desk.person.said
    _is_registered(desk)


def test_a_forged_code_does_not_reach_us(desk: Desk) -> None:
    """Another page in the browser sends it here, without the state or with a wrong one."""

    def attacked(url: str) -> None:
        for query in ("code=evil", "code=evil&state=", "code=evil&state=guess"):
            assert "another sitting" in browse(f"{url}{BACK}?{query}", desk.elsewhere)
        desk.person.browses(url)

    desk.register(attacked)
    _is_registered(desk)


@pytest.mark.parametrize("kind", ["used", "expired", "invented"])
def test_a_code_that_is_not_taken_is_explained_and_another_one_is(desk: Desk, kind: str) -> None:
    def tries_twice(url: str) -> None:
        ends_at = browse(url, desk.elsewhere, until=f"{BACK}?code=")
        if kind == "expired":
            desk.github.registration.expire()
        elif kind == "used":
            desk.github.registration.convert(ends_at.partition("code=")[2].partition("&")[0])
        desk.person.types("0" * 40 if kind == "invented" else ends_at)
        desk.github.registration.delete("agents-acme")
        desk.person.pastes(url)

    desk.register(tries_twice)
    assert "used before, or is older than an hour" in desk.person.said
    _is_registered(desk)


@pytest.mark.parametrize("text", ["../app", "a" * 201, "x?code=%0d", "x?code=a%2fb", "häh"])
def test_what_is_no_code_does_not_reach_github(desk: Desk, text: str) -> None:
    def tries_twice(url: str) -> None:
        desk.person.types(text)
        desk.person.pastes(url)

    desk.register(tries_twice)
    assert "That is no code of GitHub; paste the whole address." in desk.person.said
    paths = [one.path for one in desk.github.exchanges() if "/app-manifests/" in one.path]
    assert len(paths) == 1
    _is_registered(desk)


def test_a_code_that_github_did_not_answer_is_in_no_message(desk: Desk) -> None:
    desk.keys.settings = Settings(github_api_url="http://127.0.0.1:9/api/v3")
    with pytest.raises(ActionUnavailable) as caught:
        convert(desk.keys.settings, "0123secret")
    assert "0123secret" not in str(caught.value)


def test_a_code_whose_answer_got_lost_is_taken_over_by_hand(desk: Desk, tmp_path: Path) -> None:
    """GitHub made the keys, and the connection broke before they came."""
    desk.github.fail_next(0, path="/app-manifests", after=True)

    def downloads(url: str) -> None:
        desk.person.pastes(url)
        wait_for(lambda: "Generate a private key" in desk.person.said)
        app = desk.github.registered("agents-acme")
        (tmp_path / "key.pem").write_text(desk.github.registration.renew_key("agents-acme"))
        desk.person.types(str(app["id"]), str(tmp_path / "key.pem"))

    desk.register(downloads)
    assert "press\n“Generate a private key”" in desk.person.said
    app, kept = desk.github.registered("agents-acme"), desk.keys.settings
    assert (kept.github_app_id, kept.github_webhook_secret) == (
        str(app["id"]),
        app["hook"]["secret"],
    )


def test_github_that_is_away_is_asked_again(desk: Desk) -> None:
    desk.github.fail_next(503, path="/app-manifests")
    desk.register(desk.person.browses)
    _is_registered(desk)


def test_an_organisation_of_others_and_a_taken_name_are_said_on_the_page(desk: Desk) -> None:
    desk.github.add_repository("others/x", {"li": "admin"}, installed=False)
    desk.register(desk.person.browses)
    for owner, said in (("others", "Not Found"), ("acme", "Name is already taken")):
        with Loopback(0, "nonce") as page:
            action = registration_url(desk.keys.settings, owner, "nonce")
            page.offer(
                action, manifest("agents-acme", RIGHTS, page.url + BACK, WISH.hook, WISH.site)
            )
            assert said in browse(page.url, desk.elsewhere)


def test_the_next_sitting_is_where_the_browser_still_is(desk: Desk) -> None:
    """The first one was stopped: its page, and the code in its address, lead to the second."""
    desk.state.put("github", nonce="n" * 32, port=_free())
    desk.register(desk.person.browses)
    assert "GitHub may have made the App already" in desk.person.said
    _is_registered(desk)


def test_a_port_that_another_took_is_left_to_it(desk: Desk) -> None:
    with Loopback(0, "theirs") as taken:
        desk.state.put("github", nonce="n" * 32, port=taken.port)
        with pytest.raises(PortTaken):
            Loopback(taken.port, "n")
        desk.register(desk.person.browses)
    _is_registered(desk)


def test_nobody_comes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.person.is_there = False
    monkeypatch.setattr(github_setup, "_SCRIPTED", 0.3)
    with pytest.raises(NotConnected, match="the same command goes on"):
        desk.register(lambda _: None)
    assert desk.state.get("github", "nonce")


def test_a_page_of_another_name_is_refused() -> None:
    """A site whose name leads to this machine could read the page."""
    with Loopback(0, "nonce") as page:
        asked = Request(page.url, headers={"Host": "evil.example"})
        with pytest.raises(HTTPError, match="403"):
            urlopen(asked)


def test_it_waits_until_the_app_is_installed_and_says_what_it_lacks(desk: Desk) -> None:
    desk.register(desk.person.browses)
    with RegisteredApp(desk.keys.settings) as app:
        about = app.about()
        desk.person.deeds = [desk.person.browses]
        assert install(desk.person, app, about)["account"]["login"] == "acme"
        assert install(desk.person, app, about)["account"]["login"] == "acme"
        assert desk.github.installed("agents-acme") == ["acme"]
        assert lacking(app, about, RIGHTS) == []
        more = Rights({**RIGHTS.permissions, "contents": "read"}, frozenset({"issues", "push"}))
        web = web_url(desk.keys.settings)
        assert lacking(app, about, more) == [
            "the App agents-acme lacks permission contents: read; event push; change it at"
            f" {web}/organizations/acme/settings/apps/agents-acme/permissions"
        ]
        desk.github.registration.grow("agents-acme", {"contents": "read"}, ["push"])
        (said,) = lacking(app, app.about(), more)
        assert "the installation on acme lacks permission contents: read" in said
        app.set_hook("http://127.0.0.1:9/other", "secret")
        assert app.hook() == "http://127.0.0.1:9/other"


@pytest.mark.parametrize(
    ("api", "web", "page"),
    [
        ("https://api.github.com", "", "https://github.com/organizations/acme/settings/apps/new"),
        ("https://ghe.acme.com/api/v3", "", "https://ghe.acme.com/organizations/acme/settings"),
        ("https://ghe.acme.com:8443/api/v3/", "", "https://ghe.acme.com:8443/organizations/acme"),
        ("https://api.acme.ghe.com", "", "https://acme.ghe.com/organizations/acme/settings"),
        ("https://api.acme.com", "", "https://api.acme.com/organizations/acme/settings"),
        ("https://gh-api.acme.com", "https://git.acme.com/", "https://git.acme.com/organizations"),
    ],
)
def test_each_github_has_its_pages(api: str, web: str, page: str) -> None:
    settings = Settings(github_api_url=api, github_web_url=web)
    assert registration_url(settings, "acme", "n").startswith(page)
    assert registration_url(settings, "@me", "a&b").endswith("/settings/apps/new?state=a%26b")


def _free() -> int:
    with Loopback(0, "") as page:
        return page.port
