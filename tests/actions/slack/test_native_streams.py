"""Answers in direct messages: streams that end as one whole message."""

import threading
from collections.abc import Iterator

import pytest

from infra.local.sandbox.slack.workspace import DM
from shared.actions.slack.text import pieces
from tests.actions.slack.chat_runner import FAULTS, ONCE, ChatRunner, Json
from tests.models.scripted_server import Fails, Says
from tests.waiting import wait_for

ANSWER = "We deploy on Tuesdays, at ten, and Ada has the key."
OTHER = "On Thursdays."


@pytest.fixture
def runner(database_url: str) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        yield runner


def appended(runner: ChatRunner) -> list[str]:
    return [call["markdown_text"] for call in runner.slack.calls("chat.appendStream")]


def test_a_stream_grows_and_ends_as_the_whole_answer(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER))
    event = runner.asked_directly()
    assert runner.deliver(event)
    assert runner.said(event) == [ANSWER]
    [start], [stop] = runner.slack.calls("chat.startStream"), runner.slack.calls("chat.stopStream")
    grown = start["markdown_text"] + "".join(appended(runner)) + stop.get("markdown_text", "")
    assert grown.endswith(ANSWER)
    assert len(appended(runner)) > 5
    assert runner.slack.calls("chat.postMessage") == runner.slack.calls("chat.update") == []
    [(key, receipt)] = runner.recorded("select key, receipt from effects where tool = 'Reply'")
    (message,) = runner.slack.thread(DM, event.thread.ts)[1:]
    assert message["metadata"]["event_payload"]["effect"] == key
    assert (receipt["id"], message["streaming_state"]) == (message["ts"], "completed")


def test_slack_ends_the_stream_and_the_message_goes_on(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER, pause=0.1))
    event = runner.asked_directly()
    working = threading.Thread(target=runner.deliver, args=(event,))
    working.start()
    wait_for(lambda: appended(runner))
    runner.slack.pass_time(301)
    working.join()
    assert runner.said(event) == [ANSWER]
    assert len(runner.slack.calls("chat.update")) > 1
    assert len(runner.slack.calls("chat.startStream")) == 1
    assert runner.slack.calls("chat.postMessage") == []


def test_slack_ends_the_stream_just_before_its_end(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER))
    for method in ("chat.appendStream", "chat.stopStream"):
        event = runner.asked_directly()
        runner.slack.fail_next(method, "message_not_in_streaming_state")
        assert runner.deliver(event)
        assert runner.said(event) == [ANSWER]


@pytest.mark.parametrize(
    "answer",
    [
        "Ask @channel or <!channel> and <@U123> about <!subteam^S1>, @here.",
        "See [the docs](https://evil.example/x) and [  other](  https://evil.example/y).",
        "Use `a < b && c` and:\n\n```py\nprint('`<@U1>`')\n```\n\nThat is all.",
        "每个星期二部署 🎉👍🏽，上午十点。👩‍💻 有钥匙。",
        "النشر يوم الثلاثاء، الساعة العاشرة. (ops) שלום עולם",
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n/deploy now\n\n- one\n- two",
        "\n\n  Begins with space, ends so too.  \n\n",
    ],
)
def test_what_a_stream_says_is_what_a_message_would(runner: ChatRunner, answer: str) -> None:
    runner.model.says(Says(answer, bytewise=True))
    event = runner.asked_directly()
    assert runner.deliver(event)
    (message,) = runner.slack.thread(DM, event.thread.ts)[1:]
    is_streamed = not runner.slack.calls("chat.update")  # a stream begins with its name
    text = message["blocks"][0]["text"]
    assert [text[24:] if is_streamed else text] == pieces(answer)
    parts = [call["markdown_text"] for call in runner.slack.calls("chat.startStream")]
    assert not any("@channel" in part or "<@U" in part for part in [*parts, *appended(runner)])


def test_a_long_answer_continues_behind_the_stream(runner: ChatRunner) -> None:
    answer = "\n\n".join(f"第{n}段。" + "今天天气很好。" * 40 for n in range(60))
    runner.model.says(Says(answer))
    event = runner.asked_directly()
    assert runner.deliver(event, pace=ONCE)
    assert runner.said(event) == pieces(answer)
    assert len(runner.slack.calls("chat.startStream")) == 1


@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream", "chat.stopStream"])
@pytest.mark.parametrize(
    "fault",
    [
        *FAULTS,
        {"error": "channel_type_not_supported"},
        {"error": "streaming_state_conflict"},
        {"status": 429, "retry_after": 1},
    ],
)
def test_a_stream_that_fails_fails_nothing(runner: ChatRunner, method: str, fault: Json) -> None:
    runner.slack.fail_next(method, **fault)
    runner.model.says(Says(ANSWER))
    event = runner.asked_directly()
    assert runner.deliver(event)
    assert runner.said(event) == [ANSWER]
    assert len(runner.model.seen) == 1


def test_a_failure_behind_the_stream_turns_it_into_the_notice(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER, breaks_off=True), Fails(401))
    event = runner.asked_directly()
    assert runner.deliver(event)
    (notice,) = runner.said(event)
    assert "The language model could not do it. Run `" in notice
    assert ANSWER[:10] not in notice


def test_another_answer_takes_the_place_of_what_was_streamed(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER, breaks_off=True), Says(OTHER))
    event = runner.asked_directly()
    assert runner.deliver(event)
    assert runner.said(event) == [OTHER]


def test_a_person_deletes_the_stream_and_the_answer_still_comes(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER, pause=0.05))
    event = runner.asked_directly()

    def delete() -> None:
        message = wait_for(lambda: runner.slack.thread(DM, event.thread.ts)[1:])[0]
        runner.slack.delete(DM, message["ts"])

    person = threading.Thread(target=delete)
    person.start()
    assert runner.deliver(event)
    person.join()
    assert runner.said(event) == [ANSWER]
