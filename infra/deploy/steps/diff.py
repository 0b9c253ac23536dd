"""Says what a deployment would change, and changes nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from infra.configuration.secret_settings import contents
from infra.deploy import aurora as database
from infra.deploy import change_sets, pieces, rollouts, secrets, stack
from infra.deploy.stack import DeployError
from infra.deploy.steps import aurora, github, migrate, slack
from infra.deploy.steps.functions import all_parameters
from infra.deploy.steps.step import Sitting
from shared.errors import AgentFlowsError


def run(sitting: Sitting) -> None:
    """Print each kind of change. SAM builds and uploads; the change sets are deleted again.

    Raises DeployError at the end when a kind could not be told.
    """
    place = sitting.place
    settings = sitting.deployed
    kinds: Mapping[str, Callable[[], Iterable[str]]] = {
        "settings": lambda: settings_changes(sitting, settings),
        "secrets": lambda: secret_changes(sitting),
        "pieces that functions share": lambda: shared_changes(sitting, settings),
        "migrations to come": lambda: migrate.changes(sitting),
        "the GitHub App": lambda: github.changes(sitting),
        "the Slack app": lambda: slack.changes(sitting),
        f"the stack {database.stack_name(place.stack)}": lambda: database_changes(sitting),
        f"the stack {place.schema}": lambda: schema_changes(sitting, settings),
        f"the stack {place.stack} (nested stacks are always named)": lambda: stack_changes(
            sitting, settings
        ),
    }
    unknown = [what for what, changes in kinds.items() if not _print(sitting, what, changes)]
    if unknown:
        raise DeployError(f"could not be told: {', '.join(unknown)}; the lines above say why")


def settings_changes(sitting: Sitting, settings: Mapping[str, str]) -> Iterator[str]:
    before = sitting.kept
    for name in sorted(settings.keys() | before.keys()):
        if settings.get(name) != before.get(name):
            yield f"{name}: {before.get(name, 'not set')!r} → {settings.get(name, 'not set')!r}"


def secret_changes(sitting: Sitting) -> Iterator[str]:
    """Name the secrets that would change, and their keys, never their values."""
    stored = secrets.read(sitting.client("secretsmanager"), sitting.place.prefix)
    given = secrets.given(sitting.settings)
    differ = {field: value for field, value in given.items() if stored.get(field) != value}
    for name, keys in contents(differ).items():
        for key in keys:
            yield f"{sitting.place.prefix}/{name}: {key}"


def shared_changes(sitting: Sitting, settings: Mapping[str, str]) -> Iterator[str]:
    known = rollouts.read(sitting.client("ssm"), sitting.place.prefix)
    now = pieces.digests(settings)
    yield from (one for one in pieces.changed(known.pieces, now) if one != "the settings")


def database_changes(sitting: Sitting) -> Iterator[str]:
    """Compare the stack of an own database, where one is wanted."""
    if values := aurora.wanted(sitting):
        name = database.stack_name(sitting.place.stack)
        client = sitting.client("cloudformation")
        yield from _planned(sitting, name, lambda: database.plan(client, name, values))


def schema_changes(sitting: Sitting, settings: Mapping[str, str]) -> Iterator[str]:
    place = sitting.place
    build, deploy = stack.schema_commands(place, all_parameters(sitting, settings))
    stack.run_sam(build, place, settings)
    yield from _planned(sitting, place.schema, _deploying(sitting, deploy, settings))


def stack_changes(sitting: Sitting, settings: Mapping[str, str]) -> Iterator[str]:
    place, values = sitting.place, all_parameters(sitting, settings)
    _, build, deploy = stack.sam_commands(place, values)
    stack.run_sam(build, place, {**settings, **values})
    yield from _planned(sitting, place.stack, _deploying(sitting, deploy, settings))


def _deploying(
    sitting: Sitting, deploy: Sequence[str], settings: Mapping[str, str]
) -> Callable[[], None]:
    return lambda: stack.run_sam([*deploy, "--no-execute-changeset"], sitting.place, settings)


def _planned(sitting: Sitting, name: str, plan: Callable[[], None]) -> Iterator[str]:
    found = change_sets.planned(sitting.client("cloudformation"), name, plan)
    yield from map(str, change_sets.without_versions(found))


def _print(sitting: Sitting, what: str, changes: Callable[[], Iterable[str]]) -> bool:
    """Print the changes of a kind; return False when they could not be told."""
    try:
        shown, why = [*changes()], ""
    except (AgentFlowsError, BotoCoreError, ClientError) as err:
        shown, why = [], f" unknown: {err}"
    sitting.say(f"{what}:{why or ('' if shown else ' no change')}")
    for line in shown:
        sitting.say(f"  {line}")
    return not why
