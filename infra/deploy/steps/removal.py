"""Deletes the deployment, and says what it leaves."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from infra.deploy import aurora, states
from infra.deploy.stack import DeployError, Destination
from infra.deploy.steps.step import Sitting, goes_on

#: Days in which a deleted secret can be had back. It costs nothing meanwhile, and cannot be read.
#: https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_delete-secret.html
RECOVERY_DAYS = 30
#: How many parameters SSM deletes at once.
_AT_ONCE = 10


class _Whole(NamedTuple):
    """What there is of a deployment: what goes, and what stays."""

    stacks: list[str]
    secrets: list[str]
    parameters: list[str]
    buckets: list[str]
    #: The stack of a database of its own; empty where there is none.
    database: str

    def __bool__(self) -> bool:
        return bool(self.stacks or self.secrets or self.parameters)


def run(sitting: Sitting) -> None:
    """Delete the stacks, their secrets and its parameters, once a person typed its name. What an
    earlier call left, which was cut off, goes too."""
    place, client = sitting.place, sitting.client("cloudformation")
    whole = _found(sitting)
    if not whole:
        raise DeployError(f"there is no stack {place.stack}, and nothing of {place.prefix}")
    for stack in whole.stacks:
        states.check_settled(client, stack)
    _explain(sitting, whole)
    if sitting.person.asked:  # without --yes nobody deletes by a pipe
        typed = sitting.person.ask(f"Type {place.stack} to delete it:")
        if typed != place.stack:
            raise DeployError(f"{typed!r} is not {place.stack}; nothing was deleted")
    with goes_on(sitting, "not all may be deleted"):
        for stack in whole.stacks:
            states.delete(client, stack)
        _delete_secrets(sitting, whole)
        for start in range(0, len(whole.parameters), _AT_ONCE):  # settings, rollouts and tokens
            names = whole.parameters[start : start + _AT_ONCE]
            sitting.client("ssm").delete_parameters(Names=names)
    sitting.state.forget("functions")
    sitting.state.forget("schema")
    sitting.say(f"deleted the stack {place.stack} and {len(whole.secrets)} secrets")


def _found(sitting: Sitting) -> _Whole:
    place, client = sitting.place, sitting.client("cloudformation")
    stacks = [one for one in (place.stack, place.schema) if states.state_of(client, one)]
    secrets = list(_secrets(sitting.client("secretsmanager"), place.prefix))
    database = aurora.stack_name(place.stack)
    database = database if states.state_of(client, database) else ""
    if database:
        secrets = [name for name in secrets if name != f"{place.prefix}/{aurora.OWNER}"]
    parameters = list(_parameters(sitting.client("ssm"), place.prefix))
    buckets = list(_buckets(client, place.stack)) if place.stack in stacks else []
    return _Whole(stacks, secrets, parameters, buckets, database)


def _delete_secrets(sitting: Sitting, whole: _Whole) -> None:
    manager, owner = sitting.client("secretsmanager"), f"{sitting.place.prefix}/{aurora.OWNER}"
    if whole.database and manager.describe_secret(SecretId=owner).get("RotationEnabled"):
        manager.cancel_rotate_secret(SecretId=owner)  # its function is gone
    for name in whole.secrets:
        manager.delete_secret(SecretId=name, RecoveryWindowInDays=RECOVERY_DAYS)


def _explain(sitting: Sitting, whole: _Whole) -> None:
    place, say = sitting.place, sitting.say
    say(
        f"This deletes the stack {place.stack} in account {sitting.account}, region {place.region}:"
    )
    say(
        "  its functions with all versions, queues with what waits in them, schedules, logs, alarms"
    )
    say(f"For {RECOVERY_DAYS} days you can have back, with aws secretsmanager restore-secret:")
    for name in whole.secrets:
        say(f"  the secret {name}")
    say("It keeps:")
    if whole.database:
        for line in _of_database(place, whole.database):
            say(f"  {line}")
    else:
        say("  your database, with the journal and the memory")
    for name in whole.buckets:
        say(f"  the bucket {name}, which you empty and delete yourself")
    say("  the GitHub App and the Slack app; delete them where they are registered")


def _of_database(place: Destination, name: str) -> Iterator[str]:
    """Say what stays of an own database, and which commands delete it."""
    aws = " ".join(["aws", *place.account_options])
    yield f"the stack {name}: the database, with the journal, the memory and its backups"
    yield f"  the secret {place.prefix}/{aurora.OWNER}, with its password"
    yield "  It costs on. Nothing deletes it by accident; these do, and leave a last snapshot:"
    yield f"  {aws} rds modify-db-cluster --db-cluster-identifier {name} --no-deletion-protection"
    yield (
        f"  {aws} cloudformation update-termination-protection --stack-name {name}"
        " --no-enable-termination-protection"
    )
    yield f"  {aws} cloudformation delete-stack --stack-name {name}"
    yield f"  {aws} secretsmanager delete-secret --secret-id {place.prefix}/{aurora.OWNER}"


def _buckets(client: Any, stack: str) -> Iterator[str]:
    """Name those of template.yaml, which retains them."""
    pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
    for page in pages:
        for row in page["StackResourceSummaries"]:
            if row.get("ResourceType") == "AWS::S3::Bucket":
                yield row["PhysicalResourceId"]


def _secrets(client: Any, prefix: str) -> Iterator[str]:
    pages = client.get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": [f"{prefix}/"]}]
    )
    for page in pages:
        yield from (
            row["Name"] for row in page["SecretList"] if row["Name"].startswith(f"{prefix}/")
        )


def _parameters(client: Any, prefix: str) -> Iterator[str]:
    pages = client.get_paginator("get_parameters_by_path").paginate(
        Path=f"/{prefix.strip('/')}/", Recursive=True
    )
    for page in pages:
        yield from (row["Name"] for row in page["Parameters"])
