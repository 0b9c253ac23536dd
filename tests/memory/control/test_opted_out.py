"""Who said `forget me` is not remembered again, on whatever path, until they say `remember`."""

from collections.abc import Callable, Iterator

import pytest

from flows.chat import chat
from flows.memory import memory
from infra.local.sandbox.slack.workspace import ALICE, BOB, DM
from shared.memory import Entry
from shared.memory.embedding.hashing import HashingEmbedder
from shared.memory.store import MemoryStore
from tests.actions.slack.chat_runner import ChatRunner
from tests.hearing.spoken import MENTION, says
from tests.models.scripted_server import Says

SECRET = "My cat is called Ulysses"


@pytest.fixture
def runner(database_url: str) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        yield runner


def _orders(runner: ChatRunner, command: str, text: str, user: str = ALICE) -> None:
    event = says(runner, f"{MENTION} {command} {text}", user=user)
    order = event._replace(type=f"slack.command.{command}", text=text)
    assert runner.deliver(order, memory)


def _mentions(runner: ChatRunner, user: str) -> None:
    assert runner.deliver(says(runner, f"{MENTION} {SECRET}. What do we know?", user=user), chat)


def _writes_directly(runner: ChatRunner, user: str) -> None:
    assert runner.deliver(says(runner, f"{SECRET}. What do we know?", DM, user=user), chat)


def _is_quoted_by_upkeep(runner: ChatRunner, user: str) -> None:
    said = says(runner, "Hello", user=user)
    tenant, name = said.tenant, said.actor.name
    entry = Entry(SECRET, "fact", "cat", "team:T0SANDBOX", source="slack:T0SANDBOX:C1", author=name)
    store = MemoryStore(runner.database, HashingEmbedder())
    runner.database.run(tenant, store.supersede(tenant, [entry]))
    runner.database.run(tenant, store.remember_all(tenant, [entry]))


def _held(runner: ChatRunner) -> str:
    tables = ("memories", "turns", "conversation_summaries")
    found = [runner.recorded(f"select text from {table}") for table in tables]
    return str(found)


SLACK = [_mentions, _writes_directly, _is_quoted_by_upkeep]


@pytest.mark.parametrize("said", SLACK, ids=lambda one: one.__name__)
def test_nothing_is_kept_of_who_said_forget_me(
    runner: ChatRunner, said: Callable[[ChatRunner, str], None]
) -> None:
    runner.model.says(Says("Ulysses is a fine name."))
    _orders(runner, "forget", "me")
    said(runner, ALICE)
    assert "Ulysses" not in _held(runner)
    _orders(runner, "remember", "we deploy on Tuesdays")
    said(runner, ALICE)
    assert "Ulysses" in _held(runner)


@pytest.mark.parametrize("said", SLACK, ids=lambda one: one.__name__)
def test_others_are_remembered_as_before(
    runner: ChatRunner, said: Callable[[ChatRunner, str], None]
) -> None:
    _orders(runner, "forget", "me", user=BOB)
    said(runner, ALICE)
    assert "Ulysses" in _held(runner)
