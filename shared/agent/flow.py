"""@flow: an author declares a flow. shared.runtime carries it out."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, Self

from shared.actions import Permission, Query, Reading
from shared.actions.asking import AskChannel, AskRepositories, AskRepository
from shared.actions.places import resolved, to_spread
from shared.actions.policy import Places, Policy, ReadingPolicy
from shared.agent.agent import Agent
from shared.agent.event_types import mistake_in
from shared.errors import SettingsError
from shared.events import Event
from shared.frozen import frozen

Function = Callable[[Event, Agent], None]


@frozen
class Flow:
    """A declared flow: the event types that wake it, the actions that it may take, its function.

    `reads` are its queries to platforms on which it takes no action: its credentials there can only
    read; `readings` are those of them that name places. A flow ignores events that bots cause
    unless `bots` is set, so that two bots cannot talk for ever. It alone recalls its memories,
    except those of the kinds that it `shares`. A flow with `plans` (see
    shared.planning.declaration) also carries them out, state by state. An `operator` signs in to
    the database with a login that may work for all tenants at once. Runs of a flow that is not
    `stoppable`, or not for its event, go on when a person stops what happens in their conversation,
    and begin where people paused the agent. With `settings`, the
    desk of a team's settings, a team may turn the flow off, or have it only say what it would do.
    `rewards` are what its choices are for: functions of what came of a run. A flow that `reaches`
    may act and read in the repositories that are connected with a channel and its workspace, as
    those with plans may.
    """

    name: str
    types: tuple[str, ...]
    may: tuple[Permission, ...]
    bots: bool
    shares: frozenset[str]
    function: Function
    reads: tuple[type[Query], ...] = ()
    plans: Any = None
    operator: bool = False
    stoppable: bool | Callable[[Event], bool] = True
    readings: tuple[Reading, ...] = ()
    settings: Any = None
    reaches: bool = False
    rewards: tuple[Any, ...] = ()

    def __call__(self, event: Event, agent: Agent) -> None:
        self.function(event, agent)

    def policy(self, event: Event, *, acts: bool = True, connected: Collection[str] = ()) -> Policy:
        """Return the bounds of one run, which may only read unless it `acts`: not every flow
        reaches from a channel, or from the API, into the repository that belongs to it, and into
        those that are `connected` with its workspace."""
        reaches = self.reaches or self.plans is not None
        named = {event.repository, *connected} - {""} if reaches else set()
        beyond = {f"github:{one}" for one in named}
        where = Places(event.scope, beyond, *_spread_over(event))
        readings = [*self.readings, *(self._asked_of_places() if self.spreads(event) else ())]
        if not acts:
            return ReadingPolicy(where, readings)
        return Policy(self.may, where, readings, self.types)

    def stops(self, event: Event) -> bool:
        """Is the run for this event one that people may stop?"""
        return self.stoppable if isinstance(self.stoppable, bool) else self.stoppable(event)

    def placed(self, given: Sequence[str]) -> Self:
        """Return the flow with the places that PLACES gives it, as scopes."""
        may = [
            one._replace(places=one.places and resolved(one.places, one.action.connector, given))
            for one in self.may
        ]
        readings = [
            one._replace(places=resolved(one.places, one.query.connector, given))
            for one in self.readings
        ]
        return replace(self, may=tuple(may), readings=tuple(readings))

    @property
    def _named(self) -> set[str]:
        """The places that `on` names in it, on all platforms."""
        of_actions = [place for one in self.may for place in one.places or ()]
        return {*of_actions, *(place for one in self.readings for place in one.places)}

    @property
    def places(self) -> list[str]:
        """The scopes that a schedule spreads over, an event for each."""
        return to_spread(self._named)

    @property
    def is_spread(self) -> bool:
        """Does a schedule of it become an event for each place that it names?"""
        return bool(self._named) and any(one.startswith("schedule.") for one in self.types)

    def spreads(self, event: Event) -> bool:
        """Is the event a tick of a schedule, which becomes one for each place?"""
        return event.source == "schedule" and not event.scope and bool(self._named)

    def _asked_of_places(self) -> Iterator[Reading]:
        """Allow what a spread asks of the places that the flow names."""
        places = frozenset(self.places)
        for query in (AskRepository, AskRepositories, AskChannel):
            yield Reading(query, places)


def _spread_over(event: Event) -> tuple[Collection[str], bool]:
    """Return the other names of the place that a schedule spread over, and if there is one."""
    if event.source != "schedule" or not event.scope:
        return (), False
    return {str(event.payload["place"]), f"slack:{event.scope.rpartition(':')[2]}"}, True


def flow(
    *types: str,
    may: Sequence[Permission] = (),
    bots: bool = False,
    shares: Collection[str] = (),
    reads: Sequence[type[Query] | Reading] = (),
    plans: Any = None,
    operator: bool = False,
    stoppable: bool | Callable[[Event], bool] = True,
    settings: Any = None,
    reaches: bool = False,
    rewards: Sequence[Any] = (),
) -> Callable[[Function], Flow]:
    """Make a function a flow that runs once for each event of `types`; see Flow for the rest.

    Raises SettingsError at import for a type that does not exist, for it would never come.
    """
    _check(types)
    reads = (*reads, *(settings.READS if settings else ()))
    may = (*may, *_signs(types, may))

    def declare(function: Function) -> Flow:
        return Flow(
            name=function.__name__,
            types=types,
            may=may,
            bots=bots,
            shares=frozenset(shares),
            function=function,
            reads=tuple(one.query if isinstance(one, Reading) else one for one in reads),
            plans=plans,
            operator=operator,
            stoppable=stoppable,
            readings=tuple(one for one in reads if isinstance(one, Reading)),
            settings=settings,
            reaches=reaches,
            rewards=tuple(rewards),
        )

    return declare


def _signs(types: Sequence[str], may: Sequence[Permission]) -> Iterator[Permission]:
    """Yield what the platforms on which a flow acts show of its commands, as far as it does not
    say that itself."""
    named = {one.action for one in may}
    for module in sorted({one.action.connector.partition(":")[0] for one in may}):
        signs = getattr(import_module(module), "signs", None)
        yield from (one for one in (signs(types) if signs else ()) if one.action not in named)


def _check(types: Sequence[str]) -> None:
    if not types:
        raise SettingsError("@flow() names no event type; expected such as 'github.issues.opened'")
    for name in types:
        if mistake := mistake_in(name):
            raise SettingsError(
                f"@flow: {mistake} If the platform has it since lately, add it to the table in"
                " shared/agent/event_types.py"
            )


def load_flow(name: str) -> Flow:
    """Import `flows.<file>:<function>`, or from a folder there; raises SettingsError when there is
    no such flow."""
    module, _, attribute = name.partition(":")
    found = None
    try:
        if module.startswith("flows."):
            found = getattr(import_module(module), attribute, None)
    except ModuleNotFoundError as err:
        if err.name != module:
            raise
    if not isinstance(found, Flow):
        raise SettingsError(
            f"FLOW={name!r} names no flow;"
            " expected 'flows.<file>:<function>' with @flow on the function"
        )
    return found
