"""Slack loads no page and no picture for anything that we post or change."""

from typing import Any

from slack_sdk.web import SlackResponse

from infra.local.sandbox.slack import SlackSandbox
from shared.actions import Action
from shared.actions.slack.actions import Button, Card, Channel, Draft, Post, Reply
from shared.actions.slack.adapter import SlackAdapter
from shared.actions.slack.bot_client import BotClient
from shared.settings import Settings
from tests.actions.slack.sandbox_thread import MARK, SandboxThread

CALLS: list[dict[str, Any]] = []


class RecordingClient(BotClient):
    """Keeps the bodies of the calls."""

    def api_call(self, api_method: str, **arguments: Any) -> SlackResponse:
        if api_method in {"chat.postMessage", "chat.update"}:
            CALLS.append(arguments["json"])
        response = super().api_call(api_method, **arguments)
        assert isinstance(response, SlackResponse)
        return response


def test_nothing_is_unfurled(target: SandboxThread) -> None:
    CALLS.clear()
    settings = Settings(slack_bot_token=SlackSandbox.bot_token, slack_api_url=target.slack.api_url)
    adapter = SlackAdapter(settings, 5, RecordingClient)
    text = "[click](https://evil.test) https://evil.test/x.png"
    draft = adapter.perform(Draft(target.thread, text), MARK, None)
    card = Card(target.thread, "live", text, (Button("Yes", "yes"),))
    shown = adapter.perform(card, MARK, None)
    actions: list[tuple[Action, Any]] = [
        (Reply(target.thread, text), draft),
        (Reply(target.thread, "long " * 4_000), None),
        (card, shown),
        (Post(Channel("#general"), text), None),
    ]
    for action, previous in actions:
        adapter.perform(action, MARK, previous)
    assert len(CALLS) >= 6
    for call in CALLS:
        assert (call["unfurl_links"], call["unfurl_media"]) == (False, False)
        assert "](https://evil" not in str(call["blocks"])
