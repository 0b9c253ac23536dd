"""Several messages in a row: none is lost, and they get one reply."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.local.sandbox.slack.workspace import ALICE, BOB, BOT_USER, DM, STRANGER, SUPPORT
from shared.events import Event
from tests.actions.slack.chat_runner import ChatRunner, visible
from tests.campaigns import sample
from tests.crash.test_streaming import KilledProcesses
from tests.hearing.spoken import MENTION, asked_of, says, states
from tests.models.scripted_server import Fails, Says


@pytest.fixture
def runner(database_url: str) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        yield runner


def bot_says(runner: ChatRunner, channel: str) -> list[str]:
    said = [m["text"] for m in runner.slack.messages(channel) if m["user"] == BOT_USER]
    return [visible(text) for text in said]


def in_a_row(runner: ChatRunner, place: str, *texts: str, user: str = ALICE) -> list[Event]:
    """What one person says in a thread that begins with a mention, or in a direct message."""
    if place == "direct message":
        return [says(runner, text, DM, user) for text in texts]
    first = says(runner, f"{MENTION} {texts[0]}", user=user)
    return [
        first,
        *(says(runner, text, user=user, thread=first.message.ts) for text in texts[1:]),
    ]


@pytest.mark.parametrize("place", ["thread", "direct message"])
def test_they_are_answered_together(runner: ChatRunner, place: str) -> None:
    events = in_a_row(runner, place, "One thing.", "Two things?", "Three <@U0BOB> &amp; more")
    assert len({event.group for event in events}) == 1
    runner.model.says(Says("All three."))
    for event in [*events, *events]:
        assert runner.deliver(event)
    assert bot_says(runner, events[0].message.channel) == ["All three."]
    for text in ("One thing.", "Two things?", "& more"):
        assert asked_of(runner).count(text) == 1
    assert len(runner.model.seen) == 1
    (first, _), *later = states(runner)
    (run,) = runner.recorded("select id from runs where state = 'done'")
    assert first == "done"
    assert later == [("superseded", f"Taken together with run {run[0]}.")] * 2
    turns = runner.recorded("select role, text, event_id from turns order by seq")
    said = [event.text for event in events]
    assert [text for _, text, _ in turns] == [*said, "All three."]
    assert [id_ for role, _, id_ in turns if role == "user"] == [event.id for event in events]


def test_what_comes_while_the_model_answers_is_answered_by_its_own_run(runner: ChatRunner) -> None:
    first = says(runner, f"{MENTION} One?")
    runner.model.says(Says("One."), Says("Two and three."))
    assert runner.deliver(first)
    row = [says(runner, text, thread=first.message.ts) for text in ("Two?", "Three?")]
    for event in row:
        assert runner.deliver(event)
    assert bot_says(runner, SUPPORT) == ["One.", "Two and three."]
    assert "Three?" in asked_of(runner)
    assert [state for state, _ in states(runner)] == ["done", "done", "superseded"]


@pytest.mark.parametrize("receives", [1, 20])
def test_twenty_deliveries_of_each_make_one_reply(runner: ChatRunner, receives: int) -> None:
    events = in_a_row(runner, "thread", "One?", "Two?")
    with ThreadPoolExecutor(5) as pool:  # a queue may bring a record again while it is at work
        first = [pool.submit(runner.deliver, events[0]) for _ in range(receives)]
    assert any(one.result() for one in first)
    for event in events * 2:
        assert runner.deliver(event)
    assert len(bot_says(runner, SUPPORT)) == 1


@pytest.mark.parametrize(
    "other",
    [
        "/forget the login bug",
        f"{MENTION} /forget the login bug",
        f"{MENTION} stop",
        "stop",
        "please stop it now",
        f"{MENTION} plan the release",
    ],
)
def test_a_command_is_not_swallowed(runner: ChatRunner, other: str) -> None:
    first = says(runner, f"{MENTION} One?")
    command = says(runner, other, thread=first.message.ts)
    last = says(runner, "And two?", thread=first.message.ts)
    runner.model.says(Says("One."), Says("Two."))
    is_command = command.type not in {"slack.message.channels", "slack.app_mention"}
    assert is_command or other.startswith("/")  # without a mention a slash is text in a channel
    assert runner.deliver(first)
    seen = asked_of(runner)
    assert (other in seen) != is_command
    if is_command:
        assert runner.deliver(last)
        assert bot_says(runner, SUPPORT) == ["One.", "Two."]


def test_each_person_is_answered_in_their_own_name(runner: ChatRunner) -> None:
    first = says(runner, f"{MENTION} Alice one?")
    root = first.message.ts
    row = [
        says(runner, "Alice two?", thread=root),
        says(runner, "Bob one?", user=BOB, thread=root),
        says(runner, "Bob two?", user=BOB, thread=root),
        says(runner, "Sam one?", user=STRANGER, thread=root),
        says(runner, "Alice three?", thread=root),
    ]
    answers = ["To Alice.", "To Bob.", "To Sam.", "To Alice again."]
    runner.model.says(*map(Says, answers))
    for event in [first, *row]:
        assert runner.deliver(event)
    assert bot_says(runner, SUPPORT) == answers
    asked = [asked_of(runner, number) for number in range(4)]
    for number, texts in enumerate(
        (("Alice one", "Alice two"), ("Bob one", "Bob two"), ("Sam one",), ("Alice three",))
    ):
        assert all(text in asked[number] for text in texts)


def test_twenty_people_in_twenty_threads_at_once(runner: ChatRunner) -> None:
    rows = [in_a_row(runner, "thread", f"{n} one?", f"{n} two?", f"{n} three?") for n in range(20)]

    def deliver(row: list[Event]) -> bool:
        return all([runner.deliver(event) for event in row])

    with ThreadPoolExecutor(10) as pool:
        assert all(pool.map(deliver, rows))
    for row in rows:
        assert len(runner.replies(row[0])) == 1
    assert len(runner.model.seen) == 20


def test_when_slack_tells_nothing_each_message_is_answered(runner: ChatRunner) -> None:
    events = in_a_row(runner, "thread", "One?", "Two?")
    runner.slack.fail_next("conversations.replies", "missing_scope", times=2)
    for event in events:
        assert runner.deliver(event)
    assert len(bot_says(runner, SUPPORT)) == 2


def test_what_was_answered_before_is_not_answered_again(runner: ChatRunner) -> None:
    """A run that was given up comes back by hand, long after the others."""
    events = in_a_row(runner, "direct message", "One?", "Two?", "Three?")
    for event in (events[1], events[0]):
        assert runner.deliver(event)
    assert len(runner.model.seen) == 2
    assert "Two?" in asked_of(runner, 0)
    assert "Three?" in asked_of(runner, 0)
    assert "One?" in asked_of(runner)
    assert "Two?" not in asked_of(runner)


def test_when_the_answer_fails_the_later_ones_get_theirs(runner: ChatRunner) -> None:
    events = in_a_row(runner, "thread", "One?", "Two?")
    runner.model.says(Fails(400, message="no"), Fails(400, message="no"))
    assert runner.deliver(events[0])
    runner.model.script.clear()
    runner.model.says(Says("Two."))
    says_engaged = runner.recorded("select state from runs")
    assert says_engaged == [("failed",)]
    assert runner.deliver(says(runner, f"{MENTION} Three?", thread=events[0].message.ts))
    assert bot_says(runner, SUPPORT)[-1] == "Two."


def test_a_crash_anywhere_leaves_one_reply(runner: ChatRunner) -> None:
    with KilledProcesses(runner) as processes:
        for number in sample([*range(1, 40)], 6):
            first, second = in_a_row(runner, "thread", f"One {number}?", f"Two {number}?")
            end = processes.deliver(first, number)
            for receives in range(2, 6):
                if end == "done":
                    break
                end = processes.deliver(first, receives=receives)
            assert processes.deliver(second) == "done"
            assert len(runner.replies(first)) == 1, number
            runs = runner.recorded("select count(*) from runs where state = 'superseded'")
        assert runs[0][0] >= 6
