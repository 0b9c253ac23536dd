"""The stack of an own database: what it promises, and how it is made (emulated: moto)."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.deploy import aurora
from infra.deploy.connections import read_template
from infra.deploy.stack import DeployError
from shared.database.address import distrust
from shared.settings import Settings

HERE = "eu-central-1"
Json = dict[str, Any]


class Account:
    """An account whose clients are made once."""

    def __init__(self) -> None:
        self.client = cache(boto3.Session("x", "x", region_name=HERE).client)


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with mock_aws():
        yield Account()


@pytest.fixture(scope="module")
def placed(account: Account) -> Settings:
    """Settings with two private subnets and a security group."""
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{HERE}{zone}")
        for n, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="f", Description="f", VpcId=vpc)["GroupId"]
    ids = ",".join(one["Subnet"]["SubnetId"] for one in subnets)
    return Settings(database="aurora", subnets=ids, security_groups=group)


@pytest.fixture(scope="module")
def template() -> Json:
    return read_template("infra/database.yaml")


def test_it_is_private_encrypted_backed_up_and_hard_to_lose(template: Json) -> None:
    cluster = template["Resources"]["Cluster"]
    assert cluster["DeletionPolicy"] == cluster["UpdateReplacePolicy"] == "Snapshot"
    properties = cluster["Properties"]
    assert properties["DeletionProtection"] is properties["StorageEncrypted"] is True
    assert properties["BackupRetentionPeriod"] == {"Ref": "BackupDays"}
    assert properties["EnableIAMDatabaseAuthentication"] is False
    assert "{{resolve:secretsmanager:" in properties["MasterUserPassword"]["Fn::Sub"]
    assert template["Resources"]["Writer"]["Properties"]["PubliclyAccessible"] is False
    (rule,) = template["Resources"]["Group"]["Properties"]["SecurityGroupIngress"]
    assert (rule["FromPort"], rule["ToPort"]) == (5432, 5432)
    assert rule["SourceSecurityGroupId"] == {"Ref": "FunctionsGroup"}


def test_it_takes_tls_only_sleeps_and_logs_no_text(template: Json) -> None:
    parameters = template["Resources"]["Settings"]["Properties"]["Parameters"]
    assert parameters["rds.force_ssl"] == "1"
    assert parameters["log_min_error_statement"] == "panic"
    assert parameters["log_error_verbosity"] == "terse"
    # Longer than any function runs, and no longer than it takes to pause.
    longest = max(
        one["Properties"].get("Timeout", 0)
        for name, one in read_template()["Resources"].items()
        if "VpcConfig" in one.get("Properties", {}) and name != "Migrate"
    )
    assert longest * 1000 < int(parameters["idle_session_timeout"]) <= 300_000


def test_the_owners_password_is_invented_once(account: Account) -> None:
    manager = account.client("secretsmanager")
    first = aurora.password_of(manager, "once")
    assert aurora.password_of(manager, "once") == first
    held = json.loads(manager.get_secret_value(SecretId="once/database/owner")["SecretString"])
    assert held == {"password": first}
    assert len(first) >= 32


def test_its_address_verifies_the_server() -> None:
    url = aurora.url(f"x.cluster-c1.{HERE}.rds.amazonaws.com", "5432", "a/b")
    assert ":a%2Fb@" in url
    assert distrust(url, has_ca=False) == ""


def test_it_is_made_once_and_changed_later(
    account: Account, placed: Settings, template: Json, tmp_path: Path
) -> None:
    """moto knows no cluster, so a topic stands in for all resources."""
    values = aurora.parameters(account, placed, "agents", "")
    assert values.keys() <= template["Parameters"].keys()
    file = tmp_path / "stack.json"
    outputs = {"Host": {"Value": "db.example.com"}, "Port": {"Value": "5432"}}
    resources = {"Topic": {"Type": "AWS::SNS::Topic"}}
    parameters = {name: {"Type": "String"} for name in template["Parameters"] if name in values}
    body = {"Parameters": parameters, "Resources": resources, "Outputs": outputs}
    file.write_text(json.dumps(body))
    client = account.client("cloudformation")
    name = aurora.stack_name("agents")
    found = aurora.bring_up(client, name, values, file)
    assert found == {"Host": "db.example.com", "Port": "5432"}
    assert aurora.bring_up(client, name, values, file) == found
    assert aurora.bring_up(client, name, values | {"MaxCapacity": "8"}, file) == found
    (row,) = client.describe_stacks(StackName=name)["Stacks"]
    given = {one["ParameterKey"]: one["ParameterValue"] for one in row["Parameters"]}
    assert given["MaxCapacity"] == "8"
    assert given["OwnerSecret"] == "agents/database/owner"


def test_without_two_zones_it_has_no_place(account: Account, placed: Settings) -> None:
    with pytest.raises(DeployError, match="two zones"):
        one = placed._replace(subnets=placed.subnets.partition(",")[0])
        aurora.parameters(account, one, "agents", "")
    with pytest.raises(DeployError, match="needs SUBNETS"):
        aurora.parameters(account, Settings(), "agents", "")
