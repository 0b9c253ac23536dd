"""The options of the commands of ./scripts/flows."""

import argparse
from pathlib import Path

from infra.terminal import Arguments, address, whole

_STATES = (
    *("running", "retrying", "parked", "done", "failed", "waiting"),
    *("cancelled", "superseded"),
)

#: As samconfig.toml names it.
STACK = "agent-flows"


def add_new(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Write flows/NAME.py, tests/flows/test_NAME.py and the blocks in template.yaml."
    )
    command.epilog = 'For example: new greet --on github.issues.opened, or --schedule "rate(1 day)"'
    command.add_argument("name", metavar="NAME", help="small letters, digits and _")
    command.add_argument(
        "--on", action="append", default=[], metavar="EVENT", help="an event type; repeatable"
    )
    command.add_argument("--slack", action="store_true", help="mentions: --on slack.app_mention")
    command.add_argument(
        "--command",
        action="append",
        default=[],
        dest="orders",
        metavar="COMMAND",
        help="/COMMAND on GitHub and in Slack; repeatable",
    )
    command.add_argument(
        "--schedule", default="", metavar="EXPRESSION", help='"rate(1 day)" or "cron(0 8 * * ? *)"'
    )
    command.add_argument(
        "--timer", default="", metavar="NAME", help="answer later: an event sets timer.NAME"
    )


def add_send(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", type=Path, help="JSON: {headers, body}, or a bare payload")
    command.add_argument(
        "--event", default="", help="the GitHub event of a bare payload: issues, …"
    )
    command.add_argument("--url", type=address, help="of the front door")
    command.add_argument(
        "--again", action="store_true", help="as a new one, though it was handled before"
    )


def add_deliveries(command: argparse.ArgumentParser) -> None:
    command.description = (
        "List the webhooks that GitHub sent to the App, the newest first: that of GITHUB_APP_ID and"
        " GITHUB_APP_PRIVATE_KEY, else that of the deployment in AWS, by its secrets."
    )
    command.add_argument("--failed", action="store_true", help="only events that did not arrive")
    command.add_argument("--limit", type=whole(1, 100_000), default=20, help="how many (20)")
    command.add_argument(
        "--redeliver", default="", metavar="GUID", help="let GitHub send one again"
    )
    command.add_argument(
        "--prefix", default=STACK, help="in AWS: of the names of the secrets (%(default)s)"
    )
    add_json(command)


def add_runs(command: argparse.ArgumentParser) -> None:
    command.add_argument("--flow", default="", help="of this flow only")
    command.add_argument("--state", choices=_STATES, default="", help="in this state only")
    command.add_argument("--limit", type=whole(1, 100_000), default=20, help="how many (20)")
    add_json(command)


def add_run(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", help="the run's id, or how it starts")
    command.add_argument(
        "--full", action="store_true", help="with inputs and outputs (people's text)"
    )
    add_json(command)


def add_why(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "what", metavar="URL|RUN|M-ID", help="a comment, a message, a run, a memory, a delivery"
    )
    command.add_argument("--tenant", default="", help="whose it is, where there are several")
    add_json(command)


def add_budget(command: argparse.ArgumentParser) -> None:
    command.add_argument("--days", type=whole(1, 3660), default=1, help="how many, with today (1)")
    add_json(command)


def add_dead_letters(command: argparse.ArgumentParser) -> None:
    command.add_argument("--flow", default="", help="of this flow only")
    command.add_argument("--limit", type=whole(1, 100_000), default=50, help="how many (50)")
    add_json(command)


def add_timers(command: argparse.ArgumentParser) -> None:
    command.add_argument("--flow", default="", help="of this flow only")
    command.add_argument("--limit", type=whole(1, 100_000), default=100, help="how many (100)")
    _add_stack(command)
    add_json(command)


def add_workspaces(command: argparse.ArgumentParser) -> None:
    about = "only those that lack rights, with the page to open; exit 1 if there are any"
    command.add_argument("--check", action="store_true", help=about)
    add_json(command)


def _add_stack(command: argparse.ArgumentParser) -> None:
    about = "in AWS: the name of the stack (%(default)s)"
    command.add_argument("--stack", default=STACK, help=about)


def add_redrive(command: argparse.ArgumentParser) -> None:
    _add_stack(command)
    command.add_argument(
        "what", help="a flow, a run's id, or the name of a dead-letter queue (NAME-dead.fifo)"
    )


def add_migrate(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--contract",
        action="store_true",
        help="also take away what older releases use; say it when none is live",
    )


def add_ingest(command: argparse.ArgumentParser) -> None:
    command.add_argument("what", metavar="PATH|OWNER/REPO", help="a folder, a file, a repository")
    command.add_argument(
        "--include", action="append", metavar="GLOB", help="further files, such as 'src/**/*.py'"
    )
    command.add_argument(
        "--issues", action="store_true", help="also issues, pull requests, comments"
    )
    command.add_argument("--audience", default="", help="of a PATH: public, repo:…, org:…, team:…")
    command.add_argument("--tenant", default="", help="whose memory it is")
    command.add_argument("--name", default="", help="what a PATH is called (its last part)")
    command.add_argument("--dry-run", action="store_true", help="say what would be done")


def add_reference(command: argparse.ArgumentParser) -> None:
    command.description = "Write every action and query into the tables of docs/flows.md."


def add_certify(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", help="the flow: triage, or a file, or FILE:FUNCTION")
    which = command.add_mutually_exclusive_group()
    which.add_argument("--on", metavar="TYPE", help="the event type, of those that wake the flow")
    which.add_argument(
        "--event", type=Path, metavar="FILE", help="a saved delivery, as `flows send` takes it"
    )
    add_json(command)


def add_memory(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(
        required=True, metavar="ACTION", dest="action", parser_class=Arguments
    )

    def action(name: str, about: str) -> argparse.ArgumentParser:
        found = actions.add_parser(name, help=about)
        found.add_argument("--tenant", default="", help="needed when there are several")
        return found

    action("export", "all memories as JSON lines, history too")
    found = action("why", "where a memory came from, and which runs recalled it")
    found.add_argument("id", help="of the memory: m-1a2b3c4d")
    add_json(found)
    found = action("forget", "delete everywhere what matches, and keep it from coming back")
    found.add_argument(
        "subject", help="words, owner/repo#1, @person, source:github:acme/shop or an id"
    )
    add_json(action("blocks", "what is not to be remembered"))
    found = action("allow", "let something be remembered again")
    found.add_argument("by", choices=["digest", "ref", "author", "source"])
    found.add_argument("value")
    found = action("audit", "who read or changed what, newest first")
    found.add_argument("--limit", type=whole(1, 100_000), default=50, help="how many (50)")
    add_json(found)
    # The next two are for all tenants.
    found = actions.add_parser("consolidations", help="list what was merged, lowered or dropped")
    found.add_argument("--limit", type=whole(1, 100_000), default=20, help="how many (20)")
    add_json(found)
    found = actions.add_parser("undo", help="bring back what one of them took")
    found.add_argument("id", help="its id, or how it starts")


def add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON")
