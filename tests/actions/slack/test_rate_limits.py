"""Slack's rate limits: a pause of one method in one workspace pauses that alone."""

from collections.abc import Iterator

import pytest

from infra.local.sandbox.slack.workspace import GENERAL
from shared.actions import Mark
from shared.actions.slack.actions import React
from shared.actions.slack.adapter import SlackAdapter
from shared.actions.slack.bot_client import BotClient
from shared.database import Database
from shared.errors import ActionUnavailable
from shared.events import Event, SlackMessage
from tests.installations.installed import ONE, TWO, Installed, installed, reply, said


@pytest.fixture
def world(database_url: str) -> Iterator[Installed]:
    with Database(database_url) as database, installed(database) as made:
        for team in (ONE, TWO):
            made.install(team)
        yield made


def _said(world: Installed, team: str) -> Event:
    return said(team, world.slack.neighbours.open(team).say(GENERAL, "hi"))


def _react(adapter: SlackAdapter, event: Event) -> None:
    message = event.message
    assert isinstance(message, SlackMessage)
    adapter.within(event).perform(React(message, "eyes"), Mark("k", "chat", 1), None)


def test_a_pause_is_of_one_method_and_one_workspace(
    world: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(BotClient, "now", lambda: now)
    adapter = world.adapter()
    first, second = (_said(world, team) for team in (ONE, TWO))
    world.slack.fail_next("chat.postMessage", status=429, retry_after=30)
    with pytest.raises(ActionUnavailable, match="rate limited, retry in 30 s") as limited:
        reply(adapter, first)
    assert limited.value.retry_after == 30 and not limited.value.sent
    # While it lasts, Slack is not asked, and everything else goes on.
    before = len(world.slack.calls("chat.postMessage"))
    now += 10
    with pytest.raises(ActionUnavailable, match="rate limited, retry in 20 s") as limited:
        reply(adapter, first)
    assert limited.value.retry_after == 20 and limited.value.retryable and not limited.value.sent
    assert len(world.slack.calls("chat.postMessage")) == before
    _react(adapter, first)
    reply(adapter, second)
    now += 20.1
    reply(adapter, first, "Later.")


@pytest.mark.parametrize("retry_after", ["", "soon", "-5", "1e9", "999999"])
def test_an_odd_pause_pauses_for_a_while_at_most(
    world: Installed, monkeypatch: pytest.MonkeyPatch, retry_after: str
) -> None:
    now = 1000.0
    monkeypatch.setattr(BotClient, "now", lambda: now)
    adapter, event = world.adapter(), _said(world, ONE)
    world.slack.fail_next("chat.postMessage", status=429, retry_after=retry_after)
    with pytest.raises(ActionUnavailable):
        reply(adapter, event)
    now += 301
    reply(adapter, event)
