"""Takes the versions of the functions that were live before the last deployment, in seconds."""

from collections.abc import Mapping

from infra.deploy import pieces, rollouts, states
from infra.deploy.stack import DeployError
from infra.deploy.steps import migrate
from infra.deploy.steps.step import Sitting

_NOT = """\
Each version carries its settings. What stays as the last deployment left it: the database's schema
(the version before works on it), the secrets, queues, roles, schedules and the state machine, which
events reach which flow, and the manifests of the apps."""


def run(sitting: Sitting) -> None:
    """Lead each function back; raises DeployError when no deployment before is known."""
    lambdas, ssm = sitting.client("lambda"), sitting.client("ssm")
    check_there(sitting)
    live = rollouts.live(lambdas, _functions(sitting))
    known = rollouts.read(ssm, sitting.place.prefix)
    before = known.before(live)
    if before is None:
        raise DeployError(
            "no deployment before this one is known; deploy an earlier commit instead:"
            " git checkout COMMIT && ./scripts/deploy --all-at-once"
        )
    when, versions = before
    changed = {name: to for name, to in versions.items() if live.get(name, to) != to}
    sitting.say(f"Back to the deployment of {when} UTC:")
    for name, version in sorted(changed.items()):
        sitting.say(f"  {name}: version {live[name]} → {version}")
    sitting.say(_NOT)
    if not changed or not sitting.person.agrees("Roll back?"):
        sitting.say("nothing was changed")
        return
    rollouts.check(lambdas, changed)
    # Written first: one that is cut off is known as a rollback, and the same command ends it.
    rollouts.save(ssm, sitting.place.prefix, known.leaving(live, changed))
    migrate.live(sitting, older=True)
    rollouts.lead(lambdas, changed)
    sitting.say("rolled back; the next ./scripts/deploy goes forward again, all at once")


def check_there(sitting: Sitting) -> None:
    """Raises DeployError while the stack changes, or where there is none."""
    client, name = sitting.client("cloudformation"), sitting.place.stack
    if not states.is_made(client, name):
        raise DeployError(f"there is no stack {name}")
    states.check_settled(client, name)


def after_deployment(sitting: Sitting, settings: Mapping[str, str]) -> None:
    """Make live what the stack says, also where nothing of it changed since a rollback, and note it
    with the pieces that it was made of."""
    lambdas, ssm = sitting.client("lambda"), sitting.client("ssm")
    known = rollouts.read(ssm, sitting.place.prefix)
    live = rollouts.live(lambdas, _functions(sitting))
    # CloudFormation leads an alias only where the version changed in its own eyes.
    behind = {
        name: version
        for name, version in known.abandoned.items()
        if name in live and int(live[name]) < int(version)
    }
    rollouts.check(lambdas, behind)
    rollouts.lead(lambdas, behind)
    noted = known.with_live({**live, **behind})
    rollouts.save(ssm, sitting.place.prefix, noted._replace(pieces=pieces.digests(settings)))


def is_rolled_back(sitting: Sitting) -> bool:
    return bool(rollouts.read(sitting.client("ssm"), sitting.place.prefix).abandoned)


def _functions(sitting: Sitting) -> list[str]:
    return rollouts.functions(sitting.client("cloudformation"), sitting.place.stack)
