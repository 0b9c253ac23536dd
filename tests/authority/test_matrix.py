"""Who may give which command where: each person, each command of the table, each place, with an App
and with a token. Nothing that an event says of its author counts."""

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from shared.actions.authority import Authority, RecentAnswers
from shared.agent import flow
from shared.desk import Loan, Services
from shared.errors import NotPermitted
from shared.events import Event
from shared.journal import Outcome
from shared.perception.commands import COMMANDS, event_types
from shared.runtime.lifecycle import Ending
from shared.runtime.own_voice import OwnVoice
from shared.runtime.patience import Patience
from shared.runtime.worker import Worker
from shared.settings import Settings
from shared.testing import LambdaContext, QueueInMemory
from tests.authority.people import (
    CHANNELS,
    IN_SLACK,
    ON_GITHUB,
    PLACES,
    WAYS,
    World,
    in_slack,
    on_github,
    over_the_api,
    world,
)

#: Every command, and whether it needs write permission. Someone who adds one must decide.
NEEDS_WRITING = {
    "help": False,
    "remember": False,  # of which rules need it: see MemoryDesk
    "forget": False,  # of which what others said needs it
    "know": False,
    "why": False,
    "gaps": False,
    "learnings": False,
    "link": False,
    "unlink": False,
    "export": True,
    "plan": True,
    "approve": True,
    "reject": True,
    "change": True,
    "cancel": True,
    "undo": False,  # of what others asked for needs it: see UndoDesk
    "review": True,
    "config": False,
    "settings": False,
    "describe": True,
    "improve": True,
    "why-red": True,
    "triage": True,
    "pause": True,
    "resume": True,
    "issue": True,
    "label": True,
    "comment": True,
    "remind": False,  # of which those for others need it: see Proposals
    "reminders": False,
    "summarize": False,
}
GIVEN: list[str] = []


@flow(*event_types(*COMMANDS), *(f"api.command.{name}" for name in COMMANDS))
def obeys(event: Event, agent: Any) -> None:
    GIVEN.append(event.id)


class Recorded:
    """A run without a database."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self.flow, self.id = "obeys", "r1"
        self.steps: list[str] = []

    def step(self, name: str, input: object, work: Callable[[], Outcome], **_: object) -> Any:
        self.steps.append(name)
        return work().output


class Life:
    """A lifecycle that asks the platforms and keeps nothing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.recent = RecentAnswers()
        self.refused = 0
        self.event: Event | None = None

    def attempt(self, event: Event, remaining: object, work: Any, **_: object) -> Ending:
        run: Any = Recorded(event)
        authority = Authority(run, self._world.adapter, self.recent)
        run.event = self.event = authority.placed()
        loan = Loan(
            run,
            Services({Settings: Settings}),
            lambda: 1.0,
            lambda query: None,
            authority.may_write,
        )
        agent: Any = type(
            "Agent", (), {"event": run.event, "desk": lambda _, kind: kind.lend(loan)}
        )
        try:
            work(agent())
        except NotPermitted:
            self.refused += 1
        return Ending("done")


class Door:
    """Tells if a person's command reaches the flow, by the real worker."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.life = Life(world)
        nothing: Any = None  # no journal: a command is never one of our recorded effects
        own_voice = OwnVoice(nothing, Settings())
        life, patience = cast("Any", self.life), Patience.of(Settings())
        self._worker = Worker(
            obeys, life, own_voice, patience=patience, queue=QueueInMemory(), bucket=""
        )

    def opens(self, event: Event) -> bool:
        GIVEN.clear()
        record = {"messageId": "1", "body": event.to_json(), "attributes": {}}
        assert self._worker({"Records": [record]}, LambdaContext()) == {"batchItemFailures": []}
        return event.id in GIVEN


@pytest.fixture(scope="module", params=["app", "token"])
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    with world(request.param) as made:
        yield Door(made)


def test_every_command_was_decided_on() -> None:
    assert {name: command.writers for name, command in COMMANDS.items()} == NEEDS_WRITING


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("login", ON_GITHUB)
def test_on_github(door: Door, login: str, place: str) -> None:
    _, writes = ON_GITHUB[login]
    for command, needed in NEEDS_WRITING.items():
        event = on_github(door.world, login, place, command)
        assert event.type == f"github.command.{command}"
        may = (writes or not needed) and not event.actor.is_bot
        assert door.opens(event) is may, command


@pytest.mark.parametrize("way", WAYS[:2])
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("user", IN_SLACK)
def test_in_slack(door: Door, user: str, channel: str, way: str) -> None:
    writes = IN_SLACK[user] and CHANNELS[channel]
    for command, needed in NEEDS_WRITING.items():
        event = in_slack(door.world, user, channel, way, command)
        assert event.type == f"slack.command.{command}"
        may = (writes or not needed) and not event.actor.is_bot
        assert door.opens(event) is may, command


@pytest.mark.parametrize("role", ["owner", "member", "collaborator", "contributor", "none"])
def test_over_the_api(door: Door, role: str) -> None:
    for command, needed in NEEDS_WRITING.items():
        may = role in {"owner", "member", "collaborator"} or not needed
        assert door.opens(over_the_api(role, command)) is may, command


def test_nobody_is_asked_about_a_command_that_needs_no_right(door: Door) -> None:
    before = len(door.world.hub.exchanges())
    assert door.opens(on_github(door.world, "new-here", "issue", "know"))
    assert len(door.world.hub.exchanges()) == before


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("way", WAYS)
def test_the_audience_is_shared_until_slack_says_otherwise(
    door: Door, channel: str, way: str
) -> None:
    """What the ingress does not know, the worker asks before anything is recalled or answered."""
    event = in_slack(door.world, next(iter(IN_SLACK)), channel, way, "know")
    told = way == "mention"
    assert told or event.audience == f"shared:{channel}"
    if way == "click":  # which is no command, and no flow here takes it
        door.life.attempt(event, None, lambda agent: None)
    else:
        assert door.opens(event)
    assert door.life.event
    kind = door.life.event.audience.partition(":")[0]
    own = "dm" if channel.startswith("D") else "team" if told else "channel"
    # An event does not tell of an invitation, nor of a channel that the bot cannot see.
    shared = not CHANNELS[channel] and (not told or channel == "C0PARTNERS")
    assert kind == ("shared" if shared else own)
