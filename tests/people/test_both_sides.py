"""One person on both sides: the commands, what is forgotten and known, and what may be done."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from flows.memory import memory
from shared.actions import Query
from shared.actions.authority import Authority, RecentAnswers
from shared.actions.github.actions import Comment
from shared.actions.slack.actions import Reply, Whisper
from shared.database import Database, Statement
from shared.events import Actor, Event, Json, Workplace
from shared.installations.tickets import Tickets
from shared.people.desk import PURPOSE
from shared.people.store import LinkedPerson, PeopleTable
from shared.testing import FlowRunner, github_event, slack_event
from tests.authority.people import World, world

TENANTS = "acme=github:acme,slack:T1"
TEAM, ALICE, ACCOUNT = "T1", "U0ALICE", "4242"
LINKED = LinkedPerson(TEAM, ALICE, ACCOUNT, "alice-gh")


class Both:
    """What people say in Slack and on GitHub, in one tenant."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.people = PeopleTable(database)
        self.runner = FlowRunner(
            database,
            tenants=TENANTS,
            github_client_id="Iv1",
            front_door_url="https://door.example/live",
        )
        self._count = 0

    def in_slack(self, command: str, text: str = "", user: str = ALICE, **more: Any) -> str:
        self._count += 1
        event = slack_event(f"command.{command}", text=text, by=user, ts=f"{self._count}.0")
        place = f"slack:{TEAM}:{event.conversation.split(':', 2)[2]}"
        event = event._replace(tenant="acme", conversation=place, audience="dm:D1", **more)
        return self._said(event)

    def on_github(self, command: str, text: str = "", by: Actor | None = None) -> str:
        self._count += 1
        event = github_event(f"command.{command}", body=text, delivery=f"d{self._count}")
        actor = by or Actor(ACCOUNT, "alice-gh", role="member")
        return self._said(event._replace(tenant="acme", actor=actor))

    def _said(self, event: Event) -> str:
        before = len(self.runner.effects)
        self.runner.run(memory, event)
        [answer] = self.runner.effects[before:]
        assert isinstance(answer, Comment | Reply | Whisper)
        return answer.body if isinstance(answer, Comment) else answer.told

    def texts(self) -> set[str]:
        [rows] = self.database.run("acme", [Statement("select text from memories", {})])
        return {row["text"] for row in rows}


@pytest.fixture
def both(database: Database) -> Both:
    return Both(database)


def test_link_gives_one_person_an_address_that_is_good_once(both: Both) -> None:
    answer = both.in_slack("link")
    address = answer.partition("](")[2].partition(")")[0]
    assert address.startswith("https://door.example/live/link?ticket=")
    ticket = parse_qs(urlsplit(address).query)["ticket"][0]
    [journal] = both.database.run(
        "acme",
        [
            Statement(
                "select coalesce((select json_agg(s) from steps as s)::text, '')"
                " || (select json_agg(f) from effects as f)::text as all_of_it",
                {},
            )
        ],
    )
    assert "link?ticket=" in journal[0]["all_of_it"]
    assert ticket.partition(".")[2] not in journal[0]["all_of_it"]
    found = Tickets(both.database).take(ticket, PURPOSE)
    assert found and (found["team"], found["user"]) == (TEAM, ALICE)
    assert Tickets(both.database).take(ticket, PURPOSE) is None


@pytest.mark.parametrize(
    "change",
    [
        {"audience": "channel:C1"},
        {"audience": "team:T1"},
        {"audience": "shared:C1"},
        {"actor": Actor("B1", "bot", True)},
    ],
)
def test_no_address_is_shown_to_others(both: Both, change: Json) -> None:
    event = slack_event("command.link", text="", by=ALICE)._replace(tenant="acme", **change)
    both.runner.run(memory, event)
    said = " ".join(str(one) for one in both.runner.effects)
    assert "ticket=" not in said


def test_on_github_link_says_where_to_go(both: Both) -> None:
    assert "in Slack" in both.on_github("link")


@pytest.mark.parametrize("side", ["slack", "github"])
def test_unlink_on_either_side(both: Both, side: str) -> None:
    both.people.link("acme", LINKED)
    say = both.in_slack if side == "slack" else both.on_github
    assert "alice-gh" in say("unlink")
    assert "Nothing is linked" in say("unlink")


def test_a_new_login_is_the_same_account_and_an_old_login_is_not(both: Both) -> None:
    both.people.link("acme", LINKED)
    assert "Nothing is linked" in both.on_github("unlink", by=Actor("9", "alice-gh", role="member"))
    assert "alice-gh" in both.on_github("unlink", by=Actor(ACCOUNT, "renamed", role="member"))


@pytest.mark.parametrize("side", ["slack", "github"])
def test_forget_me_takes_both_sides_and_the_proof(both: Both, side: str) -> None:
    both.people.link("acme", LINKED)
    both.in_slack("remember", "we deploy on Fridays in Slack")
    both.in_slack("remember", "Bob said this", user="U0BOB")
    both.on_github("remember", "we deploy on Fridays on GitHub")
    both.on_github("remember", "Eve said this", by=Actor("7", "eve", role="member"))
    say = both.in_slack if side == "slack" else both.on_github
    assert "Forgotten" in say("forget", "me")
    assert both.texts() == {"Bob said this", "Eve said this"}
    assert "Nothing is linked" in both.in_slack("unlink")


def test_without_a_proof_forget_me_takes_one_side(both: Both) -> None:
    both.in_slack("remember", "in Slack")
    both.on_github("remember", "on GitHub")
    both.in_slack("forget", "me")
    assert both.texts() == {"on GitHub"}


def test_names_of_both_sides_are_one_person(both: Both) -> None:
    both.people.link("acme", LINKED)
    for name in (ALICE, "Alice-GH", ACCOUNT):
        assert {ALICE, ACCOUNT, "alice-gh"} <= {*both.people.both("acme", (name,))}
    assert both.people.both("acme", ("eve",)) == ("eve",)
    assert both.people.both("other", (ALICE,)) == (ALICE,)


# What may be done


@pytest.fixture(scope="module")
def made() -> Iterator[World]:
    with world("app") as made:
        made.hub.open_issue("acme/shop", "It crashes")
        yield made


class _Recorded:
    def __init__(self, event: Event) -> None:
        self.event, self.flow, self.id = event, "plan", "r1"

    def step(self, name: str, input: object, work: Any, *, defer: bool = False) -> Any:
        return work().output


@pytest.mark.parametrize(
    ("login", "id_", "may"),
    [
        ("", "", True),  # nobody proved anything: membership tells
        ("li", "own", True),
        ("tess", "own", False),  # triage is no writing
        ("nobody-here", "own", False),
        ("li", "99999", False),  # somebody took the login
    ],
)
def test_in_slack_the_proved_account_needs_the_repositorys_permission(
    made: World, login: str, id_: str, may: bool
) -> None:
    from infra.local.sandbox.slack.workspace import ALICE as MEMBER
    from infra.local.sandbox.slack.workspace import SUPPORT
    from tests.authority.people import in_slack

    event = in_slack(made, MEMBER, SUPPORT, "mention", "plan")
    event = event._replace(workplace=Workplace("acme/shop", event.tenant))
    own = str(made.hub.registration._state.account(login)["id"]) if id_ == "own" else id_
    proved = [LinkedPerson("T0SANDBOX", MEMBER, own, login)] if login else []
    run: Any = _Recorded(event)

    def adapter(wanted: Query) -> Any:
        return made.adapter(wanted)

    assert Authority(run, adapter, RecentAnswers(), lambda event: proved).may_write() is may
    # Where no repository is worked on, it is not asked.
    run.event = event._replace(workplace=None)
    assert Authority(run, adapter, RecentAnswers(), lambda event: proved).may_write()


def test_an_attempt_after_a_crash_shows_an_address_that_is_good(both: Both) -> None:
    both.runner.dies(at=1)
    event = slack_event("command.link", text="", by=ALICE)._replace(tenant="acme", audience="dm:D1")
    with pytest.raises(KeyboardInterrupt):
        both.runner.run(memory, event)
    both.runner.run(memory, event)
    [answer] = both.runner.effects
    assert isinstance(answer, Reply | Whisper)
    ticket = parse_qs(urlsplit(answer.told.partition("](")[2].partition(")")[0]).query)["ticket"][0]
    assert Tickets(both.database).take(ticket, PURPOSE) is not None
