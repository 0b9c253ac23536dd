"""./scripts/flows bench review: scores reviews on pull requests whose faults are known."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from functools import cache

from infra.bench.reviews.cases import OWN, Case, read_cases, read_rows
from infra.bench.reviews.conducting import ReviewBench
from infra.bench.reviews.golden import golden_cases, is_golden
from infra.bench.reviews.judging import judge_of
from infra.bench.reviews.scores import Reviewed, Scores, score
from infra.cli.system import KnownSystem
from infra.cli.table import cost, lines, show_json
from infra.project import from_caller
from shared.errors import SettingsError
from shared.events import Json
from shared.models.roles import Roles

_USAGE = 2


def run_bench_review(known: KnownSystem, options: argparse.Namespace) -> int:
    """Review each case with each model, print the table, and return the exit code."""
    try:
        cases = _cases(options)
        roles, found, before = Roles(known.settings), {}, {}
        same = cache(judge_of(known.settings, options.judge))
        for name in options.model or ["small"]:
            bench = ReviewBench(cases, known.settings, ",".join(roles.chain(name).names))
            reviewed = bench.conduct()
            found[name] = (reviewed, score(reviewed, bench.cost, same))
            unscored = [one._replace(posted=one.unscored) for one in reviewed]
            before[name] = score(unscored, None, same)
    except SettingsError as err:
        print(f"error: {err}", file=sys.stderr)
        return _USAGE
    if options.json:
        show_json({name: _as_json(*one, before[name]) for name, one in found.items()})
    else:
        print("\n".join(_table({name: scores for name, (_, scores) in found.items()}, before)))
        _tell_failures(one for reviewed, _ in found.values() for one in reviewed)
    return int(any(scores.failed for _, scores in found.values()))


def _cases(options: argparse.Namespace) -> Sequence[Case]:
    path = from_caller(options.set) if options.set else OWN
    clones = from_caller(options.clones) if options.clones else None
    is_public = path.is_dir() or is_golden(read_rows(path))
    cases = [*(golden_cases(path, clones) if is_public else read_cases(path))]
    chosen = [case for case in cases if options.only in ("", case.id)]
    if not chosen:
        raise SettingsError(f"no case has the id {options.only}, which --only names")
    return chosen


def _table(found: dict[str, Scores], before: dict[str, Scores]) -> Sequence[str]:
    rows = [(name, *(shown(scores) for scores in found.values())) for name, shown in _MEASURES]
    for name in ("precision", "recall"):
        shares = (_percent(getattr(scores, name)) for scores in before.values())
        rows.append((f"{name} without scores", *shares))
    return [*lines([("", *found), *rows])]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}"


_MEASURES: tuple[tuple[str, Callable[[Scores], str]], ...] = (
    ("pull requests", lambda own: str(own.cases)),
    ("not reviewed", lambda own: str(own.failed)),
    ("findings", lambda own: str(own.posted)),
    ("true", lambda own: str(own.true)),
    ("false", lambda own: str(own.false)),
    ("precision", lambda own: _percent(own.precision)),
    ("recall", lambda own: _percent(own.recall)),
    ("F1", lambda own: _percent(own.f1)),
    ("faults told", lambda own: _of(own.told, own.labels)),
    ("of those a rule can see", lambda own: _of(*own.by_rule)),
    ("fine, yet with findings", lambda own: _of(own.disturbed, own.clean)),
    ("findings per PR", lambda own: "-" if own.per_case is None else f"{own.per_case:.2f}"),
    ("cost per PR", lambda own: cost(own.cost_per_case)),
)


def _tell_failures(reviewed: Iterable[Reviewed]) -> None:
    for one in reviewed:
        if one.failed:
            print(f"{one.case.id} was not reviewed: {one.failed}", file=sys.stderr)


def _as_json(reviewed: Sequence[Reviewed], scores: Scores, before: Scores) -> Json:
    shares = {name: getattr(scores, name) for name in ("precision", "recall", "f1")}
    found = [
        {"id": one.case.id, "failed": one.failed, "posted": [asdict(f) for f in one.posted]}
        for one in reviewed
    ]
    unscored = {name: getattr(before, name) for name in shares}
    more = {"cost_per_case": scores.cost_per_case, "without_scores": unscored, "cases": found}
    return {**scores._asdict(), **shares, **more}
