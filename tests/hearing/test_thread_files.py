"""A step of a plan reads the files and pictures of its message and of its thread."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from flows.plan import MAY
from infra.local.sandbox.slack.files.serving import Trouble
from infra.local.sandbox.slack.workspace import BOB, BOT_USER, SUPPORT
from shared.agent import Agent
from shared.agent.flow import Flow
from shared.events import Event
from shared.hearing.thread_files import read_files
from tests.actions.slack.chat_runner import ChatRunner
from tests.hearing.made_files import PNG
from tests.hearing.spoken import written
from tests.models.scripted_server import Says

TYPES = ("slack.app_mention", "slack.message.channels", "slack.command.plan")


@pytest.fixture
def runner(database_url: str) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        yield runner


def _read(runner: ChatRunner, event: Event, **settings: Any) -> list[dict[str, Any]]:
    """Return what the tool gives to a plan that the event wants."""
    found: list[dict[str, Any]] = []

    def function(event: Event, agent: Agent) -> None:
        found.extend(read_files.read(agent, {})["items"])

    flow = Flow("probe", TYPES, MAY, False, frozenset(), function)
    assert runner.deliver(event, flow, **settings)
    return found


def _asked(runner: ChatRunner, *files: tuple[str, bytes], thread: str = "") -> Event:
    """Let Alice want a plan in a thread, with files."""
    text = f"<@{BOT_USER}> plan what to do about this"
    ts = runner.slack.attach(SUPPORT, *files, text=text, thread_ts=thread or None)
    return written(runner, SUPPORT, ts)


def test_the_files_of_the_message_and_of_the_thread_are_read(runner: ChatRunner) -> None:
    first = runner.slack.attach(SUPPORT, ("run.log", b"exit 7"), text="It broke", user=BOB)
    runner.slack.say(SUPPORT, "No file here", BOB, first)
    event = _asked(runner, ("orders.csv", b"day,count\nMonday,3\n"), thread=first)
    read = _read(runner, event)
    assert [one["file"] for one in read] == ["file orders.csv", "file run.log"]
    assert [one["author"] for one in read] == ["@U0ALICE", "@U0BOB"]
    assert "Monday" in read[0]["text"] and "exit 7" in read[1]["text"]


def test_a_picture_is_told_by_a_model_that_sees(runner: ChatRunner) -> None:
    runner.model.says(Says('"A red square."'))
    event = _asked(runner, ("red.png", PNG))
    read = _read(runner, event, model_sees="*scripted*")
    assert read[-1]["file"] == "picture red.png" and "A red square." in read[-1]["text"]
    assert b64encode(PNG).decode() in str(runner.model.seen[-1].body)
    kept = str(runner.recorded("select input::text || output::text from steps"))
    assert b64encode(PNG).decode() not in kept


def test_no_model_is_asked_where_none_sees(runner: ChatRunner) -> None:
    read = _read(runner, _asked(runner, ("red.png", PNG)))
    assert "1 image came with this that cannot be shown to you" in read[-1]["text"]
    assert not runner.model.seen


def test_more_than_ten_files_and_lost_ones_are_said(runner: ChatRunner) -> None:
    event = _asked(runner, *((f"{number}.txt", b"words") for number in range(12)))
    runner.slack.trouble_next(*(Trouble(status=404),) * 3)
    read = _read(runner, event)
    assert len(read) == 11 and "2 files more are not read" in read[-1]["text"]
    assert any("words" not in one["text"] for one in read[:10])


def test_a_thread_that_a_slash_command_began_has_no_files(runner: ChatRunner) -> None:
    event = _asked(runner, ("a.txt", b"words"))
    assert _read(runner, event._replace(payload={"command": "/plan"})) == []
