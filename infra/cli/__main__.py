"""./scripts/flows: new flows, certificates, runs, budgets, memory, documents, the bench,
deliveries, dead letters, migrations."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import psycopg

from infra.cli.system import find_system
from infra.project import ROOT, from_caller
from infra.terminal import Arguments, complain
from shared.errors import AgentFlowsError
from shared.log import logs_on_stderr

#: The commands: the module whose `add_NAME` adds the options of command NAME, and what it does.
#: Only the modules of commands that are named are loaded.
_COMMANDS = {
    "new": ("new", "write a flow, its test and its blocks in template.yaml"),
    "send": ("deliveries", "replay a saved delivery, signed"),
    "runs": ("runs", "list the newest runs"),
    "run": ("runs", "show the steps of a run as a tree"),
    "budget": ("budgets", "list what models cost today, and the ceilings"),
    "dead-letters": ("dead_letters", "list what was given up, with its cause"),
    "redrive": ("dead_letters", "start again what was given up"),
    "migrate": ("schema", "bring the database to the current schema"),
    "ingest": ("ingest", "take documents into memory"),
    "memory": ("memory", "export, explain, forget and audit memories; undo changes"),
    "reference": ("reference", "write the tables of docs/flows.md from the code"),
    "certify": ("certify", "kill a flow everywhere; say what is lost or doubled"),
    "bench": ("bench", "run a prompt over a huge input"),
}


def main(arguments: Sequence[str]) -> int:
    options = _parser(arguments).parse_args(arguments)
    try:
        known = find_system(from_caller(options.data), os.environ)
        with logs_on_stderr():
            return int(options.run(known, options) or 0)
    except AgentFlowsError as err:
        complain(err)
    except psycopg.OperationalError:
        complain("the database does not answer; start ./scripts/dev, or look at DATABASE_URL")
    except psycopg.errors.UndefinedTable:
        complain("the database has no schema yet; ./scripts/flows migrate makes it")
    except psycopg.Error as err:
        complain(f"the database refuses: {err.diag.message_primary or type(err).__name__}")
    except UnicodeError:
        complain("an argument is not UTF-8; type it again")
    except BrokenPipeError:  # `| head` has read enough
        sys.stderr.close()
    except OSError as err:
        complain(f"{err.strerror}: {err.filename}")
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    return 1


def _parser(arguments: Sequence[str]) -> Arguments:
    parser = Arguments(
        prog="./scripts/flows",
        description=(
            "Write and certify flows, look at runs and budgets, control the memory, ingest"
            " documents, run the test bench, replay deliveries,"
            " redrive dead letters, migrate."
        ),
        epilog="Without settings it talks to the system that ./scripts/dev runs.",
    )
    parser.add_argument(
        "--data", type=Path, default=ROOT / ".data", help="of ./scripts/dev (.data)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, (module, about) in _COMMANDS.items():
        command = commands.add_parser(name, help=about)
        if name in arguments:
            getattr(import_module(f"infra.cli.{module}"), f"add_{name.replace('-', '_')}")(command)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
