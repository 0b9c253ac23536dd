"""SIGKILL at every boundary of an answer that streams: one whole message, whatever came before."""

from collections.abc import Iterator, Sequence

import pytest

from infra.certify.process import KillableProcesses
from shared.actions.drafts import Pace
from shared.actions.slack.text import pieces
from shared.events import Event
from tests.actions.slack.chat_runner import AT_ONCE, ONCE, ChatRunner
from tests.campaigns import sample, size
from tests.models.scripted_server import Fails, Says, Turn

FIRST = "Tuesdays, at 10."
SECOND = "Ada knows."
LONG = "今天天气很好。" * 1_400
#: More than any of the answers has.
BOUNDARIES = range(1, 160, size(1, 5))


class KilledProcesses(KillableProcesses):
    """Hands events to processes that die when they are told to."""

    def __init__(self, runner: ChatRunner | None = None) -> None:
        super().__init__("tests.crash.killed_process")
        self.runner = runner

    def deliver(
        self, event: Event, boundary: int = 0, receives: int = 1, pace: Pace = AT_ONCE
    ) -> str:
        assert self.runner
        order = {
            "event": event.to_json(),
            "boundary": boundary,
            "receives": receives,
            "servers": self.runner.servers,
            "database": self.runner.database_url,
            "pace": pace,
        }
        return str(self.do(order)["end"])


@pytest.fixture
def runner(database_url: str) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        yield runner


@pytest.fixture(scope="module")
def killed_processes() -> Iterator[KilledProcesses]:
    with KilledProcesses() as processes:
        yield processes


@pytest.fixture
def processes(runner: ChatRunner, killed_processes: KilledProcesses) -> KilledProcesses:
    killed_processes.runner = runner
    return killed_processes


def answered(
    runner: ChatRunner, number: int, script: Sequence[Turn], *, direct: bool = False
) -> Event:
    """A question of its own words, and what the model will say to it."""
    runner.model.script.clear()
    runner.model.seen.clear()
    runner.model.says(*script)
    ask = runner.asked_directly if direct else runner.asked
    return ask(f"Question {number}?")


def recorded(runner: ChatRunner, event: Event) -> list[str]:
    rows = runner.recorded(
        f"""select s.output ->> 'text' from steps s
            join runs r on (r.tenant, r.id) = (s.tenant, s.run_id)
            where s.name = 'converse' and r.event_id = '{event.id}'"""
    )
    return [text for (text,) in rows]


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize(
    ("script", "pace"), [([Says(FIRST), Says(SECOND)], AT_ONCE), ([Says(LONG), Says(SECOND)], ONCE)]
)
def test_one_whole_message_whenever_it_is_killed(
    runner: ChatRunner,
    processes: KilledProcesses,
    script: Sequence[Turn],
    pace: Pace,
    direct: bool,
) -> None:
    asked_again = drafts_left = 0
    for boundary in BOUNDARIES:
        event = answered(runner, boundary, script, direct=direct)
        end = processes.deliver(event, boundary, pace=pace)
        if end == "done":
            break
        assert end == "killed"
        finished = recorded(runner, event)
        drafts_left += runner.is_growing(event)
        assert processes.deliver(event, receives=2, pace=pace) == "done"
        (answer,) = recorded(runner, event)
        assert runner.said(event) == pieces(answer), f"killed at boundary {boundary}"
        assert not runner.is_growing(event)
        assert len(runner.model.seen) <= (1 if finished else 2), "a finished step was asked again"
        asked_again += len(runner.model.seen) == 2
    assert 25 < boundary < BOUNDARIES[-1], "not every boundary was reached"
    assert asked_again >= size(4, 1)
    assert drafts_left >= size(4, 1)


def test_one_whole_message_though_the_second_attempt_is_killed_too(
    runner: ChatRunner, processes: KilledProcesses
) -> None:
    script = [Says(FIRST), Says(SECOND), Says(FIRST)]
    for boundary in sample(range(8, 36, 2), 4):
        event = answered(runner, boundary, script)
        ends = [processes.deliver(event, 44 - boundary), processes.deliver(event, boundary, 2)]
        if "done" not in ends:
            ends.append(processes.deliver(event, receives=3))
        assert "done" in ends
        (answer,) = recorded(runner, event)
        assert runner.replies(event) == [answer], f"killed at {44 - boundary} and {boundary}"


def test_a_notice_takes_the_place_of_what_the_killed_attempt_left(
    runner: ChatRunner, processes: KilledProcesses
) -> None:
    drafts_left = 0
    for boundary in sample(range(9, 30, 2), 4):
        event = answered(runner, boundary, [Says(FIRST), Fails(401), Fails(401)])
        assert processes.deliver(event, boundary) == "killed"
        drafts_left += any(text.endswith("…") for text in runner.replies(event))
        assert processes.deliver(event, receives=2) == "done"
        (reply,) = runner.replies(event)
        assert reply == FIRST or "The language model could not do it." in reply
    assert drafts_left >= size(4, 1)
