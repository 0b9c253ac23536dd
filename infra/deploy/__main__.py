"""`./scripts/deploy`: from a .env file to webhook addresses, or the reason why it stopped."""

import argparse
import os
import shlex
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.configuration.reader import load
from infra.deploy import secrets, stack
from infra.deploy.stack import DeployError, Destination
from infra.terminal import Arguments, complain, matching
from shared.errors import AgentFlowsError
from shared.settings import Settings

_ABOUT = """\
Deploy Agent Flows to your AWS account. The settings (docs/settings.md) come from the environment
and from .env; the environment overrules. Secrets among them are stored in AWS Secrets Manager and
nowhere else. What is not set stays as it was deployed before.

  1. checks the settings and the AWS credentials
  2. creates or updates the secrets <prefix>/database, /github, /slack and /models
  3. sam validate, sam build (for the Python at hand; no Docker), sam deploy
  4. brings the database to the current schema, and makes the functions' logins
  5. prints the addresses for GitHub and Slack

It needs DATABASE_URL (Postgres from 15 on with pgvector from 0.8 on, which AWS Lambda can reach,
with the login that owns the database)
and one platform or both: for GitHub GITHUB_WEBHOOK_SECRET with GITHUB_APP_ID and
GITHUB_APP_PRIVATE_KEY (or GITHUB_TOKEN), for Slack SLACK_SIGNING_SECRET and SLACK_BOT_TOKEN."""


def main() -> int:
    asked = _arguments()
    place = Destination(
        asked.stack, asked.prefix, asked.runtime, asked.architecture, asked.profile, asked.region
    )
    try:
        environment = load(os.environ).environment
        if asked.dry_run:
            _show(place, environment)
        else:
            _deploy(place, environment)
    except AgentFlowsError as err:
        complain(err, "deploy")
    except (BotoCoreError, ClientError) as err:
        complain(f"aws: {err}", "deploy")
    except OSError as err:
        complain(f"{err.strerror}: {err.filename}", "deploy")
    except KeyboardInterrupt:
        complain("interrupted; ./scripts/deploy goes on where this ended", "deploy")
    else:
        return 0
    return 1


def missing(settings: Settings, stored: secrets.Stored) -> list[str]:
    """List what is needed and neither set nor stored."""
    problems = []
    host = urlsplit(settings.database_url).hostname
    if not stored.has("database", "url"):
        problems.append("DATABASE_URL is not set")
    elif settings.database_url and host in {None, "localhost", "127.0.0.1", "::1"}:
        problems.append(f"DATABASE_URL is on {host or 'this machine'}, which AWS cannot reach")
    github = stored.has("github", "app_private_key") or stored.has("github", "token")
    slack = stored.has("slack", "bot_token")
    if not (github or slack):
        problems.append("neither GITHUB_APP_PRIVATE_KEY or GITHUB_TOKEN nor SLACK_BOT_TOKEN is set")
    if github and not stored.has("github", "webhook_secret"):
        problems.append("GITHUB_WEBHOOK_SECRET is not set")
    if slack and not stored.has("slack", "signing_secret"):
        problems.append("SLACK_SIGNING_SECRET is not set")
    if settings.github_app_private_key and not settings.github_app_id:
        problems.append("GITHUB_APP_PRIVATE_KEY is set, but not GITHUB_APP_ID")
    return problems


def _deploy(place: Destination, environment: Mapping[str, str]) -> None:
    session = boto3.Session(profile_name=place.profile or None, region_name=place.region or None)
    if session.region_name is None:
        raise DeployError("no region; set AWS_REGION or pass --region")
    place = place._replace(region=session.region_name)
    account = session.client("sts").get_caller_identity()["Account"]
    print(f"account {account}, region {place.region}, stack {place.stack}, {place.runtime}")
    settings = Settings.from_environment(environment)
    manager = session.client("secretsmanager")
    before, new = secrets.read(manager, place.prefix), secrets.given(settings)
    if problems := missing(settings, _over(before, new)):
        raise DeployError("; ".join(problems))
    stored = secrets.store(manager, place.prefix, before, new)
    for command in stack.sam_commands(place, stack.parameters(place, environment, stored)):
        stack.run_sam(command, place)
    found = stack.outputs(session.client("cloudformation"), place.stack)
    applied = stack.migrate(session.client("lambda"), found.pop("MigrateFunction"))
    print(f"database: applied {', '.join(applied)}" if applied else "database: is current")
    for name, address in found.items():
        print(f"{name}: {address}")


def _show(place: Destination, environment: Mapping[str, str]) -> None:
    """Print the steps and validate the template; change nothing and need no credentials."""
    settings = Settings.from_environment(environment)
    new = secrets.given(settings)
    stored = secrets.Stored(new, "<versions>")
    for problem in missing(settings, stored):
        print(f"missing, unless deployed before: {problem}")
    for secret, values in new.items():
        keys = ", ".join(values) or "nothing new"
        print(f"would store {place.prefix}/{secret}: {keys}")
    validate, *others = stack.sam_commands(place, stack.parameters(place, environment, stored))
    for command in others:
        print("would run " + shlex.join(["./scripts/sam", *command[1:]]))
    print(f"would invoke {place.stack}-migrate, and print the webhook addresses")
    stack.run_sam(validate, place)


def _over(stored: secrets.Stored, new: dict[str, dict[str, str]]) -> secrets.Stored:
    return secrets.Stored({name: {**kept, **new[name]} for name, kept in stored.values.items()})


def _arguments() -> argparse.Namespace:
    at_hand = f"python{sys.version_info.major}.{sys.version_info.minor}"
    parser = Arguments(
        prog="./scripts/deploy",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    stack_name = matching(r"[A-Za-z][A-Za-z0-9-]{0,100}", "letters, digits and hyphens")
    prefix = matching(r"[A-Za-z0-9][A-Za-z0-9/_+=.@-]{0,200}", "letters, digits and /_+=.@-")
    region = matching(r"([a-z]{2,4}(-[a-z]+)+-[0-9]{1,2})?", "such as eu-central-1")
    runtime = matching(r"python3\.[0-9]{1,2}", f"such as {at_hand}")
    add("--stack", type=stack_name, default="agent-flows", help="of CloudFormation (agent-flows)")
    add("--prefix", type=prefix, default="agent-flows", help="of the secrets' names (agent-flows)")
    add("--region", type=region, default="", help="AWS region, if not the configured one")
    add("--profile", default="", help="AWS profile, if not the configured one")
    add("--architecture", choices=["x86_64", "arm64"], default="x86_64")
    add(
        "--runtime",
        type=runtime,
        default=at_hand,
        help=f"Lambda runtime, of a Python that is here ({at_hand})",
    )
    add("--dry-run", action="store_true", help="print the steps and validate; needs no credentials")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
