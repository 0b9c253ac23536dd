"""The commands of ./scripts/flows."""

import argparse
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from infra.cli.usage import commands
from infra.cli.usage.bench import add_bench, add_bench_evidence, add_bench_review
from infra.cli.usage.learn import add_learn
from infra.cli.usage.shadows import add_compare, add_rerun
from infra.project import ROOT
from infra.terminal import Arguments

#: What adds the options of command NAME, the module in infra/cli whose `run_NAME` runs it, and what
#: it does.
COMMANDS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], str, str]] = {
    "new": (commands.add_new, "new", "write a flow, its test and its blocks in template.yaml"),
    "send": (commands.add_send, "deliveries", "replay a saved delivery, signed"),
    "deliveries": (
        commands.add_deliveries,
        "deliveries",
        "list what GitHub delivered to the App, and what failed",
    ),
    "runs": (commands.add_runs, "runs", "list the newest runs"),
    "run": (commands.add_run, "runs", "show the steps of a run as a tree"),
    "rerun": (
        add_rerun,
        "rerun",
        "live a run once more without effects, with one step changed",
    ),
    "compare": (
        add_compare,
        "compare",
        "say what a change would have done to recorded runs; promote, reject or neither",
    ),
    "why": (commands.add_why, "why", "say why it did something, or did not"),
    "timers": (commands.add_timers, "timers", "list what is set for later"),
    "workspaces": (
        commands.add_workspaces,
        "workspaces",
        "list where the Slack app is installed, and the rights that it lacks there",
    ),
    "budget": (commands.add_budget, "budgets", "list what models cost today, and the ceilings"),
    "dead-letters": (
        commands.add_dead_letters,
        "dead_letters",
        "list what was given up, with its cause",
    ),
    "redrive": (commands.add_redrive, "dead_letters", "start again what was given up"),
    "migrate": (commands.add_migrate, "schema", "bring the database to the current schema"),
    "ingest": (commands.add_ingest, "ingest", "take documents into memory"),
    "memory": (
        commands.add_memory,
        "memory",
        "export, explain, forget and audit memories; undo changes",
    ),
    "learn": (
        add_learn,
        "learn",
        "show what choices earn; try, promote and roll back policies",
    ),
    "reference": (
        commands.add_reference,
        "reference",
        "write the tables of docs/flows.md from the code",
    ),
    "certify": (
        commands.add_certify,
        "certify",
        "kill a flow everywhere; say what is lost or doubled",
    ),
    "bench": (add_bench, "bench", "run a prompt over a huge input"),
    "bench review": (
        add_bench_review,
        "bench_review",
        "score reviews on pull requests whose faults are known",
    ),
    "bench evidence": (
        add_bench_evidence,
        "bench_evidence",
        "measure if it is told rightly that a claim follows from its passage",
    ),
}


def in_commands(arguments: Sequence[str]) -> list[str]:
    """Join the words of a command that has two, which argparse takes for one."""
    for at, pair in enumerate(pairwise(arguments)):
        if " ".join(pair) in COMMANDS:
            return [*arguments[:at], " ".join(pair), *arguments[at + 2 :]]
    return [*arguments]


def flows_parser() -> argparse.ArgumentParser:
    parser = Arguments(
        prog="./scripts/flows",
        description=(
            "Write and certify flows, look at runs and budgets, try changes on recorded runs,"
            " control the memory, ingest documents, learn from feedback, run the test bench,"
            " replay deliveries, redrive dead letters, migrate."
        ),
        epilog="Without settings it talks to the system that ./scripts/dev runs.",
    )
    parser.add_argument(
        "--data", type=Path, default=ROOT / ".data", help="of ./scripts/dev (.data)"
    )
    below = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, (add, _, about) in COMMANDS.items():
        add(below.add_parser(name, help=about))
    return parser
