"""Lets SAM build and deploy the stack, unless this very code is deployed already."""

from collections.abc import Mapping, Sequence

from infra.deploy import kept, stack
from infra.deploy.alarms import unheard
from infra.deploy.stack import DeployError
from infra.deploy.stages import GRADUAL
from infra.deploy.steps import rollback
from infra.deploy.steps.ingredients import deployed, made_of, parameters
from infra.deploy.steps.step import Sitting


def run(sitting: Sitting) -> None:
    settings = sitting.deployed
    kept.checked(settings)
    values = parameters(sitting, settings)
    every = all_parameters(sitting, settings)
    _, build, deploy = stack.sam_commands(sitting.place, every)  # ./scripts/test lints
    stack.run_sam(build, sitting.place, {**settings, **values})
    stack.check_quotas(sitting.place, every)
    kept.take_over(sitting.client("ssm"), sitting.place.prefix, sitting.kept)
    _deploy(sitting, deploy, settings)
    kept.write(sitting.client("ssm"), sitting.place.prefix, settings)
    rollback.after_deployment(sitting, settings)
    for line in unheard(sitting.session, sitting.place.stack, settings.get("ALARM_EMAIL", "")):
        sitting.say(line)
    if state := deployed(sitting, sitting.place.stack):
        sitting.state.put("functions", made_of=made_of({**settings, **values}), **state)


def _deploy(sitting: Sitting, command: Sequence[str], settings: Mapping[str, str]) -> None:
    """Raises DeployError; functions that were rolled back stay so then."""
    try:
        stack.run_sam(command, sitting.place, settings)
    except DeployError:
        rollback.after_failure(sitting)
        raise


def done(sitting: Sitting) -> str:
    """Tell if the stack is what this code and these settings make."""
    found = deployed(sitting, sitting.place.stack)
    same = found and all(sitting.state.get("functions", name) == found[name] for name in found)
    before = sitting.state.get("functions", "made_of")
    if same and before and not rollback.is_rolled_back(sitting):
        settings = sitting.deployed
        if before == made_of({**settings, **parameters(sitting, settings)}):
            return f"stack {sitting.place.stack} is this code, with these settings"
    return ""


def all_parameters(sitting: Sitting, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the template's parameters, with how new versions take over this time."""
    return parameters(sitting, settings) | {"Rollout": _rollout(sitting)}


def _rollout(sitting: Sitting) -> str:
    """Say how new versions take over. After a rollback at once: CodeDeploy begins where the stack
    says, and an alias is elsewhere."""
    if rollback.is_rolled_back(sitting):
        sitting.say("the functions are rolled back; this deployment takes over all at once")
        return "all-at-once"
    return sitting.stage.rollout or GRADUAL
