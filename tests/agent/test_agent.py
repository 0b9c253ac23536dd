"""The agent's calls that the shipped flows do not all use: tools, map, policy, notices."""

import threading
from collections.abc import Iterator
from typing import Literal

import pytest

from flows.background.retention import retention
from shared.actions.github.actions import Comment, NamedComment
from shared.actions.slack.actions import Reply
from shared.agent import Agent
from shared.agent.flow import flow, load_flow
from shared.agent.tools import tool
from shared.database import Database
from shared.errors import ActionUnavailable, SettingsError
from shared.events import Event, Issue
from shared.testing import FlowRunner
from tests.events.made import an_event
from tests.flows.test_chat import replies, said
from tests.models.scripted_server import Says, ScriptedServer


@pytest.fixture
def model() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def scripted(database_url: str, model: ScriptedServer) -> Iterator[FlowRunner]:
    """A bench whose models are the scripted server."""
    name = f"{model.url}/v1#scripted"
    with Database(database_url, patience=5) as database:
        yield FlowRunner(database, model_small=name, model_large=name)


looked_up: list[str] = []


@tool
def weather(city: str, unit: Literal["C", "F"] = "C") -> str:
    """Tell the weather of a city."""
    looked_up.append(city)
    return f"20 {unit} in {city}"


@flow("slack.app_mention", may=[Reply.at_most(1)])
def forecast(event: Event, agent: Agent) -> None:
    agent.act(Reply(event.thread, agent.converse("Answer.", tools=[weather])))


def test_a_model_calls_a_tool_and_answers_with_its_result(
    scripted: FlowRunner, model: ScriptedServer
) -> None:
    looked_up.clear()
    model.says(Says("", calls=(("weather", '{"city": "Oslo"}'),)), Says("20 C."))
    assert scripted.deliver(forecast, said("Oslo?")) == []
    assert replies(scripted) == ["20 C."]
    assert looked_up == ["Oslo"]
    results = [m for m in model.seen[-1].body["messages"] if m["role"] == "tool"]
    assert "20 C in Oslo" in results[0]["content"]


def test_a_retry_calls_no_tool_and_no_model_again(
    scripted: FlowRunner, model: ScriptedServer
) -> None:
    looked_up.clear()
    model.says(Says("", calls=(("weather", '{"city": "Oslo"}'),)), Says("20 C."))
    scripted.platform.fails[1] = ActionUnavailable("slack: down", 3600, sent=False)
    question = said("Oslo?")
    assert scripted.deliver(forecast, question) == [question.id]
    assert scripted.deliver(forecast, question, receives=2) == []
    assert (replies(scripted), looked_up, len(model.seen)) == (["20 C."], ["Oslo"], 2)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("weather", '{"city": "Oslo", "unit": "K"}'), "cannot take these arguments"),
        (("weather", "{}"), "cannot take these arguments"),
        (("delete_repo", "{}"), "there is no tool delete_repo; there are: weather"),
    ],
)
def test_a_wrong_call_is_told_to_the_model(
    scripted: FlowRunner, model: ScriptedServer, call: tuple[str, str], told: str
) -> None:
    looked_up.clear()
    model.says(Says("", calls=(call,)), Says("I cannot."))
    scripted.deliver(forecast, said("Oslo?"))
    assert told in str(model.seen[-1].body["messages"])
    assert (replies(scripted), looked_up) == (["I cannot."], [])


def test_a_tool_without_docstring_or_types_is_refused() -> None:
    def untold(city: str) -> str:
        return city

    def untyped(city):  # type: ignore[no-untyped-def]
        """Tell."""

    with pytest.raises(SettingsError, match="untold has no docstring"):
        tool(untold)
    with pytest.raises(SettingsError, match="untyped has no type for city"):
        tool(untyped)


meeting = threading.Barrier(3, timeout=10)


@flow("github.issues.opened", may=[Comment.at_most(3)])
def crowd(event: Event, agent: Agent) -> None:
    def one(number: int) -> int:
        meeting.wait()
        agent.act(Comment(event.issue, f"comment {number}"))
        return number

    assert agent.map(one, [1, 2, 3], workers=3) == [1, 2, 3]


def test_a_map_works_at_once_and_keeps_order(runner: FlowRunner) -> None:
    assert runner.deliver(crowd, an_event()) == []
    said = {action.body for action in runner.platform.done if isinstance(action, Comment)}
    assert said == {"comment 1", "comment 2", "comment 3"}


def test_when_one_of_a_map_fails_only_that_one_is_done_again(runner: FlowRunner) -> None:
    runner.platform.fails[2] = ActionUnavailable("github: down", 3600, sent=False)
    event = an_event()
    assert runner.deliver(crowd, event) == [event.id]
    assert len(runner.platform.done) == 2
    assert runner.deliver(crowd, event, receives=2) == []
    assert len(runner.platform.done) == 3


@flow("github.issues.opened", may=[Comment.at_most(1)])
def stray(event: Event, agent: Agent) -> None:
    agent.act(Comment(Issue("globex/bank", 1), "found you"))


def test_a_flow_that_leaves_its_place_is_stopped_and_says_so(runner: FlowRunner) -> None:
    assert runner.deliver(stray, an_event()) == []
    [notice] = runner.platform.done
    assert isinstance(notice, NamedComment)
    assert notice.issue == Issue("acme/shop", 7)
    assert "not allowed to do" in notice.text


@flow("github.issues.opened", may=[Comment.at_most(1)])
def broken(event: Event, agent: Agent) -> None:
    raise RuntimeError(event.text)


def test_an_unknown_error_is_told_once_and_never_quoted(
    runner: FlowRunner, capsys: pytest.CaptureFixture[str]
) -> None:
    event = an_event(text="the customer's secret")
    assert runner.deliver(broken, event) == [event.id]
    assert runner.platform.done == []
    for _ in range(2):
        assert runner.deliver(broken, event) == []
    [notice] = runner.platform.done
    assert isinstance(notice, NamedComment)
    assert "Something went wrong on my side. Run `" in notice.text
    assert "secret" not in capsys.readouterr().out


def test_the_nightly_schedule_expires_what_is_old(operator: Database) -> None:
    nightly = an_event(id="nightly", type="schedule.nightly", source="schedule", issue_target=None)
    assert FlowRunner(operator).deliver(retention, nightly) == []


def test_a_misspelt_flow_or_type_is_a_clear_error() -> None:
    with pytest.raises(SettingsError, match=r"FLOW='flows.chat:chatt' names no flow"):
        load_flow("flows.chat:chatt")
    with pytest.raises(SettingsError, match="names no flow"):
        load_flow("flows.nowhere:chat")
    with pytest.raises(SettingsError, match="no event type"):
        flow("Issues Opened")
    with pytest.raises(SettingsError, match="no event type"):
        flow()
