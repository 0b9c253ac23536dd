"""The settings that a deployment was given, in one document of Parameter Store, so that what is
not given the next time stays as it was."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra.configuration.destinations import DEPLOYED
from shared.errors import SettingsError

#: Bytes that a parameter holds; up to 4,096 of them cost nothing.
#: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
LARGEST = 8192


def merged(session: Any, stack: str, prefix: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of the deployment, by variable: those given now over those kept."""
    kept = read(session.client("ssm"), prefix)
    if kept is None:
        kept = _of_parameters(session.client("cloudformation"), stack)
    return {**kept, **{name: environment[name] for name in DEPLOYED & environment.keys()}}


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
    """Return the settings that an earlier version kept as the parameters of the stack."""
    try:
        found = client.describe_stacks(StackName=stack)["Stacks"][0].get("Parameters", [])
    except ClientError:
        return {}
    by_name = {name.replace("_", "").lower(): name for name in DEPLOYED}
    named = {by_name.get(one["ParameterKey"].lower()): one["ParameterValue"] for one in found}
    return {name: value for name, value in named.items() if name and value}
