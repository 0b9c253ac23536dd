"""Answers that grow in the sandbox Slack, from a real model server: one whole message at the
end."""

import threading
import time
from collections.abc import Iterator

import pytest

from infra.local.sandbox.slack.workspace import SUPPORT
from shared.actions.drafts import PACE, Pace
from shared.actions.github.actions import Comment
from shared.actions.slack.actions import Reply
from shared.actions.slack.text import pieces
from shared.actions.slack.views.thumbs import thumbs
from shared.agent import Agent, flow
from shared.agent.tools import tool
from shared.events import Event, Issue
from shared.runtime.worker import MAX_AGE
from tests.actions.slack.chat_runner import FAULTS, ONCE, ChatRunner, Json
from tests.flows.plain_chat import chat
from tests.models.scripted_server import Fails, Says
from tests.waiting import wait_for

ANSWER = "We deploy on Tuesdays, at ten, and Ada has the key."
OTHER = "On Thursdays."


@pytest.fixture
def runner(database_url: str) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        yield runner


def test_a_message_grows_and_ends_as_the_whole_answer(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER))
    event = runner.asked()
    assert runner.deliver(event)
    *interim, last = runner.shown()
    assert len(interim) > 5
    assert all(text.endswith(" …") and ANSWER.startswith(text[:-2]) for text in interim)
    assert sorted(interim, key=len) == interim
    assert last == ANSWER
    assert runner.replies(event) == [ANSWER]
    assert len(runner.slack.calls("chat.postMessage")) == 1


def test_the_end_is_marked_as_the_effect_and_found_by_it(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER))
    event = runner.asked()
    runner.deliver(event)
    (message,) = runner.slack.thread(SUPPORT, event.thread.ts)[1:]
    [(key, receipt)] = runner.recorded("select key, receipt from effects where tool = 'Reply'")
    payload = message["metadata"]["event_payload"]
    assert payload == {"effect": key, "flow": "chat", "depth": 1, "part": 0, "parts": 1}
    assert receipt["id"] == message["ts"]
    drafts = {call["metadata"]["event_payload"]["effect"] for call in _interim(runner)}
    assert len(drafts) == 1
    assert key not in drafts


def test_the_journal_and_the_conversation_hold_the_final_text_only(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER))
    runner.deliver(runner.asked())
    [(output,)] = runner.recorded("select output from steps where name = 'converse'")
    assert output == {"text": ANSWER, "calls": [], "errors": []}
    turns = runner.recorded("select text from turns where role = 'assistant'")
    assert turns == [(ANSWER,)]
    effects = runner.recorded("select tool from effects order by dispatched_at")
    assert effects == [("React",), ("Reply",)]


def test_changes_come_no_more_often_than_the_pace_allows(runner: ChatRunner) -> None:
    runner.model.says(Says("word " * 30, pause=0.03))
    start = time.monotonic()
    runner.deliver(runner.asked(), pace=Pace(0.2, 0.4, 1.0))
    took = time.monotonic() - start
    changes = len(_interim(runner)) - 1
    assert 1 <= changes <= took / 0.4


def test_an_answer_that_comes_quickly_is_posted_once_and_whole(runner: ChatRunner) -> None:
    for stream, turned_on in ((chat, True), (whole, False)):
        runner.model.says(Says(ANSWER))
        assert runner.deliver(runner.asked(), stream, pace=PACE._replace(first=60.0))
        assert bool(runner.model.seen[-1].body.get("stream")) == turned_on
    assert runner.slack.calls("chat.update") == []
    first, second = map(_without_identity, runner.slack.calls("chat.postMessage"))
    assert first == second
    assert first["blocks"] == [{"type": "markdown", "text": ANSWER}, thumbs()]


@flow("slack.app_mention", may=[Reply.at_most(1)])
def whole(event: Event, agent: Agent) -> None:
    answer = agent.converse("Answer.", stream=False)
    agent.act(Reply(event.thread, answer, rated=True))


def test_an_author_can_have_answers_whole(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER))
    event = runner.asked()
    assert runner.deliver(event, whole)
    assert runner.shown() == runner.replies(event) == [ANSWER]


def test_a_stream_that_breaks_off_ends_in_one_message(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER, breaks_off=True), Says(OTHER))
    event = runner.asked()
    assert runner.deliver(event)
    assert any(len(text) > len(OTHER) + 2 for text in runner.shown())
    assert runner.replies(event) == [OTHER]
    assert len(runner.model.seen) == 2


def test_a_failure_behind_the_stream_turns_the_draft_into_the_notice(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER, breaks_off=True), Fails(401))
    event = runner.asked()
    assert runner.deliver(event)
    (notice,) = runner.replies(event)
    assert "The language model could not do it. Run `" in notice


failing: list[Exception] = []


@flow("slack.app_mention", may=[Reply.at_most(1)])
def fragile(event: Event, agent: Agent) -> None:
    answer = agent.converse("Answer.")
    if failing:
        raise failing.pop()
    agent.act(Reply(event.thread, answer))


def test_a_retry_finishes_the_draft_of_the_attempt_before_without_a_call(
    runner: ChatRunner,
) -> None:
    runner.model.says(Says(ANSWER))
    failing[:] = [RuntimeError()]
    event = runner.asked()
    assert not runner.deliver(event, fragile)
    assert runner.replies(event)[0].endswith(" …")
    before = len(runner.shown())
    assert runner.deliver(event, fragile, receives=2)
    assert runner.replies(event) == [ANSWER]
    assert len(runner.shown()) == before + 1, "a replayed answer was streamed again"
    assert len(runner.model.seen) == 1
    assert len(runner.slack.calls("chat.postMessage")) == 1


def test_after_the_last_attempt_the_draft_is_the_notice(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER))
    failing[:] = [RuntimeError(), RuntimeError(), RuntimeError()]
    event = runner.asked()
    assert [runner.deliver(event, fragile) for _ in range(3)] == [False, False, True]
    (notice,) = runner.replies(event)
    assert "Something went wrong on my side." in notice


@flow("slack.app_mention", may=[Reply.at_most(1)])
def undecided(event: Event, agent: Agent) -> None:
    agent.converse("Answer.")


def test_a_draft_that_nothing_finishes_is_taken_away(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER))
    event = runner.asked()
    assert runner.deliver(event, undecided)
    assert runner.shown()
    assert runner.replies(event) == []


@flow("slack.app_mention", may=[Reply.at_most(1)])
def talkative(event: Event, agent: Agent) -> None:
    agent.act(Reply(event.thread, "One moment."))
    agent.converse("Answer.")


@flow("slack.app_mention")
def silent(event: Event, agent: Agent) -> None:
    agent.converse("Answer.")


def test_a_draft_needs_the_permission_of_the_reply_that_would_finish_it(runner: ChatRunner) -> None:
    for flow_, expected in ((talkative, ["One moment."]), (silent, [])):
        runner.model.says(Says(ANSWER))
        event = runner.asked()
        assert runner.deliver(event, flow_)
        assert runner.replies(event) == expected
    assert runner.shown() == ["One moment."]


@flow("slack.app_mention", may=[Reply.at_most(2)])
def twice(event: Event, agent: Agent) -> None:
    for prompt in ("First.", "Second."):
        agent.act(Reply(event.thread, agent.converse(prompt)))


def test_each_reply_of_a_run_finishes_its_own_draft(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER), Says(OTHER))
    event = runner.asked()
    assert runner.deliver(event, twice)
    assert runner.replies(event) == [ANSWER, OTHER]


@flow("slack.app_mention", may=[Reply.at_most(2)])
def crowd(event: Event, agent: Agent) -> None:
    for answer in agent.map(agent.converse, ["First.", "Second."]):
        agent.act(Reply(event.thread, answer))


def test_answers_in_a_map_come_whole(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER), Says(OTHER))
    event = runner.asked()
    assert runner.deliver(event, crowd)
    assert runner.shown() == runner.replies(event)
    assert sorted(runner.shown()) == sorted([ANSWER, OTHER])


@tool
def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"20 C in {city}"


@flow("slack.app_mention", may=[Reply.at_most(1)])
def forecast(event: Event, agent: Agent) -> None:
    agent.act(Reply(event.thread, agent.converse("Answer.", tools=[weather])))


def test_what_is_said_before_a_tool_is_called_is_replaced(runner: ChatRunner) -> None:
    looking = Says("Let me look that up.", calls=(("weather", '{"city": "Oslo"}'),), finish="tools")
    runner.model.says(looking, Says("20 C."))
    event = runner.asked()
    assert runner.deliver(event, forecast)
    assert any(text.startswith("Let me") for text in runner.shown())
    assert runner.replies(event) == ["20 C."]
    assert len(runner.slack.calls("chat.postMessage")) == 1


@flow("github.issues.opened", may=[Comment.at_most(1)])
def commenting(event: Event, agent: Agent) -> None:
    agent.converse("Answer.")


def test_on_github_answers_come_whole(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER))
    issue = runner.asked()._replace(
        type="github.issues.opened", thread_target=None, issue_target=Issue("acme/shop", 1)
    )
    assert runner.deliver(issue, commenting)
    assert "stream" not in runner.model.seen[0].body
    assert runner.shown() == []


def test_a_rate_limit_in_the_middle_is_waited_for(runner: ChatRunner) -> None:
    runner.slack.fail_next("chat.update", status=429, retry_after=1)
    runner.model.says(Says(ANSWER, pause=0.3))
    event = runner.asked()
    start = time.monotonic()
    assert runner.deliver(event)
    assert time.monotonic() - start > 1
    assert len(_interim(runner)) > 3
    assert runner.replies(event) == [ANSWER]


def test_a_rate_limit_at_the_end_is_waited_for(runner: ChatRunner) -> None:
    runner.slack.fail_next("chat.update", status=429, retry_after=1)
    runner.model.says(Says(ANSWER))
    event = runner.asked()
    assert runner.deliver(event, pace=ONCE)
    assert runner.replies(event) == [ANSWER]
    assert len(runner.slack.calls("chat.postMessage")) == 1


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
@pytest.mark.parametrize("fault", [*FAULTS, {"error": "edit_window_closed"}])
def test_a_draft_that_fails_fails_nothing(runner: ChatRunner, method: str, fault: Json) -> None:
    runner.slack.fail_next(method, **fault)
    runner.model.says(Says(ANSWER))
    event = runner.asked()
    assert runner.deliver(event)
    assert runner.replies(event) == [ANSWER]
    assert len(runner.model.seen) == 1


@pytest.mark.parametrize("error", ["edit_window_closed", "cant_update_message", "invalid_blocks"])
def test_a_draft_that_cannot_become_the_answer_makes_room_for_it(
    runner: ChatRunner, error: str
) -> None:
    runner.slack.fail_next("chat.update", error)
    runner.model.says(Says(ANSWER))
    event = runner.asked()
    assert runner.deliver(event, pace=ONCE)
    assert runner.replies(event) == [ANSWER]
    assert len(runner.slack.calls("chat.delete")) == 1


@pytest.mark.parametrize("fault", [{"status": 500}, {"after": True}, {}, {"error": "fatal_error"}])
def test_a_doubtful_end_is_looked_up(runner: ChatRunner, fault: Json) -> None:
    runner.slack.fail_next("chat.update", **fault)
    runner.model.says(Says(ANSWER))
    event = runner.asked()
    assert runner.deliver(event, pace=ONCE)
    assert runner.replies(event) == [ANSWER]


def test_a_change_that_arrives_behind_the_answer_changes_nothing(runner: ChatRunner) -> None:
    runner.slack.delay_next("chat.update", 2.0)
    runner.model.says(Says(ANSWER))
    event = runner.asked()
    assert runner.deliver(event, timeout=1)
    assert runner.replies(event) == [ANSWER]
    wait_for(lambda: any(call in _interim(runner) for call in runner.slack.calls("chat.update")))
    time.sleep(0.2)  # the call is there; so is what it did
    assert runner.replies(event) == [ANSWER]


def test_a_draft_that_arrives_late_is_still_the_one_that_is_finished(runner: ChatRunner) -> None:
    runner.slack.delay_next("chat.postMessage", 1.3)
    runner.model.says(Says(ANSWER, pause=0.1))
    event = runner.asked()
    assert runner.deliver(event, timeout=1)
    assert runner.replies(event) == [ANSWER]
    assert len(runner.slack.calls("chat.postMessage")) == 1


def test_nothing_is_written_over_an_answer_that_came_through_unnoticed(runner: ChatRunner) -> None:
    runner.slack.fail_next("chat.update", after=True)
    runner.slack.fail_next("conversations.replies", status=429, retry_after=600)
    runner.model.says(Says(ANSWER))
    event = runner.asked()
    assert runner.deliver(event, age=MAX_AGE + 1, pace=ONCE)
    # For ten minutes Slack takes no look into the thread, so the notice is not written either.
    assert runner.replies(event) == [ANSWER]


def test_when_a_person_deletes_the_draft_the_answer_still_comes(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER, pause=0.05))
    event = runner.asked()

    def delete() -> None:
        wait_for(lambda: runner.replies(event))
        message = runner.slack.thread(SUPPORT, event.thread.ts)[1]
        runner.slack.delete(SUPPORT, message["ts"])

    person = threading.Thread(target=delete)
    person.start()
    assert runner.deliver(event)
    person.join()
    assert runner.replies(event) == [ANSWER]
    assert len(runner.slack.calls("chat.postMessage")) == 2


def test_when_a_person_deletes_the_thread_nothing_is_left(runner: ChatRunner) -> None:
    runner.model.says(Says(ANSWER))
    event = runner.asked()
    runner.slack.delete(SUPPORT, event.thread.ts)
    runner.deliver(event, whole_or_not)
    assert runner.slack.messages(SUPPORT) == []


@flow("slack.app_mention", may=[Reply.at_most(1)])
def whole_or_not(event: Event, agent: Agent) -> None:
    agent.act(Reply(event.thread, agent.converse("Answer.")))


def test_chinese_and_emoji_are_never_cut_in_half(runner: ChatRunner) -> None:
    answer = "每个星期二部署 🎉👍🏽，上午十点。👩‍💻 有钥匙。"
    runner.model.says(Says(answer, bytewise=True))
    event = runner.asked()
    assert runner.deliver(event)
    assert len(runner.shown()) > 5
    assert not any("\ufffd" in text for text in runner.shown())
    assert runner.replies(event) == [answer]


def test_an_answer_beyond_slacks_limit_continues_behind_the_draft(runner: ChatRunner) -> None:
    answer = "\n\n".join(f"第{n}段。" + "今天天气很好。" * 40 for n in range(60))
    runner.model.says(Says(answer))
    event = runner.asked()
    assert runner.deliver(event, pace=Pace(0.0, 0.3, 1.0))
    expected = pieces(answer)
    assert len(expected) > 1
    assert runner.replies(event) == expected
    assert runner.slack.calls("chat.update")
    assert len(runner.slack.calls("chat.postMessage")) == len(expected)


def test_an_answer_beyond_the_limit_that_breaks_off_is_completed(runner: ChatRunner) -> None:
    answer = "\n\n".join("今天天气很好。" * 40 for _ in range(60))
    runner.model.says(Says(answer))
    event = runner.asked()
    runner.slack.slow_next("chat.postMessage", 0.0)
    runner.slack.fail_next("chat.postMessage", status=429, retry_after=1)
    assert runner.deliver(event, pace=ONCE)
    assert runner.replies(event) == pieces(answer)


def _interim(runner: ChatRunner) -> list[Json]:
    """The calls that showed a draft."""
    calls = [*runner.slack.calls("chat.postMessage"), *runner.slack.calls("chat.update")]
    return [call for call in calls if call["blocks"][0]["text"].endswith("…")]


def _without_identity(call: Json) -> Json:
    return {name: call[name] for name in call if name not in {"thread_ts", "metadata"}}
