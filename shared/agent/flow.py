"""@flow: an author declares a flow. shared.runtime carries it out."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from shared.actions import Permission, Query
from shared.actions.policy import Policy, ReadingPolicy
from shared.agent.agent import Agent
from shared.agent.event_types import mistake_in
from shared.errors import SettingsError
from shared.events import Event

Function = Callable[[Event, Agent], None]


@dataclass(frozen=True)
class Flow:
    """A declared flow: the event types that wake it, the actions that it may take, its function.

    `reads` are its queries to platforms on which it takes no action: its credentials there can only
    read. A flow ignores events that bots cause unless `bots` is set, so that two bots cannot talk
    for ever. It alone recalls its memories, except those of the kinds that it `shares`. A flow with
    `plans` (see shared.planning.declaration) also carries them out, state by state. An `operator`
    signs in to the database with a login that may work for all tenants at once. Runs of a flow that
    is not `stoppable` go on when a person stops what happens in their conversation.
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
    stoppable: bool = True

    def __call__(self, event: Event, agent: Agent) -> None:
        self.function(event, agent)

    def policy(self, event: Event, *, acts: bool = True) -> Policy:
        """Return the bounds of one run, which may only read unless it `acts`: only plans reach from
        a channel, or from the API, into the repository that belongs to it."""
        reaches = self.plans is not None and event.repository
        beyond = {f"github:{event.repository}"} if reaches else set()
        if not acts:
            return ReadingPolicy(event.scope, beyond)
        return Policy(self.may, event.scope, beyond)


def flow(
    *types: str,
    may: Sequence[Permission] = (),
    bots: bool = False,
    shares: Collection[str] = (),
    reads: Sequence[type[Query]] = (),
    plans: Any = None,
    operator: bool = False,
    stoppable: bool = True,
) -> Callable[[Function], Flow]:
    """Make a function a flow that runs once for each event of `types`; see Flow for the rest.

    Raises SettingsError at import for a type that does not exist, for it would never come.
    """
    if not types:
        raise SettingsError("@flow() names no event type; expected such as 'github.issues.opened'")
    for name in types:
        if mistake := mistake_in(name):
            raise SettingsError(
                f"@flow: {mistake} If the platform has it since lately, add it to the table in"
                " shared/agent/event_types.py"
            )

    def declare(function: Function) -> Flow:
        return Flow(
            name=function.__name__,
            types=types,
            may=tuple(may),
            bots=bots,
            shares=frozenset(shares),
            function=function,
            reads=tuple(reads),
            plans=plans,
            operator=operator,
            stoppable=stoppable,
        )

    return declare


def load_flow(name: str) -> Flow:
    """Import `flows.<file>:<function>`; raises SettingsError when there is no such flow."""
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
