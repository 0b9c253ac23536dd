"""Linking and installing in the whole local system: real functions, gateway and Postgres."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.sandbox.slack.courier import Delivery
from infra.local.sandbox.slack.views.presses import shortcut
from infra.local.sandbox.slack.workspace import ALICE, BOT_USER, DM, GENERAL
from infra.local.system import System
from tests.system.conftest import query
from tests.system.quick import shipped_template
from tests.waiting import wait_for
from tests.web.oauth.browser import Browser

TEAM = "T0ELSE"


@pytest.fixture(scope="module")
def system(data_directory: Path) -> Iterator[System]:
    with System(
        data=data_directory,
        environment={"MODEL_EMBED": "hashing"},
        template=shipped_template(data_directory),
    ) as system:
        yield system


def answered(system: System, text: str) -> str:
    """Say it to the agent alone, and return its only answer."""
    assert system.slack
    slack = system.slack
    ts = slack.say(DM, text)

    def answers() -> list[str]:
        return [m["text"] for m in slack.thread(DM, ts) if m["user"] == BOT_USER]

    assert wait_for(answers)
    return answers()[0]


def test_a_person_links_an_account_and_unlinks_it(system: System) -> None:
    assert system.github
    said = answered(system, "link")
    found = re.search(rf"{re.escape(system.url)}/link\?ticket=[\w.-]+", said)
    assert found, said
    browser = Browser()
    first = browser.open(found[0])
    assert ALICE in first.text
    shown = browser.open(first.link())
    assert "maria on GitHub is" in shown.text, shown.text
    [row] = query(system, "select tenant, team, slack_user, github_login from people")
    assert row == ("acme", "T0SANDBOX", ALICE, "maria")
    assert "`maria`" in answered(system, "unlink")
    assert query(system, "select count(*) from people") == [(0,)]


def test_a_slash_command_gives_the_address_to_one_person_alone(system: System) -> None:
    assert system.slack
    slack = system.slack
    slack.command("/agent", "link", GENERAL)
    assert wait_for(
        lambda: [one for one in slack.workspace.whispers(GENERAL) if "ticket=" in str(one)]
    )
    assert not any("ticket=" in str(one) for one in slack.messages(GENERAL))


def test_add_to_slack_and_be_answered_there(system: System) -> None:
    assert system.slack
    slack = system.slack
    slack.apps.chosen = TEAM
    shown = Browser().open(f"{system.url}/slack/install")
    assert "The agent is installed in t0else" in shown.text, shown.text
    there = slack.neighbours.open(TEAM)
    ts = there.say(GENERAL, f"<@{BOT_USER}> hello")
    assert wait_for(lambda: len(there.thread(GENERAL, ts)) > 1)
    # A dialog opens at the front door, which asks no database.
    trigger = there.workspace.views.trigger(ALICE)
    pressed = shortcut("open-issue", there.workspace.users[ALICE], trigger)
    pressed["team"] = {"id": TEAM, "domain": TEAM.lower()}
    slack._courier.take(Delivery(trigger, "interaction", pressed, TEAM))
    assert wait_for(lambda: there.workspace.views.of(ALICE))
    # The first workspace goes on with its own.
    here = slack.say(GENERAL, f"<@{BOT_USER}> hello")
    assert wait_for(lambda: len(slack.thread(GENERAL, here)) > 1)
    slack.remove(TEAM)
    assert wait_for(lambda: query(system, "select count(*) from slack_installations") == [(0,)])
