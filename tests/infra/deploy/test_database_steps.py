"""The steps around the database, in an account (emulated: moto)."""

import json

import pytest

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


def test_a_deletion_leaves_an_own_database_and_its_password(
    account: AwsAccount, sitting: Sitting, capsys: pytest.CaptureFixture[str]
) -> None:
    body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    for name in (STACK, f"{STACK}-database"):
        account.cloudformation.create_stack(StackName=name, TemplateBody=body)
    manager = sitting.client("secretsmanager")
    for name in ("agents/github", "agents/database/owner"):
        manager.create_secret(Name=name, SecretString="hidden")
    removal.run(sitting)
    assert "DeletedDate" not in manager.describe_secret(SecretId="agents/database/owner")
    assert account.cloudformation.describe_stacks(StackName=f"{STACK}-database")["Stacks"]
    said = capsys.readouterr().out.partition("It keeps:")[2]
    assert "the stack agents-database and its secret agents/database/owner" in said
