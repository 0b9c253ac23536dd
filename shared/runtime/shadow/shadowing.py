"""Builds the shadow of a recorded run, and lives it."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Self

from shared.actions import Action, Adapter, Query
from shared.actions.places import configured
from shared.actions.platforms import Platforms, within
from shared.agent.flow import Flow
from shared.database import Database, Row, Statement, queries
from shared.database.rolled_back import RolledBack
from shared.errors import SettingsError
from shared.events import Event
from shared.models.routing import Models
from shared.runtime.composition import capabilities
from shared.runtime.lifecycle import Lifecycle
from shared.runtime.shadow.changes import Change, Place, check_fits, find_step
from shared.runtime.shadow.held import Held, HeldAction, held_services, inward
from shared.runtime.shadow.models import ShadowModels
from shared.runtime.shadow.run import ShadowJournal, ShadowRun
from shared.runtime.worker import handle
from shared.settings import Settings

SQL = queries(__file__, "shadowing.sql")

#: Seconds that a shadow may take: as long as the longest function.
_LONGEST = 900.0


class RecordedRun(NamedTuple):
    """A run as the journal has it: its event, and its steps and effects in the order in which they
    began, as rows."""

    tenant: str
    id: str
    flow: str
    state: str
    reason: str
    event: Event
    steps: Sequence[Row]
    effects: Sequence[Row]


class Shadow(NamedTuple):
    """How a shadow ended, the steps that it did anew, as rows, the actions that it held, and
    whether it came by the changed step."""

    state: str
    reason: str
    steps: Sequence[Row]
    actions: Sequence[HeldAction]
    changed: bool
    seconds: float
    error: Exception | None = None


class Shadowing:
    """Lives shadows of the runs of one flow.

    `settings` and `database` are the deployment's: models are paid for and platforms are read, and
    nothing else of what a shadow does stays. `adapters` and `models` take the place of the
    settings'. Use it in a `with`: it has a connection of its own.
    """

    def __init__(
        self,
        flow: Flow,
        settings: Settings,
        database: Database,
        *,
        adapters: Callable[[Action | Query], Adapter] | None = None,
        models: Models | None = None,
    ) -> None:
        self._flow = flow.placed(configured(settings.places).get(flow.name, ()))
        self._settings = settings
        self._database = database
        self._rolled_back = RolledBack.beside(database)
        self._adapters = adapters or Platforms(flow.may, flow.reads, settings, database)
        self._models = models or ShadowModels(settings, database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._rolled_back.close()

    def live(
        self, run: RecordedRun, step: str = "", change: Change | None = None, following: str = ""
    ) -> Shadow:
        """Live a shadow of `run` with `change` at the step that `step` names.

        What comes before the step is replayed. What follows is replayed where it is equal, or done
        `anew`. Raises SettingsError for a step that the run has not, or that cannot change so.
        """
        change = change or Change()
        row = find_step(run.steps, step) if step else None
        if row:
            check_fits(change, row)
        held = Held(within(self._adapters, run.event), {one["key"]: one for one in run.effects})
        shadow = ShadowRun(
            self._rolled_back,
            run.event,
            run.flow,
            records=_records(run, row, following),
            place=Place(row["name"], row["input_hash"], row["occurrence"]) if row else None,
            change=change,
        )
        held.is_effect = shadow.effects.__contains__
        lifecycle = self._lifecycle(shadow, held)
        begun = time.monotonic()

        def remaining() -> float:
            return _LONGEST - (time.monotonic() - begun)

        ending = lifecycle.attempt(run.event, remaining, partial(handle, self._flow))
        state, reason = shadow.ended
        seconds = time.monotonic() - begun
        done = sorted(shadow.recorded, key=lambda one: float(one["started_at"]))
        return Shadow(state, reason, done, held.actions, shadow.changed, seconds, ending.error)

    def _lifecycle(self, shadow: ShadowRun, held: Held) -> Lifecycle:
        settings, database = inward(self._settings), self._rolled_back
        can = capabilities(settings, database, held, held_services(), self._models)
        return Lifecycle(self._flow, ShadowJournal(database, lambda: shadow), can)


def _records(run: RecordedRun, changed: Row | None, following: str) -> list[Row]:
    """Return the records that the shadow replays."""
    if changed is None:
        return [*run.steps]
    begun = changed["started_at"]
    return [
        row
        for row in run.steps
        if row is not changed and (following != "anew" or row["started_at"] <= begun)
    ]


def recorded_run(database: Database, tenant: str, run: str) -> RecordedRun:
    """Read a run of the journal; raises SettingsError when the tenant has none of that id."""
    key: dict[str, Any] = {"tenant": tenant, "run": run}
    names = ("recorded_run", "recorded_steps", "recorded_effects")
    found, steps, effects = database.run(tenant, [Statement(SQL[name], key) for name in names])
    if not found:
        raise SettingsError(f"there is no run {run}")
    head = found[0]
    event = Event.from_json(head["body"])
    return RecordedRun(
        tenant, run, head["flow"], head["state"], head["reason"], event, steps, effects
    )
