"""./scripts/flows learn: what choices earn, and the policies that choose."""

import argparse
import getpass
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from infra.cli.memory import tenant_of
from infra.cli.system import KnownSystem, database_url
from infra.cli.table import Columns, show, show_json
from infra.project import flow_modules
from shared.agent.flow import Flow
from shared.database import Database, Row
from shared.errors import SettingsError
from shared.learning.choices.examples import Example, read_examples
from shared.learning.choices.overview import read_overview
from shared.learning.choices.trials import Trials
from shared.learning.choices.tuning import Tuning
from shared.learning.choices.versions import PolicyStore
from shared.learning.evaluation.estimators import RewardBounds
from shared.learning.evaluation.promotion import Evaluation
from shared.learning.rewards import RewardSum

_REPORT: Columns = {
    "flow": lambda row: str(row["flow"]),
    "choice": lambda row: str(row["choice"]),
    "version": lambda row: str(row["version"]),
    "arm": lambda row: str(row["arm"]),
    "chosen": lambda row: str(row["chosen"]),
    "reward": lambda row: str(row["reward"]),
    "regret": lambda row: f"{row['regret']:.1f}",
    "drift": lambda row: f"{row['drift']:+.2f}",
}
_LOG: Columns = {
    "at": lambda row: f"{row['at']:%Y-%m-%d %H:%M}",
    "action": lambda row: str(row["action"]),
    "version": lambda row: f"{row['before'] or '-'} → {row['after'] or '-'}",
    "actor": lambda row: str(row["actor"]),
    "reason": lambda row: str(row["reason"]),
}


class _Asked(NamedTuple):
    """What a command works on."""

    database: Database
    tenant: str
    options: argparse.Namespace
    share: float

    def rewards(self, flow: str) -> RewardSum:
        return RewardSum(_declared(flow).rewards)

    def examples(self, flow: str, choice: str) -> list[Example]:
        until = time.time() - self.options.wait * 3600
        rewards = self.rewards(flow)
        return read_examples(self.database, self.tenant, flow, choice, rewards, until=until)

    @property
    def store(self) -> PolicyStore:
        by, flow = f"operator {getpass.getuser()}", self.options.flow
        rewards = [one.name for one in self.rewards(flow).parts]
        return PolicyStore(
            self.database, self.tenant, flow, self.options.choice, by, rewards=rewards
        )

    @property
    def trials(self) -> Trials:
        flow, choice = self.options.flow, self.options.choice
        rewards = self.rewards(flow)
        bounds, examples = RewardBounds(rewards.low, rewards.high), self.examples(flow, choice)
        return Trials(self.store, bounds, examples, self.share)

    def bounded(self, share: float | None) -> float:
        """Return the share that is wanted; raises SettingsError above EXPLORE_SHARE."""
        if share is not None and share > self.share:
            raise SettingsError(f"EXPLORE_SHARE lets at most {self.share:g} of the runs explore")
        return self.share if share is None else share


def run_learn(known: KnownSystem, options: argparse.Namespace) -> int | None:
    url = database_url(known)
    with Database(url) as database:
        share = float(known.settings.explore_share)
        asked = _Asked(database, tenant_of(url, options.tenant), options, share)
        return _ACTIONS[options.action](asked)


def _declared(name: str) -> Flow:
    """Return the flow of a name; raises SettingsError for one that is not there, or learns
    nothing."""
    for module in flow_modules().values():
        found = getattr(import_module(module), name, None)
        if isinstance(found, Flow):
            if not found.rewards:
                raise SettingsError(f"{name} declares no rewards, so nothing can be learnt of it")
            return found
    raise SettingsError(f"there is no flow {name!r}")


def _report(asked: _Asked) -> None:
    """Show each choice by its arms; as JSON also the versions and changes of its policy."""
    wait = asked.options.wait * 3600
    found = [*read_overview(asked.database, asked.tenant, _rewards_of, wait=wait)]
    if asked.options.json:
        show_json([one.to_json() for one in found])
        return
    rows: list[Row] = [
        {"flow": one.flow, "choice": one.choice, "version": one.state.in_use if one.state else 0}
        | arm._asdict()
        for one in found
        for arm in one.arms
    ]
    none = "no run has chosen anything yet whose time for feedback is over"
    show(rows, _REPORT, asked.options, none)


def _rewards_of(flow: str) -> RewardSum | None:
    try:
        return RewardSum(_declared(flow).rewards)
    except SettingsError:
        return None


def _make(asked: _Asked) -> None:
    given = asked.options
    names = ("floor", "half_life", "alpha", "gamma")
    more = {name: value for name in names if (value := getattr(given, name)) is not None}
    tuning = Tuning(_arms(given.arms), share=asked.bounded(given.share), **more)
    number = asked.trials.make(given.policy, tuning)
    print(f"version {number} is the candidate; `learn explore` lets it choose")


def _arms(text: str) -> tuple[Any, ...]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or any(isinstance(one, list | dict | None) for one in found):
        raise SettingsError(f"--arms {text!r} is no JSON list of words and numbers")
    return tuple(found)


def _explore(asked: _Asked) -> None:
    share = asked.bounded(asked.options.share)
    number = asked.trials.explore(share)
    print(f"version {number} is in use: the candidate chooses in {share:g} of the runs")


def _update(asked: _Asked) -> None:
    made = asked.trials.update()
    print(f"made {', '.join(map(str, made))}" if made else "what is in force learns nothing")


def _evaluate(asked: _Asked) -> None:
    found = asked.trials.evaluate()
    if asked.options.json:
        show_json(found.to_json())
    else:
        _print(found)


def _promote(asked: _Asked) -> int:
    ruling = asked.trials.promote()
    _print(ruling.evaluation)
    print("promoted" if ruling.promoted else "held")
    return 0 if ruling.promoted else 1


def _print(found: Evaluation) -> None:
    print(f"examples   {found.examples}, worth {found.effective:.0f} of its own")
    print(f"in force   {found.in_force}  doubly robust")
    print(f"candidate  {found.dr}  doubly robust")
    print(f"           {found.snips}  SNIPS")
    print(f"           {found.ips}  IPS")
    print(f"gain       {found.gain}")
    for one in found.guardrails:
        print(f"guardrail  {one}")
    print(f"verdict    {found.why_not or 'it may take over'}")


def _hold(asked: _Asked) -> None:
    asked.trials.hold()
    print("the trial is over")


def _rollback(asked: _Asked) -> None:
    print(f"version {asked.trials.roll_back(asked.options.to)} is in force")


def _log(asked: _Asked) -> None:
    show(asked.store.log(), _LOG, asked.options, "nothing has happened to it yet")


def _withdraw(asked: _Asked) -> None:
    place = f"github:{asked.options.repository}"
    print(f"version {asked.trials.withdraw(place)} is in force, without {asked.options.repository}")


def _export(asked: _Asked) -> None:
    found = asked.examples(asked.options.flow, asked.options.choice)
    rows = [_exported(one) for one in found]
    out: Path | None = asked.options.out
    if out and out.suffix == ".parquet":
        _write_parquet(out, rows)
        return
    with _writing(out) as write:
        for row in rows:
            write(json.dumps(row, ensure_ascii=False) + "\n")


def _exported(one: Example) -> Row:
    return {
        "run": one.run,
        "at": one.at,
        "context": dict(one.context),
        "arms": [*one.arms],
        "arm": one.arm,
        "probability": one.probability,
        "chances": [*one.chances],
        "reward": one.reward,
        "cost": one.cost,
        "version": one.version,
    }


@contextmanager
def _writing(out: Path | None) -> Iterator[Callable[[str], Any]]:
    if out is None:
        yield sys.stdout.write
        return
    with out.open("w", encoding="utf-8") as file:
        yield file.write


def _write_parquet(out: Path, rows: Sequence[Row]) -> None:
    """Write columns of plain types: contexts and arms as JSON."""
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ModuleNotFoundError as err:
        raise SettingsError("Parquet needs pyarrow: pip install pyarrow, or take .jsonl") from err
    kinds = (list, dict)
    plain = [
        {
            name: json.dumps(value) if isinstance(value, kinds) else value
            for name, value in row.items()
        }
        | {"arm": json.dumps(row["arm"])}
        for row in rows
    ]
    parquet.write_table(arrow.Table.from_pylist(plain), out)


_ACTIONS: dict[str, Callable[[_Asked], int | None]] = {
    "report": _report,
    "make": _make,
    "explore": _explore,
    "update": _update,
    "evaluate": _evaluate,
    "promote": _promote,
    "hold": _hold,
    "rollback": _rollback,
    "log": _log,
    "withdraw": _withdraw,
    "export": _export,
}
