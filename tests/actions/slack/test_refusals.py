"""Slack's refusals of a reply: each ends in the right behaviour, and the status never stays."""

from collections.abc import Iterator

import pytest

from infra.local.sandbox.slack.workspace import DM, SUPPORT
from tests.actions.slack.chat_runner import ONCE, ChatRunner
from tests.models.scripted_server import Says

ANSWER = "We deploy on Tuesdays, at ten, and Ada has the key."
WRITES = ("chat.postMessage", "chat.startStream", "chat.stopStream", "chat.update")
#: What refuses a reply for good, and what the reason advises.
FINAL = {
    "not_in_channel": "invite the app",
    "channel_not_found": "invite the app",
    "is_archived": "unarchive the channel",
    "restricted_action": "an admin of the workspace",
    "token_revoked": "set SLACK_BOT_TOKEN",
    "account_inactive": "set SLACK_BOT_TOKEN",
}


@pytest.fixture
def runner(database_url: str) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        yield runner


@pytest.mark.parametrize("place", [DM, SUPPORT])
@pytest.mark.parametrize("code", FINAL)
def test_a_reply_that_is_refused_for_good(runner: ChatRunner, place: str, code: str) -> None:
    for method in WRITES:
        runner.slack.fail_next(method, code, times=20)
    runner.model.says(Says(ANSWER))
    event = runner.asked_directly() if place == DM else runner.asked()
    assert runner.deliver(event)
    [(state, reason)] = runner.recorded("select state, reason from runs where flow = 'chat'")
    assert state == "failed" and code in reason and FINAL[code] in reason
    assert runner.said(event) == []
    assert runner.slack.status(place, event.thread.ts) == {}
    assert runner.slack.session(place, event.thread.ts) == "active"
    assert len(runner.model.seen) == 1


@pytest.mark.parametrize(
    "code", ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"]
)
def test_blocks_that_are_refused_are_left_out(runner: ChatRunner, code: str) -> None:
    for method in ("chat.startStream", "chat.update"):
        runner.slack.fail_next(method, code, times=20)
    runner.slack.fail_next("chat.postMessage", code)
    runner.model.says(Says(ANSWER))
    event = runner.asked()
    assert runner.deliver(event, pace=ONCE)
    assert runner.said(event) == [ANSWER]


def test_an_answer_of_40_000_characters_comes_whole(runner: ChatRunner) -> None:
    code = "```py\n" + "\n".join(f"print({n})  # <!channel> `x`" for n in range(300)) + "\n```"
    answer = "\n\n".join([*(f"Paragraph {n}. " + "word " * 60 for n in range(90)), code])
    answer += "\n\nEnd. " + "今天天气很好。" * 600
    assert len(answer) > 40_000
    for ask in (runner.asked_directly, runner.asked):
        runner.model.says(Says(answer))
        event = ask()
        assert runner.deliver(event, pace=ONCE)
        said = runner.said(event)
        assert all(len(one) <= 9_000 for one in said)
        assert all(one.count("```") % 2 == 0 for one in said)
        whole = "".join("".join(said).split()).replace("```py", "").replace("```", "")
        expected = "".join(answer.split()).replace("```py", "").replace("```", "")
        assert whole == expected
