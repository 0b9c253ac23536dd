"""Add to Slack, over HTTP: slack-bolt's flow, our stores, the sandbox's pages, a browser."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from infra.apps.slack_manifest import manifest
from infra.local.sandbox.slack.workspace import GENERAL
from shared.database import Database, Row, Statement
from shared.errors import DatabaseUnavailable
from shared.installations import Workspace
from shared.installations.scopes import BOT
from tests.installations.installed import ONE, ORG, Installed, installed, reply, said
from tests.web.oauth.browser import Browser, front_door


@dataclass
class Site:
    world: Installed
    door: str

    def rows(self) -> list[tuple[str, str]]:
        return [
            (one.place, one.token)
            for place in (ONE, ORG, "T0SANDBOX")
            if (one := self.world.table.find(Workspace(place, "", "")))
        ]


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    with (
        Database(database_url) as database,
        installed(database) as world,
        front_door(world.settings, database) as door,
    ):
        world.slack.apps.manifests[world.app] = manifest("Agent", door)
        world.slack.apps.chosen = ONE
        yield Site(world, door)


def test_a_workspace_is_added_and_answered(site: Site) -> None:
    browser = Browser()
    shown = browser.open(f"{site.door}/slack/install")
    assert shown.status == 200 and "installed in t0one" in shown.text
    [(place, _)] = site.rows()
    assert place == ONE
    ts = site.world.slack.neighbours.open(ONE).say(GENERAL, "hi")
    reply(site.world.adapter(), said(ONE, ts))
    assert len(site.world.slack.neighbours.open(ONE).thread(GENERAL, ts)) == 2


def test_it_asks_for_what_the_code_needs_and_for_no_person(site: Site) -> None:
    shown = Browser().open(f"{site.door}/slack/install", stops=site.world.slack.api_url[:-5])
    asked = parse_qs(urlsplit(shown.url).query)
    assert {*asked["scope"][0].split(",")} == BOT.keys()
    assert not asked.get("user_scope")
    assert asked["redirect_uri"] == [f"{site.door}/slack/oauth_redirect"]


def test_an_organisation_and_tokens_that_expire(site: Site) -> None:
    settings = site.world.slack.apps.manifests[site.world.app]["settings"]
    settings["token_rotation_enabled"] = True
    site.world.slack.apps.chosen = ORG
    assert "installed in e0org" in Browser().open(f"{site.door}/slack/install").text
    team = "T0OFORG"
    ts = site.world.slack.neighbours.open(team, ORG).say(GENERAL, "hi")
    reply(site.world.adapter(), said(team, ts, ORG))
    found = site.world.table.find(Workspace(team, ORG, ""))
    assert found and found.refresh_token.startswith("xoxe-") and found.expires_at > 0


def test_a_person_who_says_no_is_told_so(site: Site) -> None:
    site.world.slack.apps.chosen = ""
    shown = Browser().open(f"{site.door}/slack/install")
    assert "Nothing was installed." in shown.text and "nobody allowed it" in shown.text
    assert shown.link() == f"{site.door}/slack/install"
    assert site.rows() == []


def test_an_address_is_good_once(site: Site) -> None:
    browser = Browser()
    browser.open(f"{site.door}/slack/install")
    again = browser.visited[-1]
    jar = browser.cookies[urlsplit(site.door).netloc]
    [before] = site.rows()
    jar["slack-app-oauth-state"] = parse_qs(urlsplit(again).query)["state"][0]  # a crafty one
    shown = browser.open(again)
    assert shown.status == 401 and "used before" in shown.text
    assert site.rows() == [before]


def test_another_browser_cannot_end_what_this_one_began(site: Site) -> None:
    """Who sends a person the address with their own code makes them install nothing."""
    attacker = Browser().open(
        f"{site.door}/slack/install", stops=f"{site.door}/slack/oauth_redirect"
    )
    for victim in (Browser(), Browser()):
        if victim.visited == [] and not site.rows():
            victim.open(f"{site.door}/slack/install", stops=site.world.slack.api_url[:-5])
        shown = victim.open(attacker.url)
        assert "Nothing was installed" in shown.text
        assert site.rows() == []


def test_a_browser_of_the_terminal_is_told_to_copy_the_address(site: Site) -> None:
    for query in ("code=1.2&state=5e3c", "error=access_denied&state=5e3c", "", "state=x"):
        shown = Browser().open(f"{site.door}/slack/oauth_redirect?{query}")
        assert shown.status == 200
        assert "./scripts/deploy asks for the address of this page, copy the whole" in shown.text
    assert not site.world.slack.calls("oauth.v2.access")


def test_a_state_expires(site: Site, database_url: str) -> None:
    browser = Browser()
    shown = browser.open(f"{site.door}/slack/install", stops=f"{site.door}/slack/oauth_redirect")
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("update sign_ins set expires_at = now() - interval '1 s'")
    assert browser.open(shown.url).status == 401
    assert site.rows() == []


@pytest.mark.parametrize("error", ["invalid_code", "bad_client_secret", "internal_error"])
def test_a_code_that_slack_does_not_take_installs_nothing(
    site: Site, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site.world.slack.fail_next("oauth.v2.access", error)
    browser = Browser()
    shown = browser.open(f"{site.door}/slack/install")
    code = parse_qs(urlsplit(browser.visited[-1]).query)["code"][0]
    assert shown.status == 401 and "Nothing was installed" in shown.text
    logged = capsys.readouterr().out
    assert error in logged and code not in logged and code not in shown.text


def test_slack_is_away(site: Site) -> None:
    site.world.slack.fail_next("oauth.v2.access")
    shown = Browser().open(f"{site.door}/slack/install")
    assert shown.status == 503 and "Nothing was changed" in shown.text


class DyingDatabase(Database):
    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        if any("insert into slack_installations" in one.sql for one in statements):
            raise DatabaseUnavailable("it died here")
        return super().run(tenant, statements)


def test_a_crash_between_the_code_and_the_row_leaves_no_half(site: Site, database_url: str) -> None:
    held = site.world.slack.apps.manifests
    with (
        closing(DyingDatabase(database_url)) as dying,
        front_door(site.world.settings, dying) as door,
    ):
        held[site.world.app] = manifest("Agent", door)
        browser = Browser()
        assert browser.open(f"{door}/slack/install").status == 503
        assert site.rows() == []
        assert browser.open(browser.visited[-1]).status == 401  # the same address again
    held[site.world.app] = manifest("Agent", site.door)
    assert Browser().open(f"{site.door}/slack/install").status == 200
    assert len(site.rows()) == 1


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", '"><img src=x onerror=1>', "A & B", "\u202egnp", "x" * 5000],
)
def test_a_hostile_name_is_only_text(site: Site, name: str) -> None:
    site.world.slack.apps.names[ONE] = name
    shown = Browser().open(f"{site.door}/slack/install")
    assert shown.status == 200
    assert "<script" not in shown.text and "<img" not in shown.text
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert shown.headers["referrer-policy"] == "no-referrer"


def test_nothing_in_a_request_chooses_where_the_browser_goes(site: Site) -> None:
    evil = "https://evil.example/"
    for query in (f"redirect_uri={evil}", f"team={evil}", f"state={evil}", f"next={evil}"):
        shown = Browser().open(
            f"{site.door}/slack/install?{query}", stops=site.world.slack.api_url[:-5]
        )
        assert urlsplit(shown.url).netloc == urlsplit(site.world.slack.api_url).netloc
        assert evil not in str(parse_qs(urlsplit(shown.url).query).get("redirect_uri"))


def test_without_a_client_there_is_nothing_to_install(site: Site, database_url: str) -> None:
    with Database(database_url) as database:
        plain = site.world.settings._replace(slack_client_id="")
        with front_door(plain, database) as door:
            assert Browser().open(f"{door}/slack/install").status == 404
            shown = Browser().open(f"{door}/slack/oauth_redirect?code=1&state=2")
            assert shown.status == 200 and "copy the whole" in shown.text
        wrong = site.world.settings._replace(slack_token_keys="")
        with front_door(wrong, database) as door:
            assert Browser().open(f"{door}/slack/install").status == 500
