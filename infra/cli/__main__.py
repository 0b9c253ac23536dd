"""./scripts/flows: runs, budgets, memory, documents, the bench, deliveries, dead letters,
migrations."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg

from infra.cli import bench, ingest, memory
from infra.cli.budgets import list_budgets
from infra.cli.dead_letters import redrive
from infra.cli.deliveries import Saved, repeats, send
from infra.cli.runs import list_runs, show_run
from infra.cli.system import KnownSystem, database_url, find_system
from infra.migrations import migrate
from infra.migrations.logins import given_urls, make_logins
from infra.project import ROOT, from_caller
from shared.errors import AgentFlowsError, SettingsError
from shared.log import logs_on_stderr


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        known = find_system(from_caller(options.data), dict(os.environ))
        with logs_on_stderr():
            return int(options.run(known, options) or 0)
    except AgentFlowsError as err:
        print(f"error: {err}", file=sys.stderr)
    except psycopg.OperationalError:
        print("error: the database does not answer; look at DATABASE_URL", file=sys.stderr)
    except BrokenPipeError:  # `| head` has read enough
        sys.stderr.close()
    return 1


def _send(known: KnownSystem, options: argparse.Namespace) -> int:
    url = options.url or known.url
    if not url:
        raise SettingsError("no front door: start ./scripts/dev, or name one with --url")
    saved = Saved.read(from_caller(options.file), options.event)
    if options.again:
        saved = saved.again()
    with repeats(saved, known.settings) as found:
        status, answer = send(saved, url, known.settings)
        print("\n".join([f"{status} {answer}", *(found(answer) if status == 200 else ())]))
    return 0 if status == 200 else 1


def _runs(known: KnownSystem, options: argparse.Namespace) -> None:
    lines = list_runs(
        database_url(known), flow=options.flow, state=options.state, limit=options.limit
    )
    print("\n".join(lines))


def _run(known: KnownSystem, options: argparse.Namespace) -> None:
    print("\n".join(show_run(database_url(known), options.id, full=options.full)))


def _budget(known: KnownSystem, options: argparse.Namespace) -> None:
    table = list_budgets(database_url(known), known.settings.budgets, days=options.days)
    print("\n".join(table))


def _redrive(known: KnownSystem, options: argparse.Namespace) -> None:
    print(redrive(known, options.queue))


def _migrate(known: KnownSystem, options: argparse.Namespace) -> None:
    applied = migrate(database_url(known))
    print("applied " + ", ".join(applied) if applied else "nothing to apply")
    if logins := make_logins(database_url(known), given_urls(known.settings)):
        print("made the logins " + ", ".join(logins))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./scripts/flows",
        description=(
            "Look at runs and budgets, control the memory, ingest documents, run the test bench,"
            " replay deliveries,"
            " redrive dead letters, migrate."
        ),
        epilog="Without settings it talks to the system that ./scripts/dev runs.",
    )
    parser.add_argument(
        "--data", type=Path, default=ROOT / ".data", help="of ./scripts/dev (.data)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("send", help="replay a saved delivery, signed")
    command.add_argument("file", type=Path, help="JSON: {headers, body}, or a bare payload")
    command.add_argument(
        "--event", default="", help="the GitHub event of a bare payload: issues, …"
    )
    command.add_argument("--url", default="", help="of the front door")
    command.add_argument(
        "--again", action="store_true", help="as a new one, though it was handled before"
    )
    command.set_defaults(run=_send)

    command = commands.add_parser("runs", help="list the newest runs")
    command.add_argument("--flow", default="", help="of this flow only")
    command.add_argument(
        "--state", default="", help="running, retrying, parked, done, failed or waiting"
    )
    command.add_argument("--limit", type=int, default=20, help="how many (20)")
    command.set_defaults(run=_runs)

    command = commands.add_parser("run", help="show the steps of a run as a tree")
    command.add_argument("id", help="the run's id, or how it starts")
    command.add_argument(
        "--full", action="store_true", help="with inputs and outputs (people's text)"
    )
    command.set_defaults(run=_run)

    command = commands.add_parser("budget", help="list what models cost today, and the ceilings")
    command.add_argument("--days", type=int, default=1, help="how many, with today (1)")
    command.set_defaults(run=_budget)

    command = commands.add_parser("redrive", help="bring dead letters back to their queue")
    command.add_argument("queue", help="the flow's queue; in AWS the name of its dead-letter queue")
    command.set_defaults(run=_redrive)

    command = commands.add_parser("migrate", help="bring the database to the current schema")
    command.set_defaults(run=_migrate)

    ingest.add_parser(commands)
    memory.add_parser(commands)
    bench.add_parser(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
