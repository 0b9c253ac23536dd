"""Says what a deployment would change, and changes nothing."""

from collections.abc import Iterator, Mapping

from infra.configuration.secret_settings import contents
from infra.deploy import change_sets, kept, pieces, rollouts, secrets, stack
from infra.deploy.steps.functions import all_parameters
from infra.deploy.steps.step import Sitting


def run(sitting: Sitting) -> None:
    """Print each kind of change. SAM builds and uploads; the change set is deleted again."""
    place = sitting.place
    settings = kept.merged(sitting.session, place.stack, place.prefix, sitting.environment)
    _print(sitting, "settings", settings_changes(sitting, settings))
    _print(sitting, "secrets", secret_changes(sitting))
    _print(sitting, "pieces that functions share", shared_changes(sitting, settings))
    values = all_parameters(sitting, settings)
    _, build, deploy = stack.sam_commands(place, values)
    stack.run_sam(build, place, {**settings, **values})

    def plan() -> None:
        stack.run_sam([*deploy, "--no-execute-changeset"], place, settings)

    found = change_sets.planned(sitting.client("cloudformation"), place.stack, plan)
    lines = [str(change) for change in change_sets.without_versions(found)]
    _print(sitting, "the stack (nested stacks are always named)", lines)
    sitting.say("A deployment also asks the database which migrations are left, and the apps.")


def settings_changes(sitting: Sitting, settings: Mapping[str, str]) -> Iterator[str]:
    before = kept.read(sitting.client("ssm"), sitting.place.prefix) or {}
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


def _print(sitting: Sitting, what: str, lines: Iterator[str] | list[str]) -> None:
    shown = list(lines)
    sitting.say(f"{what}: {'' if shown else 'no change'}".rstrip())
    for line in shown:
        sitting.say(f"  {line}")
