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
from shared.runtime.patience import Patience
from shared.runtime.shadow.changes import StepChange, check_fits, find_step
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
    """How a shadow ended, the steps that it did anew, as rows, the actions that it held, whether it
    came by the changed step, and the keys of the records that it replayed."""

    state: str
    reason: str
    steps: Sequence[Row]
    actions: Sequence[HeldAction]
    changed: bool
    seconds: float
    replayed: frozenset[str]
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
        self,
        run: RecordedRun,
        step: str = "",
        change: StepChange | None = None,
        following: str = "",
        *,
        named: str = "",
    ) -> Shadow:
        """Live a shadow of `run` with `change` at the step that `step` tells, or at each step that
        asks a model, of those `named` so if it is given.

        What comes before the step is replayed. What follows is replayed where it is equal, or done
        `anew`. Raises SettingsError for a step that the run has not, or that cannot change so,
        and for a model that nobody knows.
        """
        wanted = StepChange() if change is None else change
        if wanted.model is not None:
            self._models.provider(wanted.model)  # refuses a name that is none
        changed = _changed(run, step, wanted, named)
        held = Held(within(self._adapters, run.event), {one["key"]: one for one in run.effects})
        shadow = ShadowRun(
            self._rolled_back,
            run.event,
            run.flow,
            records=_records(run, changed, following),
            is_changed=_tell_changed(changed, by_name=not step),
            change=wanted,
        )
        held.is_effect = shadow.effects.__contains__
        return self._lived(run.event, shadow, held)

    def _lived(self, event: Event, shadow: ShadowRun, held: Held) -> Shadow:
        lifecycle = self._lifecycle(shadow, held)
        begun = time.monotonic()

        def remaining() -> float:
            return _LONGEST - (time.monotonic() - begun)

        work, patience = partial(handle, self._flow), Patience.of(self._settings)
        ending = lifecycle.attempt(event, remaining, work, patience=patience)
        return Shadow(
            *shadow.ended,
            steps=sorted(shadow.recorded, key=lambda one: float(one["started_at"])),
            actions=held.actions,
            changed=shadow.changed,
            seconds=time.monotonic() - begun,
            replayed=frozenset(shadow.replayed),
            error=ending.error,
        )

    def _lifecycle(self, shadow: ShadowRun, held: Held) -> Lifecycle:
        settings, database = inward(self._settings), self._rolled_back
        can = capabilities(settings, database, held, held_services(), self._models)
        return Lifecycle(self._flow, ShadowJournal(database, lambda: shadow), can)


def _changed(run: RecordedRun, step: str, change: StepChange, named: str) -> list[Row]:
    """Return the recorded steps that the shadow does otherwise."""
    if not step:
        if change.output is not None:
            raise SettingsError("name the step that has another output")
        asking = [row for row in run.steps if row["model"]] if change.asks_a_model else []
        return [row for row in asking if named in {"", row["name"]}]
    row = find_step(run.steps, step)
    check_fits(change, row)
    return [row]


def _tell_changed(rows: Sequence[Row], *, by_name: bool) -> Callable[[str, str], bool]:
    """Tell by name and key of a step if it changes: one of these, or one of their names."""
    names = {row["name"] for row in rows} if by_name else ()
    keys = {row["key"] for row in rows}
    return lambda name, key: name in names or key in keys


def _records(run: RecordedRun, changed: Sequence[Row], following: str) -> list[Row]:
    """Return the records that the shadow replays."""
    gone = {row["key"] for row in changed}
    begun = min((row["started_at"] for row in changed), default=None)
    if following != "anew" or begun is None:
        return [row for row in run.steps if row["key"] not in gone]
    return [row for row in run.steps if row["key"] not in gone and row["started_at"] <= begun]


def recorded_run(database: Database, tenant: str, run: str) -> RecordedRun:
    """Read a run of the journal; raises SettingsError when the tenant has none of that id, or it
    worked on a plan."""
    key: dict[str, Any] = {"tenant": tenant, "run": run}
    names = ("recorded_run", "recorded_steps", "recorded_effects")
    found, steps, effects = database.run(tenant, [Statement(SQL[name], key) for name in names])
    if not found:
        raise SettingsError(f"there is no run {run}")
    head = found[0]
    if head["of_plan"]:
        raise SettingsError(
            f"run {run} worked on a plan; a shadow lives only what an event caused by itself"
        )
    event = Event.from_json(head["body"])
    return RecordedRun(
        tenant, run, head["flow"], head["state"], head["reason"], event, steps, effects
    )


def recorded_runs(
    database: Database, tenant: str, flow: str, *, hours: int, sample: int
) -> list[str]:
    """Return the ids of runs of a flow that are done, at most `sample`, of the last hours."""
    wanted = {"tenant": tenant, "flow": flow, "hours": hours, "sample": sample}
    [rows] = database.run(tenant, [Statement(SQL["recorded_ids"], wanted)])
    return [row["id"] for row in rows]
