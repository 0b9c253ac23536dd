"""./scripts/flows bench evidence: measures how well it is told if a claim follows from its
passage, and if an answer without a source is only talk."""

import argparse
import sys

from infra.bench.evidence.follows import (
    OWN,
    TALK,
    Rate,
    follows_by_words,
    judged_by,
    measured,
    read_pairs,
    states_by_form,
)
from infra.cli.system import KnownSystem
from infra.cli.table import lines, show_json
from infra.project import from_caller
from shared.errors import AgentFlowsError

_FAILED, _USAGE = 1, 2


def run_bench_evidence(known: KnownSystem, options: argparse.Namespace) -> int:
    """Measure the words' decision and that of each model, print the table, return the exit code."""
    try:
        pairs = read_pairs(from_caller(options.set) if options.set else OWN)
        found = {"by words": measured(pairs, follows_by_words)}
        for name in options.model or ["small"]:
            found[name] = measured(pairs, judged_by(known.settings, name))
        talk = measured(read_pairs(TALK), states_by_form)
    except AgentFlowsError as err:
        print(f"error: {err}", file=sys.stderr)
        return _USAGE if not err.retryable else _FAILED
    if options.json:
        shown = {name: _as_json(rate) for name, rate in found.items()}
        show_json(shown | {"small talk": _as_json(talk)})
    else:
        print("\n".join([*_table(found), "", *_talk(talk)]))
    return 0


def _as_json(rate: Rate) -> dict[str, float | int | None]:
    return {**rate._asdict(), "precision": rate.precision, "recall": rate.recall}


def _table(found: dict[str, Rate]) -> list[str]:
    rates = found.values()
    rows = [
        ("pairs", *(str(sum(rate)) for rate in rates)),
        ("said to follow, rightly", *(str(rate.right_yes) for rate in rates)),
        ("said to follow, wrongly", *(str(rate.wrong_yes) for rate in rates)),
        ("precision", *(_percent(rate.precision) for rate in rates)),
        ("recall", *(_percent(rate.recall) for rate in rates)),
    ]
    return [*lines([("", *found), *rows])]


def _talk(rate: Rate) -> list[str]:
    """Show how often an answer without a source that states something was taken for talk."""
    rows = [
        ("answers without a source", "by form"),
        ("state something, and are held back", str(rate.right_yes)),
        ("state something, and are shown", str(rate.wrong_no)),
        ("only talk, and are shown", str(rate.right_no)),
        ("only talk, and are held back", str(rate.wrong_yes)),
    ]
    return [*lines(rows)]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
