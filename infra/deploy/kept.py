"""The settings that a deployment was given, in one document of Parameter Store, so that what is
not given the next time stays as it was."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra.configuration.destinations import DEPLOYED, default_of
from shared.errors import SettingsError

#: Bytes that a parameter holds; up to 4,096 of them cost nothing.
#: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
LARGEST = 8192
#: Parameters of earlier versions that followed from the secrets.
_DERIVED = {"ApiAuth", "GitHubAuth", "ModelAuth", "SecretsVersion", "SlackAuth"}


def of_deployment(session: Any, stack: str, prefix: str) -> dict[str, str]:
    """Return the settings that a deployment was given, by variable."""
    kept = read(session.client("ssm"), prefix)
    if kept is None:
        return _of_parameters(session.client("cloudformation"), stack)
    return kept


def read(client: Any, prefix: str) -> dict[str, str] | None:
    """Return the document under `prefix`; None when there is none."""
    name = document(prefix)
    try:
        text = client.get_parameter(Name=name)["Parameter"]["Value"]
    except ClientError as err:
        if err.response["Error"]["Code"] != "ParameterNotFound":
            raise
        return None
    try:
        found = {str(one): str(value) for one, value in json.loads(text).items()}
    except (ValueError, AttributeError) as err:
        raise SettingsError(f"parameter {name} is no JSON object; correct or delete it") from err
    return {one: value for one, value in found.items() if one in DEPLOYED}


def take_over(client: Any, prefix: str, settings: Mapping[str, str]) -> None:
    """Write the settings that an earlier version kept elsewhere, before a deployment takes them
    away there. Where a document is, nothing is done."""
    if settings and read(client, prefix) is None:
        write(client, prefix, settings)


def write(client: Any, prefix: str, settings: Mapping[str, str]) -> None:
    """Keep the settings; raises SettingsError when they are too long."""
    text = checked(settings)
    client.put_parameter(
        Name=document(prefix), Value=text, Type="String", Tier="Intelligent-Tiering", Overwrite=True
    )


def checked(settings: Mapping[str, str]) -> str:
    """Return the text of the document; raises SettingsError when Parameter Store cannot hold it."""
    text = json.dumps(dict(sorted(settings.items())), ensure_ascii=False)
    size = len(text.encode())
    if size > LARGEST:
        longest = sorted(settings, key=lambda name: len(settings[name]), reverse=True)[:3]
        raise SettingsError(
            f"the settings have {size} bytes, and AWS keeps {LARGEST}; shorten {', '.join(longest)}"
        )
    return text


def document(prefix: str) -> str:
    return f"/{prefix.strip('/')}/settings"


def _of_parameters(client: Any, stack: str) -> dict[str, str]:
    """Return the settings that an earlier version kept as the parameters of the stack.

    One that has today's default is as if it was never set.
    """
    by_name = {name.replace("_", "").lower(): name for name in DEPLOYED}
    named = {by_name.get(name.lower()): value for name, value in _parameters(client, stack).items()}
    return {
        name: value for name, value in named.items() if name and value not in {"", default_of(name)}
    }


def left_behind(client: Any, stack: str, template: Iterable[str]) -> list[str]:
    """Name what was set as a parameter of the stack, and is neither a setting nor a parameter of
    `template` any more."""
    homes = {name.replace("_", "").lower() for name in DEPLOYED} | {*map(str.lower, template)}
    return [
        f"{name}={value}"
        for name, value in _parameters(client, stack).items()
        if value and name.lower() not in homes and name not in _DERIVED
    ]


def _parameters(client: Any, stack: str) -> dict[str, str]:
    try:
        (found,) = client.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as err:
        if "does not exist" not in str(err):
            raise
        return {}
    return {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])}
