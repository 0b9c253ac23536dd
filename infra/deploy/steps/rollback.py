"""Takes the versions of the functions that were live before the last deployment, in seconds."""

from collections.abc import Mapping
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from infra.deploy import pieces, rollouts, states
from infra.deploy.stack import DeployError
from infra.deploy.steps import migrate
from infra.deploy.steps.step import Sitting, goes_on

_NOT = """\
Each version carries its settings. What stays as the last deployment left it: the database's schema
(the version before works on it), the secrets, queues, roles, schedules and the state machine, which
events reach which flow, and the manifests of the apps."""


class _Back(NamedTuple):
    """The way back: from the versions that are live to those of a deployment."""

    known: rollouts.Rollouts
    live: rollouts.Versions
    when: str
    versions: rollouts.Versions

    @property
    def changed(self) -> rollouts.Versions:
        return rollouts.differing(self.live, self.versions)


def run(sitting: Sitting) -> None:
    """Lead each function back; raises DeployError when no deployment before is known."""
    back = _way(sitting)
    _explain(sitting, back)
    if not sitting.person.agrees("Roll back?"):
        sitting.say("nothing was changed")
        return
    if _way(sitting) != back:  # a person takes their time
        raise DeployError("somebody changed the functions meanwhile; nothing was rolled back")
    lambdas, ssm, prefix = sitting.client("lambda"), sitting.client("ssm"), sitting.place.prefix
    # Written first: one that is cut off is known as a rollback, and the same command ends it.
    left = back.known.leaving(back.live, back.changed)
    rollouts.save(ssm, prefix, left)
    with goes_on(sitting, "not every function may be back"):
        rollouts.lead(lambdas, back.changed)
        rollouts.save(ssm, prefix, left._replace(unfinished=False))
    _tell_database(sitting)
    sitting.say("rolled back; the next ./scripts/deploy goes forward again, all at once")


def _way(sitting: Sitting) -> _Back:
    """Raises DeployError when there is none."""
    check_there(sitting)
    lambdas = sitting.client("lambda")
    live = rollouts.live(lambdas, _functions(sitting))
    known = rollouts.read(sitting.client("ssm"), sitting.place.prefix)
    before = known.before(live)
    if before is None:
        raise DeployError(
            "no deployment before this one is known; deploy an earlier commit instead:"
            " git checkout COMMIT && ./scripts/deploy --all-at-once"
        )
    back = _Back(known, live, *before)
    rollouts.check(lambdas, back.changed)
    return back


def _explain(sitting: Sitting, back: _Back) -> None:
    ends = ", where a rollback was cut off" if back.known.unfinished else ""
    sitting.say(f"Back to the deployment of {back.when} UTC{ends}:")
    for name, version in sorted(back.changed.items()):
        sitting.say(f"  {name}: version {back.live[name]} → {version}")
    if not back.changed:
        sitting.say("  all functions are there already")
    for name in sorted(back.live.keys() - back.versions.keys()):
        sitting.say(f"  {name}: stays at version {back.live[name]}; that deployment had it not")
    sitting.say(_NOT)


def _tell_database(sitting: Sitting) -> None:
    """Tell it that older code is live. It may be what fails, and holds up no rollback: the next
    deployment tells it too, before it migrates."""
    try:
        migrate.live(sitting, older=True)
    except (DeployError, BotoCoreError, ClientError) as err:
        sitting.say(f"note: the database could not be told, the next deployment does: {err}")


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


def after_failure(sitting: Sitting) -> None:
    """Lead functions back to where a rollback led them: CloudFormation undoes a deployment that
    fails, and knows nothing of the rollback."""
    try:
        _lead_again(sitting)
    except (DeployError, BotoCoreError, ClientError) as err:
        sitting.say(f"the functions were rolled back, and may not be now: {err}")
        sitting.say("when that is mended, ./scripts/deploy --rollback leads them back again")


def _lead_again(sitting: Sitting) -> None:
    known = rollouts.read(sitting.client("ssm"), sitting.place.prefix)
    if not known.abandoned or not known.deployed:
        return
    check_there(sitting)
    lambdas, (_, versions) = sitting.client("lambda"), known.deployed[-1]
    behind = rollouts.differing(rollouts.live(lambdas, _functions(sitting)), versions)
    rollouts.lead(lambdas, behind)
    sitting.say("the functions are rolled back as before")


def is_rolled_back(sitting: Sitting) -> bool:
    return bool(rollouts.read(sitting.client("ssm"), sitting.place.prefix).abandoned)


def _functions(sitting: Sitting) -> list[str]:
    return rollouts.functions(sitting.client("cloudformation"), sitting.place.stack)
