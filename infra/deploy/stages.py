"""The stages of a deployment: tables of samconfig.toml, each with a stack and apps of its own.

[prod.global.parameters]        as SAM reads it: stack_name, region, profile
[prod.agent_flows.parameters]   ours: prefix, settings (the .env file), github, slack, and what
                                the account wants (docs/operations.md)
"""

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from infra.project import ROOT
from shared.errors import SettingsError

CONFIG = ROOT / "samconfig.toml"
DEFAULT = "default"
_OURS = "agent_flows"
#: The names of a stage's values, and what each expects.
EXPECTED = {
    "stack_name": (r"[A-Za-z][A-Za-z0-9-]{0,32}", "up to 33 letters, digits and hyphens"),
    "prefix": (r"[A-Za-z0-9][A-Za-z0-9/_.-]{0,200}", "letters, digits and /_.-"),
    "region": (r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}", "such as eu-central-1"),
    "profile": (r"[^\s\x00-\x1f-][^\x00-\x1f]{0,100}", "a profile of your AWS configuration"),
    "architecture": (r"x86_64|arm64", "x86_64 or arm64"),
    "settings": (r"[^\x00-\x1f]{1,200}", "a file like .env"),
    "github": (r"[A-Za-z0-9][A-Za-z0-9-]{0,38}|@me|no", "an organisation, @me or no"),
    "slack": (r"yes|no", "yes or no"),
    "kms_key": (r"arn:[\w-]+:kms:[\w-]+:[0-9]{12}:key/[\w-]+", "the ARN of a key"),
    "permissions_boundary": (r"arn:[\w-]+:iam::(aws|[0-9]{12}):policy/.+", "the ARN of a policy"),
    "tracing": (r"Active|PassThrough", "Active or PassThrough"),
    "access_logs": (r"on|off", "on or off"),
    "rollout": (
        r"canary-5-minutes|canary-10-minutes|linear-10-minutes|all-at-once",
        "canary-5-minutes, canary-10-minutes, linear-10-minutes or all-at-once",
    ),
}
#: The parameters of template.yaml that a stage gives.
_PARAMETERS = {
    "kms_key": "KmsKeyArn",
    "permissions_boundary": "PermissionsBoundary",
    "tracing": "Tracing",
    "access_logs": "AccessLogs",
}
#: How new versions take over, unless a stage says; the default of `Rollout` in template.yaml.
GRADUAL = "canary-5-minutes"


class Stage(NamedTuple):
    """What the configuration says of one stage; empty where it says nothing."""

    name: str = DEFAULT
    stack_name: str = "agent-flows"
    prefix: str = "agent-flows"
    region: str = ""
    profile: str = ""
    architecture: str = ""
    settings: str = ".env"
    github: str = ""
    slack: str = ""
    kms_key: str = ""
    permissions_boundary: str = ""
    tracing: str = ""
    access_logs: str = ""
    rollout: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of template.yaml that it sets; the others stay as they were deployed."""
        values = self._asdict()
        return {name: values[key] for key, name in _PARAMETERS.items() if values[key]}


def read_stage(file: Path, name: str) -> Stage:
    """Read a stage; raises SettingsError for what is not there or wrong."""
    try:
        content = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as err:
        raise SettingsError(f"{file} is no file; name one with --config") from err
    except OSError as err:
        raise SettingsError(f"{file} cannot be read: {err.strerror}; mend that") from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as err:
        raise SettingsError(f"{file.name} cannot be read: {err}; correct it there") from err
    stages = {key: value for key, value in content.items() if isinstance(value, dict)}
    if name not in stages:
        known = ", ".join(sorted(stages)) or "none"
        raise SettingsError(f"{file.name} has no stage {name!r}; it has {known}")
    values = _values(file.name, name, stages[name])
    found = {key: str(values[key]) for key in EXPECTED if values.get(key, "") != ""}
    for key, value in found.items():
        pattern, expected = EXPECTED[key]
        if not re.fullmatch(pattern, value):
            raise SettingsError(f"{file.name}, {name}: {key} is {value!r}; expected {expected}")
    if name != DEFAULT:  # nothing of two stages is the same by oversight
        found = {"stack_name": f"agent-flows-{name}", **found}
        found = {"prefix": found["stack_name"], **found}
    return Stage(name)._replace(**found)


def settings_of(stage: Stage) -> Path:
    """Return the file of the stage's settings; raises SettingsError where it names one that is not
    there."""
    file = ROOT / stage.settings
    if stage.settings != Stage().settings and not file.is_file():
        raise SettingsError(
            f"the stage {stage.name} has settings = {stage.settings!r} in samconfig.toml, and there"
            f" is no file {file}; write it, or correct the name"
        )
    return file


def check_region(stage: Stage, environment: str) -> None:
    """Raises SettingsError where the environment means another region than the stage."""
    if stage.region and environment not in {"", stage.region}:
        raise SettingsError(
            f"the stage {stage.name} is in {stage.region}, and AWS_REGION is {environment}; unset"
            " that, correct samconfig.toml, or say which you mean with --region"
        )


def _values(file: str, name: str, stage: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a stage says; raises SettingsError for what nobody would read."""
    tables = {
        command: _table(file, name, stage, command) for command in ("global", _OURS)
    }  # SAM reads more of the first
    for command, table in tables.items():
        for key in table.keys() - EXPECTED.keys():
            near = get_close_matches(key.lower().replace("-", "_"), EXPECTED, 1, 0.8)
            if near or command == _OURS:
                known = f"did you mean {near[0]}?" if near else f"expected {', '.join(EXPECTED)}"
                raise SettingsError(f"{file}: [{name}.{command}.parameters] has {key!r}; {known}")
    return {**tables["global"], **tables[_OURS]}


def _table(file: str, name: str, stage: Mapping[str, Any], command: str) -> dict[str, Any]:
    """Return the parameters of a command; raises SettingsError for values beside them."""
    found = stage.get(command, {})
    inside = found if isinstance(found, dict) else {command: found}
    parameters = inside.get("parameters", {})
    stray = [*inside.keys() - {"parameters"}, *(key for key in stage if key in EXPECTED)]
    if not isinstance(parameters, dict):
        stray.append("parameters")
    if stray:
        raise SettingsError(
            f"{file}: [{name}] has {stray[0]!r} in a place where nothing reads it; values stand"
            f" below [{name}.{command}.parameters]"
        )
    return {**parameters}
