"""Effects: one action, one visible effect, whatever fails and whenever."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.actions import Action, Mark, Query, Receipt
from shared.actions.effects import Effects
from shared.actions.github.actions import AddLabels, Comment
from shared.actions.policy import Places, Policy
from shared.database import Database
from shared.errors import (
    ActionRejected,
    ActionUnavailable,
    EffectUnknown,
    PolicyError,
    ReplayError,
)
from shared.events import Event, Issue
from shared.journal import Journal, Run
from tests.events.made import an_event

ISSUE = Issue("acme/shop", 7)


@dataclass
class World:
    """A platform in memory: what was done, and what goes wrong next."""

    done: list[tuple[str, Action]] = field(default_factory=list)
    trouble: list[Callable[[], Exception | None]] = field(default_factory=list)
    blind: bool = False
    previous: list[Receipt | None] = field(default_factory=list)

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        self.previous.append(previous)
        if self.trouble and (error := self.trouble.pop(0)()):
            if getattr(error, "sent", False):
                self.done.append((mark.key, action))
            raise error
        self.done.append((mark.key, action))
        return Receipt(f"c{len(self.done)}")

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        if self.blind:
            raise EffectUnknown("github: the comments of acme/shop#7 cannot be read")
        keys = [key for key, _ in self.done]
        return Receipt(f"c{keys.index(mark.key) + 1}") if mark.key in keys else None

    def read(self, query: Query) -> Any:
        raise AssertionError


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


@pytest.fixture
def world() -> World:
    return World()


def run_of(database: Database, event: Event | None = None, lease: float = 0) -> Run:
    run = Journal(database).claim(event or an_event(), "triage", lease)
    assert run is not None
    return run


def effects(run: Run, world: World, remaining: float = 60) -> Effects:
    return Effects(run, lambda action: world, lambda: remaining)


def test_an_effect_done_is_not_done_again(database: Database, world: World) -> None:
    comment = Comment(ISSUE, "hello")
    first = effects(run_of(database), world).perform(comment)
    second = effects(run_of(database), world).perform(comment)
    assert first == second == Receipt("c1")
    assert len(world.done) == 1


def test_a_crash_after_the_call_is_looked_up(database: Database, world: World) -> None:
    class DiesAfter(World):
        def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
            super().perform(action, mark, previous)
            raise Killed

    dying = DiesAfter(done=world.done)
    with pytest.raises(Killed):
        effects(run_of(database), dying).perform(Comment(ISSUE, "hello"))
    assert effects(run_of(database), world).perform(Comment(ISSUE, "hello")) == Receipt("c1")
    assert len(world.done) == 1


def test_a_crash_before_the_call_is_made_good(database: Database, world: World) -> None:
    def die() -> Exception | None:
        raise Killed

    world.trouble.append(die)
    with pytest.raises(Killed):
        effects(run_of(database), world).perform(Comment(ISSUE, "hello"))
    effects(run_of(database), world).perform(Comment(ISSUE, "hello"))
    assert len(world.done) == 1


def test_what_cannot_be_looked_up_waits_for_a_person(database: Database, world: World) -> None:
    world.trouble.append(lambda: ActionUnavailable("github: reset", sent=True))
    world.blind = True
    with pytest.raises(EffectUnknown):
        effects(run_of(database), world).perform(Comment(ISSUE, "hello"))
    with pytest.raises(EffectUnknown):
        effects(run_of(database), world).perform(Comment(ISSUE, "hello"))
    assert len(world.done) == 1


def test_a_doubtful_call_is_looked_up_before_it_is_sent_again(
    database: Database, world: World
) -> None:
    world.trouble.append(lambda: ActionUnavailable("github: reset", 0, sent=True))
    receipt = effects(run_of(database), world).perform(Comment(ISSUE, "hello"))
    assert receipt == Receipt("c1")
    assert len(world.done) == 1


def test_a_rate_limit_is_waited_for(database: Database, world: World) -> None:
    world.trouble += [lambda: ActionUnavailable("github: slow down", 0, sent=False)] * 3
    effects(run_of(database), world).perform(Comment(ISSUE, "hello"))
    assert len(world.done) == 1
    assert len(world.previous) == 4


def test_a_wait_longer_than_the_function_lives_goes_back_to_the_queue(
    database: Database, world: World
) -> None:
    world.trouble.append(lambda: ActionUnavailable("github: slow down", 3600, sent=False))
    with pytest.raises(ActionUnavailable):
        effects(run_of(database), world).perform(Comment(ISSUE, "hello"))
    effects(run_of(database), world).perform(Comment(ISSUE, "hello"))
    assert len(world.done) == 1


@pytest.mark.parametrize("asked", [5.0, 30.0, 3600.0])
def test_a_long_pause_is_not_waited_for_in_the_function(
    database: Database, world: World, asked: float
) -> None:
    """A function has minutes left, and others need it."""
    world.trouble.append(lambda: ActionUnavailable("github: slow down", asked, sent=False))
    started = time.monotonic()
    with pytest.raises(ActionUnavailable):
        effects(run_of(database), world, remaining=900).perform(Comment(ISSUE, "hello"))
    assert time.monotonic() - started < asked
    assert effects(run_of(database), world).perform(Comment(ISSUE, "hello")) == Receipt("c1")


def test_a_platform_that_asks_for_no_pause_is_not_asked_for_ever(
    database: Database, world: World
) -> None:
    world.trouble += [lambda: ActionUnavailable("github: again", 0, sent=False)] * 900
    with pytest.raises(ActionUnavailable):
        effects(run_of(database), world, remaining=900).perform(Comment(ISSUE, "hello"))
    assert len(world.trouble) == 900 - 6


def test_a_refusal_is_remembered(database: Database, world: World) -> None:
    world.trouble.append(lambda: ActionRejected("github: issue acme/shop#7 is locked"))
    for _ in range(2):
        with pytest.raises(ActionRejected, match="locked"):
            effects(run_of(database), world).perform(Comment(ISSUE, "hello"))
    assert len(world.previous) == 1


def test_a_retry_that_wants_something_else_is_an_error(database: Database, world: World) -> None:
    effects(run_of(database), world).perform(Comment(ISSUE, "it is 10:01"))
    with pytest.raises(ReplayError, match="depend on its event and its recorded steps"):
        effects(run_of(database), world).perform(Comment(ISSUE, "it is 10:02"))
    assert len(world.done) == 1


def test_two_comments_in_one_run_are_two_effects(database: Database, world: World) -> None:
    for _ in range(2):
        both = effects(run_of(database), world)
        both.perform(Comment(ISSUE, "one"))
        both.perform(Comment(ISSUE, "two"))
    assert [action for _, action in world.done] == [Comment(ISSUE, "one"), Comment(ISSUE, "two")]


def test_another_event_is_told_what_the_flow_made_before(database: Database, world: World) -> None:
    effects(run_of(database), world).perform(Comment(ISSUE, "first", sticky=True))
    again = run_of(database, an_event(id="github:d2"))
    effects(again, world).perform(Comment(ISSUE, "second", sticky=True))
    assert world.previous == [None, Receipt("c1")]


def test_an_idempotent_effect_is_done_again_without_a_look(
    database: Database, world: World
) -> None:
    world.blind = True
    labels = AddLabels(ISSUE, ("bug",))
    effects(run_of(database), world).perform(labels)
    effects(run_of(database), world).perform(labels)
    assert [action for _, action in world.done] == [labels, labels]


def test_an_action_outside_of_the_policy_is_refused() -> None:
    policy = Policy([AddLabels.at_most(3), Comment.at_most(1)], Places("github:acme/shop"))
    policy.spend(AddLabels(ISSUE, ("bug", "ui")))
    with pytest.raises(PolicyError, match="3 times in a run; this is 4"):
        policy.spend(AddLabels(ISSUE, ("a", "b")))
    policy.spend(AddLabels(ISSUE, ("a",)))
    policy.spend(Comment(ISSUE, "x"))
    with pytest.raises(PolicyError):
        policy.spend(Comment(ISSUE, "y"))
    elsewhere = Comment(Issue("globex/bank", 1), "x")
    with pytest.raises(PolicyError, match="names github:globex/bank"):
        Policy([Comment.at_most(1)], Places("github:acme/shop")).spend(elsewhere)
    with pytest.raises(PolicyError, match="Comment is not in the flow's may"):
        Policy([], Places("github:acme/shop")).spend(Comment(ISSUE, "x"))
