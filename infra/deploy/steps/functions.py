"""Lets SAM build and deploy the stack, unless this very code is deployed already."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.deploy import kept, stack
from infra.deploy.stages import GRADUAL
from infra.deploy.steps import rollback
from infra.deploy.steps.step import Sitting
from infra.project import ROOT

#: What a deployment is made of.
_SOURCES = ("flows", "shared", "infra", "requirements", "template.yaml", "Makefile")
_SETTLED = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def run(sitting: Sitting) -> None:
    settings = _settings(sitting)
    kept.checked(settings)
    values = _parameters(sitting, settings)
    # ./scripts/test lints.
    for command in stack.sam_commands(sitting.place, all_parameters(sitting, settings))[1:]:
        stack.run_sam(command, sitting.place, settings)
    kept.write(sitting.client("ssm"), sitting.place.prefix, settings)
    rollback.after_deployment(sitting, settings)
    if state := _deployed(sitting):
        sitting.state.put("functions", made_of=_made_of({**settings, **values}), **state)


def done(sitting: Sitting) -> str:
    """Tell if the stack is what this code and these settings make."""
    found = _deployed(sitting)
    same = found and all(sitting.state.get("functions", name) == found[name] for name in found)
    made_of = sitting.state.get("functions", "made_of")
    if same and made_of and not rollback.is_rolled_back(sitting):
        settings = _settings(sitting)
        if made_of == _made_of({**settings, **_parameters(sitting, settings)}):
            return f"stack {sitting.place.stack} is this code, with these settings"
    return ""


def _settings(sitting: Sitting) -> dict[str, str]:
    place = sitting.place
    return kept.merged(sitting.session, place.stack, place.prefix, sitting.environment)


def _parameters(sitting: Sitting, settings: Mapping[str, str]) -> dict[str, str]:
    return stack.parameters(sitting.place, settings) | sitting.stage.parameters


def all_parameters(sitting: Sitting, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the template's parameters, with how new versions take over this time."""
    return _parameters(sitting, settings) | {"Rollout": _rollout(sitting)}


def _rollout(sitting: Sitting) -> str:
    """Say how new versions take over. After a rollback at once: CodeDeploy begins where the stack
    says, and an alias is elsewhere."""
    if rollback.is_rolled_back(sitting):
        sitting.say("the functions are rolled back; this deployment takes over all at once")
        return "all-at-once"
    return sitting.stage.rollout or GRADUAL


def _deployed(sitting: Sitting) -> dict[str, str]:
    """Return which change of the stack was the last, if it went well."""
    try:
        found = sitting.client("cloudformation").describe_stacks(StackName=sitting.place.stack)
    except ClientError:
        return {}
    row: Mapping[str, Any] = found["Stacks"][0]
    changed = str(row.get("LastUpdatedTime") or row["CreationTime"])
    settled = row["StackStatus"] in _SETTLED
    return {"stack": str(row["StackId"]), "changed": changed} if settled else {}


def _made_of(values: Mapping[str, str]) -> str:
    """Return a digest of the code, the settings and the parameters."""
    digest = sha256(repr(sorted(values.items())).encode())
    for file in sorted(_files(ROOT / name for name in _SOURCES)):
        digest.update(f"\0{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _files(roots: Iterable[Path]) -> Iterable[Path]:
    for root in roots:
        if root.is_file():
            yield root
        else:
            yield from (
                one for one in root.rglob("*") if one.is_file() and "__pycache__" not in one.parts
            )
