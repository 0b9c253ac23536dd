"""`./scripts/deploy`: from a .env file to webhook addresses, or the reason why it stopped."""

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from infra.apps.person import NobodyThere, Person
from infra.bundle.target import cheapest, newest_at_hand
from infra.configuration.destinations import DEPLOYED
from infra.configuration.reader import load
from infra.deploy.stack import Destination
from infra.deploy.stages import (
    CONFIG,
    DEFAULT,
    EXPECTED,
    Stage,
    check_region,
    read_stage,
    settings_of,
)
from infra.deploy.steps.step import Sitting, later
from infra.deploy.wizard import STEPS, check, go_through
from infra.project import from_caller
from infra.terminal import Arguments, complain, matching
from shared.errors import AgentFlowsError
from shared.settings import Settings

_ABOUT = """\
Deploy Agent Flows to your AWS account, and connect it to GitHub and Slack. The settings
(docs/settings.md) come from the environment and from .env; the environment overrules. Secrets among
them are stored in AWS Secrets Manager and nowhere else. What is not set stays as it was deployed.

{steps}

Stop it whenever you like, also for a day: the same command goes on where it was. It asks for what
it needs; a script passes --yes, and sets all that is asked for. A stage (--stage prod) is a table
of samconfig.toml, with a stack, secrets and apps of its own.

It needs credentials for AWS and DATABASE_URL (Postgres from 15 on with pgvector from 0.8 on, which
AWS Lambda can reach, with the login that owns the database)."""

#: What can be asked for in place of a deployment: the option, what it does, and how.
_Instead = Callable[[Sitting], None]
_INSTEAD: Mapping[str, tuple[str, _Instead]] = {
    "check": (
        "check the account, the settings, the models and the database, and change nothing",
        check,
    ),
    "diff": ("say what a deployment would change, and change nothing", later("diff.run")),
    "rollback": ("take the functions' versions of the deployment before", later("rollback.run")),
    "delete": ("delete the deployment, and say what is kept", later("removal.run")),
}
#: What needs nobody.
_ASKS_NOTHING = ("check", "diff")


def main() -> int:
    again = shlex.join(["./scripts/deploy", *sys.argv[1:]])
    try:
        _run(_arguments())
    except AgentFlowsError as err:
        complain(err, "deploy")
    except KeyboardInterrupt:
        complain(f"\ninterrupted; {again} goes on where this ended", "deploy")
        return 130
    except Exception as err:
        from infra.deploy.aws_errors import explained  # needs an environment

        if said := explained(err):
            complain(said, "deploy")
        elif isinstance(err, OSError):
            complain(": ".join(filter(None, (err.strerror or str(err), err.filename))), "deploy")
        else:
            raise
    else:
        return 0
    return 1


def _run(asked: argparse.Namespace) -> None:
    stage = read_stage(from_caller(asked.config) if asked.config else CONFIG, asked.stage)
    environment = load(os.environ, file=settings_of(stage)).environment
    if asked.all_at_once:
        stage = stage._replace(rollout="all-at-once")
    place = _place(asked, stage)
    if asked.dry_run:
        _show(place, environment)
        return
    if not asked.region:
        check_region(stage, environment.get("AWS_REGION", ""))
    person = Person(asked=not asked.yes)
    if person.asked and not person.is_there and asked.instead not in _ASKS_NOTHING:
        raise NobodyThere(
            "nobody is there to answer, as this is no terminal; a script adds --yes, which takes"
            " every proposal"
        )
    folder = from_caller(asked.data) if asked.data else None
    sitting = Sitting(place, environment, person, stage, folder=folder)
    if asked.instead in _ASKS_NOTHING:
        _INSTEAD[asked.instead][1](sitting)
        return
    with sitting.state.alone():
        if asked.only:
            from infra.deploy.steps import only

            only.run(sitting, asked.only)
        else:
            (_INSTEAD[asked.instead][1] if asked.instead else go_through)(sitting)


def _place(asked: argparse.Namespace, stage: Stage) -> Destination:
    return Destination(
        asked.stack or stage.stack_name,
        asked.prefix or stage.prefix,
        runtime := asked.runtime or newest_at_hand(),
        asked.architecture or stage.architecture or cheapest(runtime),
        asked.profile or stage.profile,
        asked.region or stage.region,
    )


def _show(place: Destination, environment: Mapping[str, str]) -> None:
    """Print the steps and validate the template; change nothing and need no credentials."""
    from infra.configuration.secret_settings import contents
    from infra.deploy import secrets, stack
    from infra.deploy.steps import checks

    settings = Settings.from_environment(environment)
    new = secrets.given(settings)
    for problem in checks.missing(settings, new):
        print(f"missing, unless deployed before: {problem}")
    for secret, values in contents(new).items():
        if values:
            print(f"would store {place.prefix}/{secret}: {', '.join(values)}")
    given = {name: environment[name] for name in DEPLOYED & environment.keys()}
    values = stack.parameters(place, given)
    validate, *others = stack.sam_commands(place, values)
    for command in stack.schema_commands(place, values):
        print("would run " + shlex.join(["./scripts/sam", *command[1:]]))
    print(f"would invoke {place.schema}")
    for command in others:
        print("would run " + shlex.join(["./scripts/sam", *command[1:]]))
    print("would connect GitHub and Slack")
    stack.run_sam(validate, place, given)
    stack.check_quotas(place, stack.parameters(place, given))


def _arguments() -> argparse.Namespace:
    steps = "\n".join(f"  {n:2}. {one.name:12} {one.does}" for n, one in enumerate(STEPS, 1))
    parser = Arguments(
        prog="./scripts/deploy",
        description=_ABOUT.format(steps=steps),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    runtime = matching(r"python3\.[0-9]{1,2}", "such as python3.13")
    add("--stage", default=DEFAULT, help="a stage of samconfig.toml (default)")
    add("--config", type=Path, help="the file with the stages (samconfig.toml)")
    add("--yes", action="store_true", help="ask nothing: take every proposal")
    add("--data", type=Path, help="where it keeps how far it came (.data/deploy); no secrets")
    add("--stack", type=_of("stack_name"), help="the stack's name in CloudFormation (agent-flows)")
    add("--prefix", type=_of("prefix"), help="of the secrets' names (agent-flows)")
    add("--region", type=_of("region"), default="", help="AWS region, if not the configured one")
    add("--profile", default="", help="AWS profile, if not the configured one")
    add("--architecture", choices=["x86_64", "arm64"], help="(arm64 where all wheels exist)")
    add("--runtime", type=runtime, help="Lambda runtime, of a Python that is here (the newest)")
    add("--all-at-once", action="store_true", help="shift no traffic gradually, heed no alarm")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--only", metavar="FLOW", nargs="+", help="update these flows alone, if that will do"
    )
    dry = "print the steps and validate; needs no credentials"
    instead.add_argument("--dry-run", action="store_true", help=dry)
    for name, (does, _) in _INSTEAD.items():
        instead.add_argument(
            f"--{name}", dest="instead", action="store_const", const=name, help=does
        )
    return parser.parse_args()


def _of(name: str) -> Callable[[str], str]:
    """Return what takes a value of a stage, or nothing."""
    pattern, expected = EXPECTED[name]
    return matching(f"({pattern})?", expected)


if __name__ == "__main__":
    sys.exit(main())
