"""A stop at each boundary of an answer: what starts after its acknowledgement is no more than the
call that was on its way, and what tells of the end."""

import re
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from flows.control import control
from infra.certify.killing import KillableDatabase, KillableModels, KillSwitch, killable_client
from infra.local.sandbox.slack.workspace import DM, SUPPORT
from shared.actions.slack.adapter import SlackAdapter
from shared.events import Event
from shared.journal import Journal
from shared.runtime.composition import handler_of
from shared.settings import Settings
from tests.actions.slack.chat_runner import ChatRunner, Context, batch, capabilities
from tests.campaigns import size
from tests.flows.plain_chat import chat
from tests.models.scripted_server import Says
from tests.stopping.test_in_slack import button

ANSWER = "We deploy on Tuesdays, and Ada has the key."
#: What shows or ends the standing of a run, and what only reads.
TELLS = re.compile(
    r"assistant\.threads\.setStatus|agents\.sessions\.setStatus|conversations\.replies|auth\.test"
)
#: What ends a reply that was growing.
ENDS = {"chat.update", "chat.stopStream"}


class StopSwitch(KillSwitch):
    """Stops the run at boundary number `at`, and keeps what starts afterwards."""

    def __init__(self, at: int, stop: Callable[[], None]) -> None:
        super().__init__()
        self._at = at
        self._stop = stop
        self.later: list[str] | None = None

    def boundary(self, label: str = "") -> None:
        super().boundary(label)
        if self.later is not None:
            self.later += [label.removeprefix("before ")] if label.startswith("before ") else []
        elif len(self.boundaries) == self._at:
            self.later = []
            self._stop()


@pytest.fixture
def runner(database_url: str) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        yield runner


def delivered(runner: ChatRunner, event: Event, switch: StopSwitch) -> None:
    slack = Settings(slack_bot_token=runner.slack.bot_token, slack_api_url=runner.servers.slack)
    adapter = SlackAdapter(slack, client=killable_client(switch))
    with KillableDatabase(runner.database_url, switch) as database:
        can = capabilities(database, runner.servers)
        models = KillableModels(can.settings, switch)
        killable = can._replace(models=models, adapter=lambda wanted: adapter)
        handler_of(chat, Journal(database), killable)(batch(event), Context())


@pytest.mark.parametrize("place", [DM, SUPPORT])
def test_nothing_starts_after_the_acknowledgement(runner: ChatRunner, place: str) -> None:
    stopped = 0
    for at in range(3, 400, size(1, 4)):
        ask = runner.asked_directly if place == DM else runner.asked
        event = ask(f"Question {at}?")._replace(received_at=1.0)
        runner.model.script.clear()
        runner.model.says(Says(ANSWER))
        stop = button(event.thread.ts, place)
        switch = StopSwitch(at, partial(_obeyed, runner, stop))
        delivered(runner, event, switch)
        if switch.later is None:
            break
        outside = [one for one in switch.later if re.match(r"(the model|[a-z]+\.)", one)]
        if outside and not TELLS.match(outside[0]):
            del outside[0]  # it was on its way
        started = [one for one in outside if not TELLS.match(one)]
        assert len(started) <= 1 and {*started} <= ENDS, f"stopped at {at}: {outside}"
        assert not runner.is_growing(event), f"stopped at {at}"
        said = [text for text in runner.said(event) if not text.startswith("⏹ Stopping")]
        if ANSWER not in said:
            stopped += 1
            assert all(text.endswith("⏹ Stopped by U0ALICE.") for text in said), f"{at}: {said}"
        assert runner.slack.session(place, event.thread.ts) in {"", "active"}, f"stopped at {at}"
    assert stopped > 3


def _obeyed(runner: ChatRunner, stop: Event) -> None:
    assert runner.deliver(stop, control)
