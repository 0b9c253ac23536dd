"""The options of ./scripts/flows learn."""

import argparse
from collections.abc import Callable
from pathlib import Path

from infra.cli.usage.commands import add_json
from infra.terminal import Arguments, whole

_KINDS = ("fixed", "epsilon-greedy", "thompson", "q-learning")


def add_learn(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Show what choices earn, and make, try, promote and roll back the policies that choose."
        " docs/learning.md tells."
    )
    actions = command.add_subparsers(
        required=True, metavar="ACTION", dest="action", parser_class=Arguments
    )

    def action(name: str, about: str, *, named: bool = True) -> argparse.ArgumentParser:
        found = actions.add_parser(name, help=about)
        if named:
            found.add_argument("flow", metavar="FLOW", help="the flow: triage")
            found.add_argument("choice", metavar="CHOICE", help="the name of its choice: model")
        found.add_argument("--tenant", default="", help="needed when there are several")
        found.add_argument(
            "--wait", type=whole(0, 8760), default=24, help="hours for feedback of a run (24)"
        )
        return found

    found = action("report", "what each choice earned, by arm", named=False)
    add_json(found)
    _add_make(action("make", "make a candidate from what is known"))
    found = action("explore", "let the candidate choose in a share of the runs")
    found.add_argument("--share", type=_number(0, 1), help="at most EXPLORE_SHARE (as much)")
    action("update", "learn from what came since; a new version")
    add_json(action("evaluate", "estimate the candidate beside what is in force"))
    action("promote", "let the candidate take over, if it is surely better")
    action("hold", "end the trial of the candidate")
    found = action("rollback", "let the version before take over again")
    found.add_argument("--to", type=whole(1, 1_000_000), help="the number of a version")
    add_json(action("log", "who changed the policy, when, and why"))
    found = action("withdraw", "learn again without a repository")
    found.add_argument("repository", metavar="OWNER/REPO")
    _add_export(action("export", "write each choice with its context, probability and reward"))


def _add_make(command: argparse.ArgumentParser) -> None:
    command.add_argument("--policy", choices=_KINDS, default="thompson", help="(thompson)")
    command.add_argument(
        "--arms", required=True, help="as JSON, the default first: '[5, 3, 8]', '[\"small\"]'"
    )
    numbers = {
        "share": (0.0, 1.0, "of all arms but the best together; at most EXPLORE_SHARE"),
        "floor": (0.0001, 0.5, "least probability of an arm (0.01)"),
        "half-life": (1.0, 1e6, "choices after which an example counts half (100)"),
        "alpha": (0.0001, 1.0, "learning rate of Q-learning (0.2)"),
        "gamma": (0.0, 1.0, "discount of later rewards in Q-learning (0.9)"),
    }
    for name, (low, high, about) in numbers.items():
        command.add_argument(f"--{name}", type=_number(low, high), help=about)


def _add_export(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", type=Path, help="a file; by its name JSONL or Parquet (stdout)")


def _number(low: float, high: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {low:g} to {high:g}")
        return value

    return number
