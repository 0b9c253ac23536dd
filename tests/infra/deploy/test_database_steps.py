"""The steps around the database, in an account (emulated: moto)."""

import json
import re
import shlex
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from infra.configuration.secret_settings import SECRETS
from infra.deploy.stack import DeployError
from infra.deploy.steps import aurora, network, removal, rotation
from infra.deploy.steps.step import Sitting
from tests.infra.deploy.conftest import STACK, AwsAccount

GOOD = "postgresql://me:hidden@db.c1.eu-central-1.rds.amazonaws.com/flows?sslmode=verify-full"


def test_a_good_address_passes_and_the_rest_is_said_to_come_later(
    sitting: Sitting, capsys: pytest.CaptureFixture[str]
) -> None:
    network.run(sitting, {"database_url": GOOD})
    assert "looked at when its function is there" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("stored", "setting", "words"),
    [
        (
            {"database_url": GOOD.replace("verify-full", "require")},
            {},
            ["DATABASE_URL has sslmode=require"],
        ),
        (
            {"database_url": GOOD, "database_reader_url": "postgresql://r:hidden@pooler/x"},
            {},
            ["DATABASE_READER_URL has sslmode=prefer"],
        ),
        (
            {"database_url": GOOD},
            {"MAX_CONCURRENCY": "50", "DATABASE_CONNECTIONS": "100"},
            ["Chat 50", "DATABASE_CONNECTIONS leaves them 100"],
        ),
        (
            {"database_url": GOOD},
            {"SUBNETS": "subnet-0123456789abcdef0", "SECURITY_GROUPS": "sg-0123456789abcdef0"},
            ["SUBNETS or SECURITY_GROUPS: "],
        ),
    ],
)
def test_all_that_would_fail_is_said_before_anything_changes(
    sitting: Sitting, stored: dict[str, str], setting: dict[str, str], words: list[str]
) -> None:
    sitting.environment.update(setting)
    with pytest.raises(DeployError) as caught:
        network.run(sitting, stored)
    assert all(word in str(caught.value) for word in words)
    assert "hidden" not in str(caught.value)


def test_passwords_are_rotated_as_often_as_a_setting_says(
    account: AwsAccount, sitting: Sitting
) -> None:
    account.deploy("rotation")
    found = account.lambdas.get_function(FunctionName=f"{STACK}-rotation")
    sitting.__dict__["outputs"] = {"RotationFunction": found["Configuration"]["FunctionArn"]}
    manager = sitting.client("secretsmanager")
    names = [f"agents/{name}" for name in SECRETS if name.startswith("database/")]
    for name in names:
        manager.create_secret(Name=name, SecretString="{}")
    for days, is_on in (("", False), ("7", True), ("0", False)):
        sitting.environment["DATABASE_ROTATION_DAYS"] = days
        rotation.run(sitting)
        rows = [manager.describe_secret(SecretId=name) for name in names]
        assert [bool(row.get("RotationEnabled")) for row in rows] == [is_on] * 4
    sitting.environment |= {"DATABASE": "aurora", "DATABASE_ROTATION_DAYS": ""}
    assert rotation.wanted_days(sitting) == 30


def test_an_own_database_is_asked_for_alone(sitting: Sitting) -> None:
    assert aurora.done(sitting)
    aurora.run(sitting)
    sitting.environment |= {"DATABASE": "aurora", "DATABASE_URL": GOOD}
    assert not aurora.done(sitting)
    with pytest.raises(DeployError, match="not both"):
        aurora.run(sitting)


def test_a_deletion_leaves_an_own_database_and_says_how_to_delete_it(
    account: AwsAccount, sitting: Sitting, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stack has a topic in it, as moto makes no cluster of a template; the cluster is made
    beside it."""
    body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    account.deploy("rotation")
    for name in (f"{STACK}-schema", f"{STACK}-database"):
        account.cloudformation.create_stack(StackName=name, TemplateBody=body)
    rds, manager = sitting.client("rds"), sitting.client("secretsmanager")
    rds.create_db_cluster(
        DBClusterIdentifier=f"{STACK}-database",
        Engine="aurora-postgresql",
        MasterUsername="agent_owner",
        MasterUserPassword="hidden-and-long",
        DeletionProtection=True,
    )
    owner = "agents/database/owner"
    for name in ("agents/github", owner):
        manager.create_secret(Name=name, SecretString="hidden")
    rotation = account.lambdas.get_function(FunctionName=f"{STACK}-rotation")["Configuration"]
    manager.rotate_secret(
        SecretId=owner,
        RotationLambdaARN=rotation["FunctionArn"],
        RotationRules={"AutomaticallyAfterDays": 30},
    )
    removal.run(sitting)
    left = {row["StackName"] for row in account.cloudformation.describe_stacks()["Stacks"]}
    assert left == {f"{STACK}-database"}
    kept = manager.describe_secret(SecretId=owner)
    assert "DeletedDate" not in kept and not kept["RotationEnabled"]
    assert rds.describe_db_clusters()["DBClusters"]
    said = capsys.readouterr().out.partition("It keeps:")[2]
    assert "the stack agents-database: the database, with the journal" in said
    assert "the secret agents/database/owner" in said
    assert "your database" not in said and "hidden" not in said
    with pytest.raises(ClientError, match="disable deletion protection"):
        rds.delete_db_cluster(
            DBClusterIdentifier=f"{STACK}-database", FinalDBSnapshotIdentifier="last"
        )
    for command in re.findall(r"^ +aws (.+)$", said, re.MULTILINE):
        _type(sitting, command)
    rds.delete_db_cluster(DBClusterIdentifier=f"{STACK}-database", FinalDBSnapshotIdentifier="last")
    snapshots = rds.describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    assert [one["DBClusterSnapshotIdentifier"] for one in snapshots] == ["last"]
    assert "DeletedDate" in manager.describe_secret(SecretId=owner)
    with pytest.raises(ClientError, match="does not exist"):
        account.cloudformation.describe_stacks(StackName=f"{STACK}-database")


def _type(sitting: Sitting, command: str) -> None:
    """Do what the AWS command line does with `--region R SERVICE OPERATION --option value …`."""
    region, found, *words = shlex.split(command)
    assert (region, found) == ("--region", sitting.place.region)
    service, operation, *options = words
    client = sitting.client(service)
    shape = client.meta.service_model.operation_model(
        "".join(word.title() for word in operation.split("-")).replace("Db", "DB")
    ).input_shape
    names = {xform_name(name).replace("_", "-"): name for name in shape.members}
    given: dict[str, Any] = {}
    while options:
        option = options.pop(0).removeprefix("--")
        if option.startswith("no-"):
            given[names[option.removeprefix("no-")]] = False
        else:
            given[names[option]] = options.pop(0)
    if operation == "update-termination-protection":  # which moto does not know
        assert given == {"StackName": f"{STACK}-database", "EnableTerminationProtection": False}
        return
    getattr(client, operation.replace("-", "_"))(**given)


def test_a_deletion_that_was_cut_off_is_ended(account: AwsAccount, sitting: Sitting) -> None:
    body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    account.cloudformation.create_stack(StackName=f"{STACK}-schema", TemplateBody=body)
    sitting.client("secretsmanager").create_secret(Name="agents/github", SecretString="hidden")
    removal.run(sitting)
    assert not account.cloudformation.describe_stacks()["Stacks"]
    with pytest.raises(DeployError, match="there is no stack agents, and nothing of agents"):
        removal.run(sitting)
