"""A model that is too slow: what it said is kept, what it cost is recorded, and nobody asks it the
same again in the same time."""

from collections.abc import Iterator

import psycopg
import pytest

from infra.local.sandbox.slack.workspace import SUPPORT
from shared.actions.slack.actions import Reply
from shared.agent import Agent, flow, thinking
from shared.agent.flow import Flow
from shared.agent.thinking import CUT, CUT_LONG
from shared.aws.queue import Queue
from shared.events import Event
from shared.journal import Journal
from shared.runtime.composition import capabilities, handler_of
from shared.settings import Settings
from shared.testing import QueueInMemory
from tests.actions.slack.chat_runner import ChatRunner, batch
from tests.actions.slack.sandbox_thread import connect
from tests.flows.plain_chat import chat
from tests.models.scripted_server import Fails, Hangs, Says, ScriptedServer
from tests.waiting import wait_for

WORDS = "We deploy on Tuesdays at ten and Ada has the key. " * 9
SLOW = Says(WORDS, pause=0.1)
#: Seconds that leave one for the model.
BRIEF = 6.0


@flow("slack.app_mention", may=[Reply.at_most(1)])
def asks(event: Event, agent: Agent) -> None:
    agent.act(Reply(event.thread, str(agent.ask("Is it so?", event, returns=bool))))


class Context:
    """A Lambda context with so many seconds left, and then with so many."""

    def __init__(self, *seconds: float) -> None:
        self._seconds = list(seconds)

    def get_remaining_time_in_millis(self) -> int:
        left = self._seconds.pop(0) if len(self._seconds) > 1 else self._seconds[0]
        return int(left * 1000)


@pytest.fixture
def runner(database_url: str) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        yield runner


def runs(
    it: ChatRunner, event: Event, *seconds: float, of: Flow = chat, models: str = "", **more: str
) -> bool:
    """Let the function of a flow run, and tell whether that was the end of it."""
    name = models or f"{it.model.url}/v1#scripted"
    settings = Settings(footer="off", model_embed="hashing")
    settings = settings._replace(model_small=name, model_large=name, **more)
    adapter = connect(it.slack.api_url)
    can = capabilities(settings, it.database, lambda wanted: adapter, {Queue: QueueInMemory})
    handler = handler_of(of, Journal(it.database), can)
    return not handler(batch(event), Context(*seconds or (BRIEF,)))["batchItemFailures"]


def end_pause(it: ChatRunner) -> None:
    with psycopg.connect(it.database_url) as owner:
        owner.execute("update runs set due_at = now()")


def state(it: ChatRunner, of: str = "chat") -> str:
    [(found,)] = it.recorded(f"select state from runs where flow = '{of}'")
    return str(found)


def test_what_was_streamed_is_kept_and_goes_on_when_told_to(runner: ChatRunner) -> None:
    runner.model.says(SLOW)
    event = runner.asked()
    assert runs(runner, event)
    (answer,) = runner.replies(event)
    said, _, note = answer.partition("\n\n")
    assert note == CUT
    assert 3 < len(said) < len(WORDS)
    assert WORDS.startswith(said)
    assert (state(runner), len(runner.model.seen)) == ("done", 1)
    [(asked, told)] = runner.recorded(
        "select input_tokens, output_tokens from steps where name = 'converse'"
    )
    assert asked > 20
    assert told >= len(said) / 6
    again = event._replace(id=f"{event.id}:2", text="go on")
    assert runs(runner, again, 60.0)
    assert said in str(runner.model.seen[-1].body["messages"])


@pytest.mark.parametrize("turn", [Hangs(), Hangs(b": wait\n\n"), Says("yes", pause=3.0)])
def test_an_answer_without_a_beginning_is_said_to_be_too_slow(
    runner: ChatRunner, turn: Hangs | Says
) -> None:
    runner.model.says(turn)
    event = runner.asked()
    assert runs(runner, event)
    (answer,) = runner.replies(event)
    assert "The language model was too slow" in answer
    assert (state(runner), len(runner.model.seen)) == ("failed", 1)
    [(asked,)] = runner.recorded("select input_tokens from steps where name = 'failed'")
    assert asked > 20
    assert runs(runner, event)  # delivered once more
    assert len(runner.model.seen) == 1


def test_half_of_a_typed_answer_is_no_answer(runner: ChatRunner) -> None:
    runner.model.says(Hangs())
    event = runner.asked()
    assert runs(runner, event, of=asks)
    assert "too slow" in runner.replies(event)[0]
    assert (state(runner, "asks"), len(runner.model.seen)) == ("failed", 1)


def test_a_call_that_came_late_gets_a_whole_attempt(runner: ChatRunner) -> None:
    runner.model.says(Hangs(), Hangs(), Says("true"))
    event = runner.asked()
    late = (60.0, 60.0, BRIEF)  # of the lease, of a whole attempt, of the call
    for _ in range(2):
        assert not runs(runner, event, *late, of=asks)
        assert state(runner, "asks") == "parked"
        end_pause(runner)
    assert runs(runner, event, 60.0, of=asks)
    assert runner.replies(event) == ["True"]
    paid = runner.recorded("select attempt from steps where name = 'failed' order by attempt")
    assert paid == [(1,), (2,)]


def test_the_words_of_the_slow_model_outlive_the_failure_of_the_next(runner: ChatRunner) -> None:
    with ScriptedServer() as other:
        other.says(*[Fails(500)] * 9)
        runner.model.says(SLOW)
        event = runner.asked()
        names = f"{runner.model.url}/v1#slow,{other.url}/v1#broken"
        assert runs(runner, event, BRIEF + 1, models=names)
        assert runner.replies(event)[0].endswith(CUT)
        assert len(runner.model.seen) == 1


def test_the_next_model_answers_for_one_that_is_too_slow(runner: ChatRunner) -> None:
    with ScriptedServer() as other:
        other.says(Says("Tuesdays."))
        runner.model.says(SLOW)
        event = runner.asked()
        names = f"{runner.model.url}/v1#slow,{other.url}/v1#quick"
        prices = f"{runner.model.url}/v1#slow=0/0/0;{other.url}/v1#quick=0/0/0"
        assert runs(runner, event, BRIEF + 1, models=names, model_prices=prices)
        assert runner.replies(event) == ["Tuesdays."]
        [(told, cost)] = runner.recorded(
            "select output_tokens, cost from steps where name = 'converse'"
        )
        assert told > 5  # with those of the slow model
        assert cost == 0


def test_people_are_told_what_is_waited_for(
    runner: ChatRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert thinking.PATIENCE < 9
    monkeypatch.setattr(thinking, "PATIENCE", 0.05)
    runner.model.says(Says("Tuesdays.", pause=0.3))
    event = runner.asked()
    assert runner.deliver(event)
    first, *_, last = runner.shown()
    assert first.startswith("⏳ The language model has not begun to answer.")
    assert last == "Tuesdays."
    assert runner.replies(event) == ["Tuesdays."]
    assert len(runner.slack.thread(SUPPORT, event.thread.ts)) == 2


def test_people_are_told_why_it_is_waited_for(
    runner: ChatRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thinking, "PATIENCE", 0.2)
    runner.model.says(Fails(503, headers={"retry-after": "1"}), Says("Tuesdays."))
    event = runner.asked()
    assert runner.deliver(event)
    first, *_ = runner.shown()
    assert first.startswith("⏳ The language model has too much to do, so I ask again.")
    assert runner.replies(event) == ["Tuesdays."]


def test_an_answer_that_grew_too_long_can_go_on(runner: ChatRunner) -> None:
    runner.model.says(Says(WORDS, finish="length"))
    event = runner.asked()
    assert runner.deliver(event)
    assert runner.replies(event) == [f"{WORDS.strip()}\n\n{CUT_LONG}"]


def test_an_unknown_price_is_shown_as_unknown(runner: ChatRunner) -> None:
    event = runner.asked()
    assert runs(runner, event, 60.0, footer="on")
    assert "cost unknown" in runner.replies(event)[0]
    assert "$" not in runner.replies(event)[0]
    wait_for(lambda: state(runner) == "done")
