"""The stack of an own database, infra/database.yaml, and the owner's login for it."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError, WaiterError

from infra.deploy import states
from infra.deploy.secrets import held, keep
from infra.deploy.stack import DeployError, outputs
from infra.passwords import new_password
from infra.project import ROOT
from shared.settings import Settings

OWNER = "database/owner"
_TEMPLATE = ROOT / "infra" / "database.yaml"
#: The user and the database of infra/database.yaml.
_USER, _NAME = "agent_owner", "agent_flows"


def stack_name(stack: str) -> str:
    return f"{stack}-database"


def password_of(client: Any, prefix: str) -> str:
    """Return the owner's password, which is invented once, and rotated later."""
    found = held(client, f"{prefix}/{OWNER}") or {}
    password = found.get("password") or new_password()
    keep(client, prefix, OWNER, {"password": password})
    return password


def parameters(session: Any, settings: Settings, prefix: str, key: str) -> dict[str, str]:
    """Return the parameters of the stack; raises DeployError when it has no place."""
    if not settings.subnets:
        raise DeployError("DATABASE=aurora needs SUBNETS and SECURITY_GROUPS, where it shall live")
    subnets = settings.subnets.split(",")
    found = session.client("ec2").describe_subnets(SubnetIds=subnets)["Subnets"]
    if len({one["AvailabilityZone"] for one in found}) < 2:
        raise DeployError("Aurora needs SUBNETS in two zones; name one more")
    values = {
        "OwnerSecret": f"{prefix}/{OWNER}",
        "Vpc": found[0]["VpcId"],
        "Subnets": settings.subnets,
        "FunctionsGroup": settings.security_groups.split(",")[0],
        "MinCapacity": settings.database_min_capacity,
        "MaxCapacity": settings.database_max_capacity,
        "PauseSeconds": settings.database_pause_seconds,
        "BackupDays": settings.database_backup_days,
        "KmsKeyArn": key,
    }
    return {name: value for name, value in values.items() if value}


def bring_up(
    client: Any, name: str, values: Mapping[str, str], file: Path = _TEMPLATE
) -> dict[str, str]:
    """Make or change the stack and wait for it; return its outputs. Raises DeployError."""
    states.check_changeable(client, name)
    given, body = _given(values), file.read_text("utf-8")
    if not states.is_made(client, name):
        if states.state_of(client, name):  # planned by a --diff that was cut off
            states.delete(client, name)
        client.create_stack(
            StackName=name, TemplateBody=body, Parameters=given, EnableTerminationProtection=True
        )
        states.wait(client, name, "stack_create_complete", "could not be made")
    elif _updates(client, name, body, given):
        states.wait(client, name, "stack_update_complete", "is as it was")
    return outputs(client, name)


def _updates(client: Any, name: str, body: str, given: list[dict[str, str]]) -> bool:
    """Begin an update; return False where there is nothing to change."""
    try:
        client.update_stack(StackName=name, TemplateBody=body, Parameters=given)
    except ClientError as err:
        if "No updates are to be performed" not in str(err):
            raise
        return False
    return True


def plan(client: Any, name: str, values: Mapping[str, str], file: Path = _TEMPLATE) -> None:
    """Make a change set of what `bring_up` would do."""
    is_new = not states.is_made(client, name)
    made = client.create_change_set(
        StackName=name,
        ChangeSetName=f"agent-flows-diff-{token_hex(8)}",
        ChangeSetType="CREATE" if is_new else "UPDATE",
        TemplateBody=file.read_text("utf-8"),
        Parameters=_given(values),
    )
    with suppress(WaiterError):  # also where nothing would change; whoever reads it sees why
        client.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"])


def _given(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def url(host: str, port: str, password: str) -> str:
    """Return the owner's address, which verifies the server."""
    return (
        f"postgresql://{_USER}:{quote(password, safe='')}@{host}:{port}/{_NAME}?sslmode=verify-full"
    )
