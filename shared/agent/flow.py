"""@flow: what an author declares about a flow; what carries it out is in worker.py."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from shared.actions import Permission, Query
from shared.actions.policy import Policy
from shared.agent.agent import Agent
from shared.errors import SettingsError
from shared.events import Event

Function = Callable[[Event, Agent], None]

_TYPE = re.compile(r"[a-z]+(\.[a-z_]+)+")


@dataclass(frozen=True)
class Flow:
    """What wakes a flow (`types`), what it may do (`may`), and the function that does it.

    What it asks a platform on which it does nothing stands in `reads`; its credentials there can do
    nothing but read.

    A flow ignores what bots cause unless `bots` is set, so that two bots cannot talk for ever. What
    it remembers it alone recalls, unless the memory is of a kind that it `shares`. A flow with
    `plans` also carries them out, state by state.
    """

    name: str
    types: tuple[str, ...]
    may: tuple[Permission, ...]
    bots: bool
    shares: frozenset[str]
    function: Function
    reads: tuple[type[Query], ...] = ()
    plans: Any = None

    def __call__(self, event: Event, agent: Agent) -> None:
        self.function(event, agent)

    def policy(self, event: Event) -> Policy:
        """Return what bounds one run for `event`: only plans reach from a channel, or from the API,
        into the repository that belongs to it."""
        reaches = self.plans is not None and event.repository
        beyond = {f"github:{event.repository}"} if reaches else set()
        return Policy(self.may, event.scope, beyond)


def flow(
    *types: str,
    may: Sequence[Permission] = (),
    bots: bool = False,
    shares: Collection[str] = (),
    reads: Sequence[type[Query]] = (),
    plans: Any = None,
) -> Callable[[Function], Flow]:
    """Make a function a flow: it runs once for each event of `types`, may do what `may` names and
    ask what `reads` names.

    Raises SettingsError for a type that cannot exist, at import, so that a spelling mistake never
    waits for an event that will not come.
    """
    for name in types:
        if not _TYPE.fullmatch(name):
            raise SettingsError(
                f"@flow({name!r}) is no event type; expected such as 'github.issues.opened'"
            )
    if not types:
        raise SettingsError("@flow() names no event type; expected such as 'github.issues.opened'")

    def declare(function: Function) -> Flow:
        kinds = frozenset(shares)
        return Flow(
            function.__name__, types, tuple(may), bots, kinds, function, tuple(reads), plans
        )

    return declare


def load_flow(name: str) -> Flow:
    """Import `flows.<file>:<function>`; raises SettingsError when there is no such flow."""
    module, _, attribute = name.partition(":")
    try:
        found = (
            getattr(import_module(module), attribute, None) if module.startswith("flows.") else None
        )
    except ModuleNotFoundError as err:
        if err.name != module:
            raise
        found = None
    if not isinstance(found, Flow):
        raise SettingsError(
            f"FLOW={name!r} names no flow;"
            " expected 'flows.<file>:<function>' with @flow on the function"
        )
    return found
