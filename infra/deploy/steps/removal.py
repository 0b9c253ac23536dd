"""Deletes the deployment, and says what it leaves."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from infra.deploy import aurora
from infra.deploy.stack import DeployError
from infra.deploy.steps.rollback import check_settled
from infra.deploy.steps.step import Sitting

#: Days in which a deleted secret can be had back. It costs nothing meanwhile, and cannot be read.
#: https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_delete-secret.html
RECOVERY_DAYS = 30
_WAIT = {"Delay": 15, "MaxAttempts": 160}  # network interfaces of functions in a VPC take long


def run(sitting: Sitting) -> None:
    """Delete the stacks, their secrets and its parameters, once a person typed its name."""
    place, client = sitting.place, sitting.client("cloudformation")
    check_settled(sitting)
    secrets = list(_secrets(sitting.client("secretsmanager"), place.prefix))
    parameters = list(_parameters(sitting.client("ssm"), place.prefix))
    kept = list(_kept(client, place.stack))
    if aurora.exists(client, place.stack):
        owner = f"{place.prefix}/{aurora.OWNER}"
        secrets = [name for name in secrets if name != owner]
        kept.append(f"the stack {aurora.stack_name(place.stack)} and its secret {owner}")
    _explain(sitting, secrets, kept)
    if sitting.person.asked:  # without --yes nobody deletes by a pipe
        typed = sitting.person.ask(f"Type {place.stack} to delete it:")
        if typed != place.stack:
            raise DeployError(f"{typed!r} is not {place.stack}; nothing was deleted")
    for stack in (place.stack, place.schema):
        _delete_stack(client, stack)
    for name in secrets:
        sitting.client("secretsmanager").delete_secret(
            SecretId=name, RecoveryWindowInDays=RECOVERY_DAYS
        )
    if parameters:
        sitting.client("ssm").delete_parameters(Names=parameters)
    sitting.state.forget("functions")
    sitting.state.forget("schema")
    sitting.say(f"deleted the stack {place.stack} and {len(secrets)} secrets")


def _explain(sitting: Sitting, secrets: list[str], kept: list[str]) -> None:
    place, say = sitting.place, sitting.say
    say(
        f"This deletes the stack {place.stack} in account {sitting.account}, region {place.region}:"
    )
    say(
        "  its functions with all versions, queues with what waits in them, schedules, logs, alarms"
    )
    say(f"For {RECOVERY_DAYS} days you can have back, with aws secretsmanager restore-secret:")
    for name in secrets:
        say(f"  the secret {name}")
    say("It keeps:")
    say("  your database, with the journal and the memory")
    for name in kept:
        say(f"  {name}, which you empty and delete yourself")
    say("  the GitHub App and the Slack app; delete them where they are registered")


def _kept(client: Any, stack: str) -> Iterator[str]:
    """Name what template.yaml retains."""
    pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
    for page in pages:
        for row in page["StackResourceSummaries"]:
            if row.get("ResourceType") == "AWS::S3::Bucket":
                yield f"the bucket {row['PhysicalResourceId']}"


def _secrets(client: Any, prefix: str) -> Iterator[str]:
    pages = client.get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": [f"{prefix}/"]}]
    )
    for page in pages:
        yield from (
            row["Name"] for row in page["SecretList"] if row["Name"].startswith(f"{prefix}/")
        )


def _parameters(client: Any, prefix: str) -> Iterator[str]:
    pages = client.get_paginator("get_parameters_by_path").paginate(Path=f"/{prefix.strip('/')}/")
    for page in pages:
        yield from (row["Name"] for row in page["Parameters"])


def _delete_stack(client: Any, stack: str) -> None:
    client.delete_stack(StackName=stack)
    try:
        client.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig=_WAIT)
    except WaiterError as err:
        raise DeployError(
            f"{stack} could not be deleted whole: {_reason(client, stack) or err};"
            " mend that, then run this again"
        ) from err


def _reason(client: Any, stack: str) -> str:
    try:
        events = client.describe_stack_events(StackName=stack)["StackEvents"]
    except ClientError:
        return ""
    failed = (event for event in events if event["ResourceStatus"] == "DELETE_FAILED")
    named = (f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', '')}" for one in failed)
    return next(named, "")
