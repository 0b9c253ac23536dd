"""Proof of a GitHub account over HTTP: a ticket, a browser, the sandbox GitHub, attackers."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.github.sign_in import SECRET
from shared.database import Database
from shared.installations.tickets import Tickets
from shared.people.desk import PURPOSE
from shared.people.store import LinkedPerson, PeopleTable
from shared.settings import Settings
from tests.installations.installed import ONE, TWO, said
from tests.web.oauth.browser import Browser, Shown, front_door

TENANT = f"slack:{ONE}"
ALICE, BOB = "U0ALICE", "U0BOB"


@dataclass
class Site:
    github: GitHubSandbox
    database: Database
    door: str

    def ticket(self, user: str = ALICE, team: str = ONE, name: str = "Alice") -> str:
        about = {"team": team, "user": user, "name": name}
        return Tickets(self.database).issue(PURPOSE, about, f"slack:{team}")

    def address(self, ticket: str) -> str:
        return f"{self.door}/link?ticket={ticket}"

    def link(self, person: str = "maria", user: str = ALICE, team: str = ONE) -> Shown:
        """Let a person follow the address of a Slack person to its end."""
        self.github.sign_in.person = person
        browser = Browser()
        shown = browser.open(self.address(self.ticket(user, team)))
        return browser.open(shown.link())

    def known(self, user: str = ALICE, team: str = ONE) -> list[LinkedPerson]:
        event = said(team)
        asked = event._replace(actor=event.actor._replace(id=user))
        return PeopleTable(self.database).of(asked)


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    with Database(database_url) as database, GitHubSandbox("", "s") as github:
        settings = Settings(
            github_api_url=github.api_url,
            github_client_id=github.sign_in.client_id(),
            github_client_secret=SECRET,
        )
        with front_door(settings, database) as door:
            yield Site(github, database, door)


def test_a_person_proves_an_account(site: Site) -> None:
    browser = Browser()
    first = browser.open(site.address(site.ticket()))
    assert "Alice (U0ALICE)" in first.text and "close this page" in first.text
    shown = browser.open(first.link())
    assert shown.status == 200 and "maria on GitHub is Alice in Slack" in shown.text
    [known] = site.known()
    assert known.github_login == "maria" and known.github_id.isdigit()
    assert site.known(BOB) == [] and site.known(team=TWO) == []


def test_looking_at_the_address_uses_it_up_for_nobody(site: Site) -> None:
    ticket = site.ticket()
    for _ in range(3):  # programs that look at links
        assert Browser().open(site.address(ticket)).status == 200
    browser = Browser()
    assert browser.open(browser.open(site.address(ticket)).link()).status == 200
    assert Browser().open(site.address(ticket)).status == 400


def test_github_gets_a_proof_key_and_our_address_alone(site: Site) -> None:
    browser = Browser()
    first = browser.open(site.address(site.ticket()))
    shown = browser.open(first.link(), stops=site.github.web_url)
    query = parse_qs(urlsplit(shown.url).query)
    assert query["code_challenge_method"] == ["S256"] and len(query["code_challenge"][0]) == 43
    assert query["redirect_uri"] == [f"{site.door}/link/done"]


_LONG = ("c2xhY2s6VDBPTkU." + "A" * 43, "é" * 40, "." * 300)
NO_TICKETS = ("", "x", "c2xhY2s6VDBPTkU.short", "%00", *_LONG)


def test_what_is_no_ticket_leads_nowhere(site: Site, subtests: pytest.Subtests) -> None:
    for path, ticket in product(("/link", "/link/github", "/link/done"), NO_TICKETS):
        with subtests.test(f"{path} {ticket}"):
            shown = Browser().open(f"{site.door}{path}?ticket={ticket}&state={ticket}&code=1")
            assert shown.status == 400 and "Not linked" in shown.text


def test_a_ticket_expires(site: Site, database_url: str) -> None:
    ticket = site.ticket()
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("update sign_ins set expires_at = now() - interval '1 s'")
    assert Browser().open(site.address(ticket)).status == 400
    assert Browser().open(f"{site.door}/link/github?ticket={ticket}").status == 400


def test_another_browser_cannot_end_it(site: Site) -> None:
    """An attacker signs in as themselves, and lets Alice's browser come back with their code."""
    site.github.sign_in.person = "mallory"
    attacker = Browser()
    first = attacker.open(site.address(site.ticket(BOB)))
    back = attacker.open(first.link(), stops=f"{site.door}/link/done").url
    assert Browser().open(back).status == 400
    victim = Browser()
    victim.open(victim.open(site.address(site.ticket())).link(), stops=site.github.web_url)
    assert victim.open(back).status == 400
    assert site.known() == [] and site.known(BOB) == []


@pytest.mark.parametrize("shown", ["", "&shown=", "&shown=deleted", "their own"])
def test_nobody_is_sent_past_the_page_that_says_whose_proof_it_is(site: Site, shown: str) -> None:
    """Mallory sends Maria, who signed in at GitHub before, the second address of their own ticket:
    one click must not let Mallory be Maria."""
    ticket = site.ticket(BOB, name="Mallory")
    second = Browser().open(site.address(ticket)).link()
    sent = second if shown == "their own" else f"{site.door}/link/github?ticket={ticket}{shown}"
    site.github.sign_in.person = "maria"
    maria = Browser()
    maria.open(site.address(site.ticket()))  # she has a page of her own open, too
    assert maria.open(sent).status == 400
    assert Browser().open(sent).status == 400
    assert site.known(BOB) == [] and site.known() == []
    # It used up nothing.
    assert maria.open(maria.open(site.address(ticket)).link()).status == 200


def test_an_address_that_came_back_is_good_once(site: Site) -> None:
    browser = Browser()
    shown = browser.open(browser.open(site.address(site.ticket())).link())
    assert shown.status == 200
    state = parse_qs(urlsplit(browser.visited[-1]).query)["state"][0]
    browser.cookies[urlsplit(site.door).netloc]["agent-flows-link"] = state
    assert browser.open(browser.visited[-1]).status == 400


def test_who_says_no_links_nothing(site: Site) -> None:
    shown = site.link("")
    assert "nobody allowed it" in shown.text and site.known() == []


def test_two_people_cannot_have_one_account_in_a_workspace(site: Site) -> None:
    assert site.link("maria", ALICE).status == 200
    shown = site.link("maria", BOB)
    assert shown.status == 409 and "another person of this workspace" in shown.text
    assert site.known(BOB) == [] and len(site.known(ALICE)) == 1
    # In another workspace it is the same person.
    assert site.link("maria", "U0MARIA", TWO).status == 200


def test_another_account_takes_the_place_of_the_one_before(site: Site) -> None:
    site.link("maria")
    assert site.link("li").status == 200
    [known] = site.known()
    assert known.github_login == "li"
    assert site.link("maria", BOB).status == 200  # it is free again


@pytest.mark.parametrize("name", ["<script>x</script>", '" onclick="x', "a" * 3000])
def test_a_hostile_name_is_only_text(site: Site, name: str) -> None:
    shown = Browser().open(site.address(site.ticket(name=name)))
    assert shown.status == 200 and "<script>" not in shown.text and '" onclick="x' not in shown.text


def test_a_wrong_secret_is_told_without_it(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(
        github_api_url=site.github.api_url,
        github_client_id=site.github.sign_in.client_id(),
        github_client_secret="wrong-secret",
    )
    with front_door(settings, site.database) as door:
        browser = Browser()
        shown = browser.open(browser.open(f"{door}/link?ticket={site.ticket()}").link())
        assert shown.status == 400
    said = capsys.readouterr().out
    assert "incorrect_client_credentials" in said and "wrong-secret" not in said


def test_while_github_is_away_nothing_is_linked(site: Site) -> None:
    site.github.fail_next(503, path="/user")
    assert site.link().status == 503
    assert site.known() == []
