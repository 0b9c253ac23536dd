"""Recorded Slack requests that were answered with nothing, or never: forwards, files, and mentions
of a message that had come already."""

import json
from pathlib import Path

import pytest

from flows.chat import chat
from shared.actions.slack.actions import Reply
from shared.events import Event
from shared.perception import slack
from shared.testing import FlowRunner
from tests.memory.control.table_text import table_text

CASES = Path(__file__).parents[1] / "events" / "cases"


def events(case: str) -> list[Event]:
    (file,) = CASES.glob(f"{case}-*.json")
    bodies = json.loads(file.read_text("utf-8"))["events"]
    return [slack.to_event(json.dumps(body).encode(), {}, {}, 1.0) for body in bodies]


def test_what_is_forwarded_or_attached_reaches_the_model(runner: FlowRunner) -> None:
    runner.deliver(chat, *events("19"))
    assert len([act for act in runner.platform.done if isinstance(act, Reply)]) == 3
    asked = table_text(runner.database, "steps", tenant="slack:T0HOME")
    for text in ("please restart shop-api", "what is this about?", "[file: crash.log, 1.2 kB]"):
        assert text in asked


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 3, 2), (3, 2, 1, 0, 3, 2, 1, 0)])
def test_a_mention_is_answered_once_in_whatever_order(
    runner: FlowRunner, order: tuple[int, ...]
) -> None:
    case = events("20")
    for number in order:
        assert runner.deliver(chat, case[number]) == []
    threads = [act.thread.ts for act in runner.platform.done if isinstance(act, Reply)]
    assert sorted(threads) == ["1795900010.000100", "1795900011.000100"]
