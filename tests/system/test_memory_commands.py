"""Remember, ask, and forget by name, through the front door of the whole system."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.sandbox.slack.workspace import ALICE, BOT_USER, DM, SUPPORT
from infra.local.system import System
from tests.system.conftest import query
from tests.system.quick import shipped_template
from tests.waiting import wait_for

REPOSITORY = "acme/shop"


@pytest.fixture(scope="module")
def system(data_directory: Path) -> Iterator[System]:
    with System(
        data=data_directory,
        environment={"MODEL_EMBED": "hashing"},
        template=shipped_template(data_directory),
    ) as system:
        yield system


def told(system: System, text: str, channel: str = SUPPORT) -> str:
    """Say it in Slack and return the only answer to it."""
    assert system.slack
    slack = system.slack
    ts = slack.say(channel, text)

    def answers() -> list[str]:
        return [m["text"] for m in slack.thread(channel, ts) if m["user"] == BOT_USER]

    assert wait_for(lambda: answers() and _quiet(system, ts))
    [answer] = answers()
    return str(answer)


def _quiet(system: System, ts: str) -> bool:
    """Has every run for the message ended?"""
    ended = f"select bool_and(finished_at is not null) from runs where event_id like '%{ts}%'"
    return query(system, ended) == [(True,)]


def test_remember_know_why_and_forget_in_slack(system: System) -> None:
    bot = f"<@{BOT_USER}>"
    assert "I keep it as a fact." in told(system, f"{bot} remember that we deploy on Tuesdays")
    assert "I keep it as a fact." in told(system, "remember that the deploy code is 4711", DM)
    here = told(system, f"{bot} what do you know about the deploy?")
    assert "I know 1 thing about that." in here
    assert "we deploy on Tuesdays" in here
    assert "deploy code is 4711" in told(system, "what do you know about the deploy?", DM)
    assert "Never recalled yet." in told(system, f"{bot} why {here.split('`')[1]}")
    assert "Forgotten: 1 memory" in told(system, f"{bot} forget the deploy")
    assert "I know nothing about that" in told(system, f"{bot} know deploy")
    assert "deploy code is 4711" in told(system, "what do you know about the deploy?", DM)
    flows = query(system, "select distinct flow from runs where flow in ('chat', 'memory')")
    assert flows == [("memory",)]


def test_a_slash_command_is_answered_with_a_whisper(system: System) -> None:
    assert system.slack
    workspace = system.slack.workspace
    system.slack.command("/agent", "help", SUPPORT)
    channel = workspace.channel(SUPPORT)["id"]
    assert wait_for(lambda: workspace.whispers(channel))
    [whisper] = workspace.whispers(channel)
    assert whisper["to"] == ALICE
    assert "forget SUBJECT" in str(whisper)
    assert "plan GOAL" in str(whisper)


def test_remember_and_forget_on_github(system: System) -> None:
    assert system.github
    github = system.github
    number = github.open_issue(REPOSITORY, "About the freeze", "When is it?")

    def answered(count: int) -> list[str]:
        def comments() -> list[str]:
            issue = github.issue(REPOSITORY, number)
            return [c["body"] for c in issue["comments"] if c["user"]["login"].endswith("[bot]")]

        assert wait_for(lambda: len(comments()) == count)
        return comments()

    answered(1)
    github.comment(REPOSITORY, number, "/remember the freeze begins in week 51", "acme")
    assert "I keep it as a fact." in answered(2)[1]
    github.comment(REPOSITORY, number, "/forget week 51", "stranger")
    assert "nothing of that that you may delete" in answered(3)[2]
    github.comment(REPOSITORY, number, "@agent-flows what do you know about week 51?", "acme")
    assert "the freeze begins in week 51" in answered(4)[3]
    github.comment(REPOSITORY, number, "/forget week 51", "acme")
    assert "Forgotten: 1 memory" in answered(5)[4]
    held = "select count(*) from memories where text like '%week 51%'"
    assert query(system, held) == [(0,)]
