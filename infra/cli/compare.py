"""./scripts/flows compare: what a change would have done to the recorded runs of a flow."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from math import inf
from threading import Lock
from typing import Any, NamedTuple

from infra.cli.memory import tenant_of
from infra.cli.shadows import flow_of, shadowing_of, text_of
from infra.cli.system import KnownSystem, database_url
from infra.cli.table import cost, show_json
from infra.cli.verdicts import Limits, Verdict, judge
from infra.terminal import Colour, paint
from shared.agent.flow import Flow
from shared.database import Database
from shared.errors import AgentFlowsError, SettingsError
from shared.runtime.shadow.changes import StepChange
from shared.runtime.shadow.difference import Difference, compare, lines_of
from shared.runtime.shadow.models import ShadowModels
from shared.runtime.shadow.shadowing import Shadowing, recorded_run, recorded_runs

#: Runs whose actions are shown.
_SHOWN = 5
_EXITS = {"promote": 0, "reject": 1, "inconclusive": 3}
_COLOURS: dict[str, Colour] = {"promote": "green", "reject": "red", "inconclusive": "yellow"}


class Compared(NamedTuple):
    """One recorded run beside its shadow, or why it has none; nothing of it changes unless it is
    `touched`."""

    run: str
    difference: Difference | None
    why_not: str = ""
    touched: bool = True


class _Purse:
    """Counts what shadows cost, until the budget is spent."""

    def __init__(self, dollars: float) -> None:
        self._left = dollars
        self._lock = Lock()

    def is_empty(self) -> bool:
        return self._left <= 0

    def close(self) -> None:
        self.pay(inf)

    def pay(self, dollars: float) -> None:
        with self._lock:
            self._left -= dollars


def run_compare(known: KnownSystem, options: argparse.Namespace) -> int:
    flow, url = flow_of(options.flow), database_url(known)
    change = StepChange(options.model, text_of(options.prompt))
    if change == StepChange():
        raise SettingsError("say what changes: --model NAME or --prompt FILE")
    tenant = tenant_of(url, options.tenant)
    with Database(url) as database:
        ids = recorded_runs(database, tenant, flow.name, hours=options.since, sample=options.sample)
        if not ids:
            raise SettingsError(f"{flow.name} has no run that is done and so new")
        models, purse = ShadowModels(known.settings, database), _Purse(options.budget)
        if change.model is not None:
            models.provider(change.model)  # refuses a name that is none
        trial = _Trial(known, flow, tenant, change, models, purse, options.step)
        compared = trial.compared(ids, options.workers)
    if not any(one.touched for one in compared):
        raise SettingsError(f"none of the runs asks a model{_in_step(options.step)}")
    found = [one.difference for one in compared if one.difference]
    whole = not any(one.why_not for one in compared)
    verdict = judge(found, Limits(options.most_changed, options.most_cost), whole=whole)
    if options.json:
        show_json(_plain(verdict, compared))
    else:
        print("\n".join(_told(flow.name, verdict, compared)))
    return _EXITS[verdict.decision]


class _Trial(NamedTuple):
    """A change, and what its shadows need."""

    known: KnownSystem
    flow: Flow
    tenant: str
    change: StepChange
    models: ShadowModels
    purse: _Purse
    named: str

    def compared(self, ids: Sequence[str], workers: int) -> list[Compared]:
        """Live the shadows of the runs, some at a time, until the budget is spent."""
        shares = [ids[at::workers] for at in range(min(workers, len(ids)))]
        with ThreadPoolExecutor(len(shares)) as pool:
            try:
                return [one for done in pool.map(self._share, shares) for one in done]
            except BaseException:
                self.purse.close()  # no worker begins another shadow
                raise

    def _share(self, ids: Sequence[str]) -> list[Compared]:
        with shadowing_of(self.known, self.flow, self.models) as (shadows, database):
            return [self._one(shadows, database, id) for id in ids]

    def _one(self, shadows: Shadowing, database: Database, id: str) -> Compared:
        if self.purse.is_empty():
            return Compared(id, None, "the budget is spent")
        try:
            run = recorded_run(database, self.tenant, id)
            if not any(row["model"] and self.named in {"", row["name"]} for row in run.steps):
                return Compared(id, None, touched=False)
            shadow = shadows.live(run, change=self.change, named=self.named)
        except AgentFlowsError as err:
            return Compared(id, None, str(err))
        self.purse.pay(sum(row["cost"] or 0.0 for row in shadow.steps))
        if not shadow.changed:
            return Compared(id, None, "its shadow never came by a changed step")
        return Compared(id, compare(run, shadow))


def _in_step(name: str) -> str:
    return f" in a step {name!r}" if name else ""


def _told(flow: str, verdict: Verdict, compared: Sequence[Compared]) -> Iterator[str]:
    otherwise = [one for one in compared if one.difference and one.difference.acts_otherwise]
    for one in islice(otherwise, _SHOWN):
        yield from _example(one)
    if len(otherwise) > _SHOWN:
        yield f"and {len(otherwise) - _SHOWN} more runs that act otherwise; `rerun` shows each"
    low, high = verdict.share
    touched = sum(one.touched for one in compared)
    yield f"\n{flow}: {verdict.runs} of {touched} runs compared"
    if touched < len(compared):
        yield f"untouched       {len(compared) - touched}: they ask no model there"
    yield f"act otherwise   {verdict.changed}  ({low:.1%} to {high:.1%})"
    yield (
        f"end well        only before {verdict.only_before}, only after {verdict.only_after}"
        f"  (p = {verdict.p:.3f})"
    )
    yield f"cost            {cost(verdict.cost[0])} → {cost(verdict.cost[1])}"
    yield f"seconds, median {_arrow(verdict.median_seconds)}; 95 % {_arrow(verdict.p95_seconds)}"
    for why in sorted({one.why_not for one in compared if one.why_not}):
        count = sum(one.why_not == why for one in compared)
        yield f"without shadow  {count}: {why}"
    decision = paint(verdict.decision, _COLOURS[verdict.decision], sys.stdout)
    yield f"{decision}: {verdict.why}"


def _example(one: Compared) -> Iterator[str]:
    assert one.difference
    before, after = one.difference.state
    yield f"run {one.run}" + (f"  {before} → {after}" if before != after else "")
    for act in one.difference.acts:
        for line in lines_of(act):
            yield f"  {line}"


def _arrow(pair: tuple[float, float]) -> str:
    return f"{pair[0]:.2f} → {pair[1]:.2f}"


def _plain(verdict: Verdict, compared: Sequence[Compared]) -> dict[str, Any]:
    changed = [one.run for one in compared if one.difference and one.difference.acts_otherwise]
    left = {one.run: one.why_not for one in compared if one.why_not}
    return verdict._asdict() | {"changed_runs": changed, "without_shadow": left}
