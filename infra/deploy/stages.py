"""The stages of a deployment: tables of samconfig.toml, each with a stack and apps of its own.

[prod.global.parameters]        as SAM reads it: stack_name, region, profile
[prod.agent_flows.parameters]   ours: prefix, settings (the .env file), github, slack, and what
                                the account wants (docs/operations.md)
"""

import re
import tomllib
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
    "profile": (r"[^\s].{0,100}", "a profile of your AWS configuration"),
    "architecture": (r"x86_64|arm64", "x86_64 or arm64"),
    "settings": (r".{1,200}", "a file like .env"),
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
        content = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError as err:
        raise SettingsError(f"{file} is no file; name one with --config") from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise SettingsError(f"{file.name} cannot be read: {err}") from err
    stages = {key: value for key, value in content.items() if isinstance(value, dict)}
    if name not in stages:
        known = ", ".join(sorted(stages)) or "none"
        raise SettingsError(f"{file.name} has no stage {name!r}; it has {known}")
    values = {**_table(stages[name], "global"), **_table(stages[name], _OURS)}
    wrong = [*_table(stages[name], _OURS).keys() - EXPECTED.keys()]
    if wrong:
        raise SettingsError(
            f"{file.name}: [{name}.{_OURS}.parameters] has {wrong[0]!r};"
            f" expected {', '.join(sorted(EXPECTED))}"
        )
    found = {key: str(values[key]) for key in EXPECTED if values.get(key)}
    for key, value in found.items():
        pattern, expected = EXPECTED[key]
        if not re.fullmatch(pattern, value):
            raise SettingsError(f"{file.name}, {name}: {key} is {value!r}; expected {expected}")
    if name != DEFAULT:  # nothing of two stages is the same by oversight
        found = {"stack_name": f"agent-flows-{name}", **found}
        found = {"prefix": found["stack_name"], **found}
    return Stage(name)._replace(**found)


def _table(stage: dict[str, Any], command: str) -> dict[str, Any]:
    found = stage.get(command, {})
    parameters = found.get("parameters", {}) if isinstance(found, dict) else {}
    return parameters if isinstance(parameters, dict) else {}
