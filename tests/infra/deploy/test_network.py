"""What is missing between private subnets and what the functions call is named (emulated: moto)."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.deploy.network import MODELS, SERVICES, Findings, Wish, examine

HERE = "eu-central-1"
Json = dict[str, Any]


class Account:
    """An account whose clients are made once."""

    def __init__(self) -> None:
        self.client = cache(boto3.Session("x", "x", region_name=HERE).client)


class Vpc:
    """A VPC with private subnets in two zones, whose way out is a NAT gateway."""

    def __init__(self, account: "Account") -> None:
        self.account = account
        self.ec2 = account.client("ec2")
        self.id = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.private = [self.subnet(f"10.0.{n}.0/24", f"{HERE}{'ab'[n]}") for n in range(2)]
        self.public = self.subnet("10.0.9.0/24", f"{HERE}a")
        self.gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(VpcId=self.id, InternetGatewayId=self.gateway)
        nat = self.ec2.create_nat_gateway(SubnetId=self.public, ConnectivityType="private")
        self.nat = nat["NatGateway"]["NatGatewayId"]
        self.table = self.ec2.create_route_table(VpcId=self.id)["RouteTable"]["RouteTableId"]
        for subnet in self.private:
            self.ec2.associate_route_table(RouteTableId=self.table, SubnetId=subnet)
        self.group = self.new_group("functions")

    def subnet(self, block: str, zone: str) -> str:
        made = self.ec2.create_subnet(VpcId=self.id, CidrBlock=block, AvailabilityZone=zone)
        return str(made["Subnet"]["SubnetId"])

    def new_group(self, name: str) -> str:
        made = self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.id)
        return str(made["GroupId"])

    def route(self, **target: str) -> None:
        self.ec2.create_route(RouteTableId=self.table, DestinationCidrBlock="0.0.0.0/0", **target)

    def let_in(self, group: str, port: int, **source: Any) -> None:
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])

    def endpoint(self, service: str, group: str, **changes: Any) -> None:
        name = f"com.amazonaws.{HERE}.{service}"
        kind: Json = {
            "VpcEndpointType": "Interface",
            "SubnetIds": self.private,
            "SecurityGroupIds": [group],
            "PrivateDnsEnabled": True,
        }
        if service == "s3":
            kind = {"VpcEndpointType": "Gateway", "RouteTableIds": [self.table]}
        self.ec2.create_vpc_endpoint(VpcId=self.id, ServiceName=name, **{**kind, **changes})

    def look(self, **changes: Any) -> Findings:
        wish = Wish(self.private, [self.group])._replace(**changes)
        return examine(self.account, wish)


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with mock_aws():
        yield Account()


@pytest.fixture
def vpc(account: Account) -> Vpc:
    return Vpc(account)


def test_private_subnets_behind_a_nat_gateway_lack_nothing(vpc: Vpc) -> None:
    vpc.route(NatGatewayId=vpc.nat)
    assert vpc.look() == Findings([], [])


Change = Callable[[Vpc], Json | None]


def closed_port(vpc: Vpc) -> None:
    vpc.route(NatGatewayId=vpc.nat)
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    vpc.ec2.revoke_security_group_egress(GroupId=vpc.group, IpPermissions=[everything])
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    ranges = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    vpc.ec2.authorize_security_group_egress(GroupId=vpc.group, IpPermissions=[https | ranges])


def gone_nat(vpc: Vpc) -> None:
    vpc.route(NatGatewayId=vpc.nat)
    vpc.ec2.delete_nat_gateway(NatGatewayId=vpc.nat)


def another_vpc(vpc: Vpc) -> Json:
    vpc.route(NatGatewayId=vpc.nat)
    other = vpc.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    made = vpc.ec2.create_security_group(GroupName="o", Description="o", VpcId=other)
    return {"groups": [made["GroupId"]]}


PROBLEMS: dict[str, Change] = {
    "has no default route": lambda vpc: None,
    "leads to an internet gateway": lambda vpc: vpc.route(GatewayId=vpc.gateway),
    "lets port 5432 out": closed_port,
    "which is deleted": gone_nat,
    "are in several VPCs": another_vpc,
    "subnet-0123": lambda vpc: {"subnets": ["subnet-0123456789abcdef0"]},
    "sg-0123": lambda vpc: {"groups": ["sg-0123456789abcdef0"]},
    "free addresses; Lambda needs": lambda vpc: {"processes": 1_000_000},
}


@pytest.mark.parametrize("word", list(PROBLEMS))
def test_what_stops_a_deployment_is_named(vpc: Vpc, word: str) -> None:
    problems, _ = vpc.look(**(PROBLEMS[word](vpc) or {}))
    assert any(word in problem for problem in problems), problems


def test_one_zone_and_few_addresses_are_noted(vpc: Vpc) -> None:
    vpc.route(NatGatewayId=vpc.nat)
    problems, notes = vpc.look(subnets=vpc.private[:1])
    assert not problems
    assert notes == [f"all SUBNETS are in {HERE}a; when that fails, so does all"]
    small = vpc.subnet("10.0.20.0/28", f"{HERE}b")
    vpc.ec2.associate_route_table(RouteTableId=vpc.table, SubnetId=small)
    problems, notes = vpc.look(subnets=[vpc.private[0], small], processes=19_000)
    assert not problems
    assert notes == [f"{small} has 11 free addresses; a larger one lasts"]


def test_without_a_way_out_each_service_needs_an_endpoint_that_answers(vpc: Vpc) -> None:
    services = (*SERVICES, *MODELS)
    assert any(
        f"without that, {', '.join(services)} need" in one
        for one in vpc.look(services=services).problems
    )
    doors = vpc.new_group("endpoints")
    vpc.let_in(doors, 443, UserIdGroupPairs=[{"GroupId": vpc.group}])
    closed = vpc.new_group("closed")
    for service in services:
        if service == "sqs":
            vpc.endpoint(service, doors, PrivateDnsEnabled=False)
        elif service == "sns":
            vpc.endpoint(service, closed)
        elif service != "states":
            vpc.endpoint(service, doors)
    [missing] = [one for one in vpc.look(services=services).problems if "without that" in one]
    assert missing.startswith("without that, sns, sqs, states need VPC endpoints")


@pytest.mark.parametrize(
    ("source", "is_fine"),
    [
        ({"IpRanges": [{"CidrIp": "10.0.0.0/16"}]}, True),
        ({"IpRanges": [{"CidrIp": "10.0.0.0/24"}, {"CidrIp": "10.0.1.0/24"}]}, True),
        ({"IpRanges": [{"CidrIp": "10.0.0.0/24"}]}, False),
        ({"IpRanges": [{"CidrIp": "192.168.0.0/16"}]}, False),
        ("group", True),
        (None, False),
    ],
)
def test_a_database_of_the_account_must_let_the_functions_in(
    vpc: Vpc, source: Any, is_fine: bool
) -> None:
    vpc.route(NatGatewayId=vpc.nat)
    of_database = vpc.new_group("database")
    if source:
        pairs = {"UserIdGroupPairs": [{"GroupId": vpc.group}]}
        vpc.let_in(of_database, 5432, **(pairs if source == "group" else source))
    rds = vpc.account.client("rds")
    made = rds.create_db_cluster(
        DBClusterIdentifier=f"c-{vpc.id}",
        Engine="aurora-postgresql",
        MasterUsername="owner",
        MasterUserPassword="password1",
        VpcSecurityGroupIds=[of_database],
    )
    found = vpc.look(database_host=made["DBCluster"]["Endpoint"])
    assert [f"({of_database}) lets port 5432 in" in one for one in found.problems] == (
        [] if is_fine else [True]
    )
