"""Keeps what a shadow would do. A platform is only read, and services that start or publish
something are told nothing."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from shared.actions import Action, Adapter, Mark, Query, Receipt
from shared.aws.bus import Bus
from shared.aws.executions import Executions
from shared.aws.looks import Looks
from shared.aws.queue import Queue
from shared.aws.scheduler import Scheduler
from shared.database import Row
from shared.errors import ActionRejected
from shared.events import Json
from shared.settings import Settings


class HeldAction(NamedTuple):
    """An action that was not done: its kind, its target, its content, and the key of the effect
    that it would be."""

    tool: str
    target: str
    arguments: Json
    key: str


class Held:
    """The adapter of all platforms for one shadow: reads as `adapters` do, and holds every action.

    An action that the recorded run did gets the receipt of then, or is refused as then; `recorded`
    has its effects by key.
    """

    def __init__(self, adapters: Callable[[Query], Adapter], recorded: Mapping[str, Row]) -> None:
        self._adapters = adapters
        self._recorded = recorded
        self.actions: list[HeldAction] = []
        #: Tells if the effect of that key is one of the run; all else only shows how it stands.
        self.is_effect: Callable[[str], bool] = lambda key: False

    def __call__(self, wanted: Action | Query) -> Adapter:
        return self

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        if action.passing or not self.is_effect(mark.key):
            return Receipt("")
        tool, target = type(action).__name__, action.target.ref
        self.actions.append(HeldAction(tool, target, action.arguments, mark.key))
        then = self._recorded.get(mark.key)
        if then and then["state"] == "failed":
            raise ActionRejected(then["reason"])
        if then and then["receipt"]:
            return Receipt(**then["receipt"])
        return Receipt(f"held-{len(self.actions)}")

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        return None

    def read(self, query: Query) -> Any:
        return self._adapters(query).read(query)


class _TellsNobody:
    """Stands for a service of AWS: what it is told is dropped."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class _WakesNobody(_TellsNobody):
    """Stands for the state machine: nothing starts, and nobody waits."""

    def succeed(self, *_: object) -> bool:
        return False


#: Services that let something happen outside of the database.
_OUTWARD: tuple[type, ...] = (Bus, Looks, Queue, Scheduler)


def held_services() -> dict[type, Callable[[], Any]]:
    """Return builders of services that tell nobody, by class."""
    return {**dict.fromkeys(_OUTWARD, _TellsNobody), Executions: _WakesNobody}


def inward(settings: Settings) -> Settings:
    """Return the settings without what leads out of the database: no address in AWS, and no secret
    with which tokens are exchanged."""
    return settings._replace(
        topic_arn="",
        planner_arn="",
        timer_role_arn="",
        payload_bucket="",
        batch_bucket="",
        batch_role_arn="",
        token_path="",
        slack_client_secret="",
        map_spill="memory" if settings.map_spill.startswith("s3") else settings.map_spill,
    )
