"""The options of ./scripts/flows rerun and compare."""

import argparse
import re
from pathlib import Path

from infra.cli.usage.commands import add_json
from infra.terminal import whole

_UNITS = {"h": 1, "d": 24, "w": 168}


def add_rerun(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Live a recorded run once more without effects, with one step changed, and show what"
        " becomes otherwise. The models are paid for; nothing is posted or kept. docs/shadows.md"
        " tells."
    )
    command.add_argument("run", metavar="RUN", help="the run's id, or how it starts")
    command.add_argument(
        "--step", default="", help="the step to change: ask, ask:2, or the start of its key"
    )
    _add_change(command)
    command.add_argument("--input", type=Path, metavar="FILE", help="show the model this text")
    command.add_argument(
        "--output", type=Path, metavar="FILE", help="take this as the result of the step"
    )
    command.add_argument(
        "--anew", action="store_true", help="do every later step anew, also where it is equal"
    )
    command.add_argument(
        "--steps", action="store_true", help="only list the steps that can be changed"
    )
    add_json(command)


def add_compare(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Live the recorded runs of a flow once more without effects, with a change, and say what it"
        " would do otherwise. Exit 0: promote, 1: reject, 3: inconclusive."
    )
    command.add_argument("flow", metavar="FLOW", help="the flow: triage")
    command.add_argument("--tenant", default="", help="needed when there are several")
    command.add_argument(
        "--since", type=_hours, default=720, metavar="30d", help="of the last hours, days or weeks"
    )
    command.add_argument(
        "--sample", type=whole(1, 100_000), default=100, help="how many runs (100)"
    )
    command.add_argument("--step", default="", metavar="NAME", help="only the steps of this name")
    _add_change(command)
    command.add_argument(
        "--budget", type=_dollars, default=1.0, metavar="USD", help="stop when it is spent (1.00)"
    )
    command.add_argument("--workers", type=whole(1, 32), default=4, help="runs at a time (4)")
    command.add_argument(
        "--most-changed",
        type=_share,
        default=0.1,
        metavar="SHARE",
        help="the share of runs that may act otherwise (0.1)",
    )
    command.add_argument(
        "--most-cost",
        type=_dollars,
        default=1.1,
        metavar="RATIO",
        help="what it may cost, times what it costs today (1.1)",
    )
    add_json(command)


def _add_change(command: argparse.ArgumentParser) -> None:
    command.add_argument("--model", metavar="NAME", help="ask this model: a role or a full name")
    command.add_argument("--prompt", type=Path, metavar="FILE", help="give the model these orders")


def _hours(text: str) -> int:
    if not (found := re.fullmatch(r"([1-9][0-9]{0,4})([hdw])", text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no time; expected 12h, 30d or 4w")
    return int(found[1]) * _UNITS[found[2]]


def _dollars(text: str) -> float:
    return _number(text, 1e6)


def _share(text: str) -> float:
    return _number(text, 1.0)


def _number(text: str, most: float) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if 0 <= found <= most:
        return found
    raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to {most:g}")
