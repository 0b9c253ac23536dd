"""The flow memory on the real worker, journal and memory: what is answered, to whom, and once."""

from typing import Any

from flows.memory import memory
from shared.actions.slack import Reply
from shared.events import Actor
from tests.flows.bench import Bench
from tests.flows.test_chat import said

ADA = Actor("U1", "U1", role="member")
EVE = Actor("U9", "U9", role="none")


def told(bench: Bench, name: str, text: str = "", ts: str = "1.1", **changes: Any) -> str:
    """Give a command in Slack and return the answer to it."""
    event = said(text, f"command.{name}", ts)._replace(actor=ADA, url="https://slack.com/x")
    before = len(bench.platform.done)
    assert bench.deliver(memory, event._replace(**changes)) == []
    [reply] = bench.platform.done[before:]
    assert isinstance(reply, Reply)
    return reply.text


def test_what_is_remembered_is_listed_explained_and_forgotten(bench: Bench) -> None:
    assert told(bench, "remember", "we deploy on Tuesdays", "1.1") == "I keep it as a fact."
    listed = told(bench, "know", "deploy", "1.2")
    assert "I know 1 thing about that." in listed
    assert "we deploy on Tuesdays (U1, " in listed
    assert "[source](https://slack.com/x)" in listed
    id_ = listed.split("`")[1]
    assert "Never recalled yet." in told(bench, "why", id_, "1.3")
    assert told(bench, "forget", "deploy tuesdays", "1.4").startswith("Forgotten: 1 memories")
    assert (
        told(bench, "know", "deploy", "1.5") == "I know nothing about that that may be shown here."
    )
