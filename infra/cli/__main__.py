"""./scripts/flows: new flows, certificates, runs, budgets, memory, documents, the bench,
deliveries, dead letters, migrations."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from infra.cli.usage.parser import COMMANDS, flows_parser, in_commands
from infra.project import from_caller
from infra.terminal import complain
from shared.errors import AgentFlowsError

if TYPE_CHECKING:
    from infra.cli.system import KnownSystem

#: How the words of a command are joined in the name of what runs it.
_IN_NAME = str.maketrans("- ", "__")


def main(arguments: Sequence[str]) -> int:
    options = flows_parser().parse_args(in_commands(arguments))
    import psycopg  # from here on an environment is needed

    from infra.cli.system import find_system
    from shared.log import logs_on_stderr

    try:
        known = find_system(from_caller(options.data), os.environ)
        with logs_on_stderr():
            return int(_work_of(options.command)(known, options) or 0)
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


def _work_of(command: str) -> "Callable[[KnownSystem, argparse.Namespace], int | None]":
    """Return what runs a command; only the modules of the one that is called are loaded."""
    module = import_module(f"infra.cli.{COMMANDS[command][1]}")
    found: Callable[[KnownSystem, argparse.Namespace], int | None]
    found = getattr(module, f"run_{command.translate(_IN_NAME)}")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
