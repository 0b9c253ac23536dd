"""Looks whether functions in private subnets reach what they call, and names what is missing.

It asks EC2 what subnets, routes, gateways, endpoints and security groups say. What a network ACL, a
firewall or another account's router does with a packet, only a packet tells.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from ipaddress import IPv4Network
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

Json = dict[str, Any]

#: What the functions call in AWS by their own: the log is Lambda's business, the poller SQS's.
SERVICES = ("s3", "scheduler", "secretsmanager", "sns", "sqs", "states")
MODELS = ("bedrock", "bedrock-runtime")
#: Lambda makes one interface for each pair of a subnet and security groups, and one more for each
#: 65,000 connections: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
_PORTS = 65_000
#: What a process has open besides the database: AWS, a platform, models.
_SOCKETS = 20
_HTTPS = 443
_EVERYWHERE = "0.0.0.0/0"


class Wish(NamedTuple):
    """Where the functions shall run, and what they need there."""

    subnets: Sequence[str]
    groups: Sequence[str]
    services: Sequence[str] = SERVICES
    processes: int = 100
    database_host: str = ""
    database_port: int = 5432


class Findings(NamedTuple):
    """What stops a deployment, and what a person should know."""

    problems: list[str]
    notes: list[str]


def examine(session: Any, wish: Wish) -> Findings:
    """Look at the network of the `wish` with the credentials of `session`."""
    network = _Network(session, wish)
    try:
        found = [*network.of_subnets(), *network.of_groups(), *network.of_ways()]
        found += network.of_database()
    except ClientError as err:
        code, said = err.response["Error"]["Code"], err.response["Error"].get("Message", "")
        if "NotFound" not in code and "Malformed" not in code:
            raise
        return Findings([f"SUBNETS or SECURITY_GROUPS: {said}"], [])
    return Findings(
        [text for stops, text in found if stops], [text for stops, text in found if not stops]
    )


#: Whether it stops a deployment, and what it is.
_Finding = tuple[bool, str]


class _Network:
    def __init__(self, session: Any, wish: Wish) -> None:
        self._session = session
        self._ec2 = session.client("ec2")
        self._wish = wish

    @cached_property
    def _subnets(self) -> list[Json]:
        found: list[Json] = self._ec2.describe_subnets(SubnetIds=[*self._wish.subnets])["Subnets"]
        return found

    @cached_property
    def _groups(self) -> list[Json]:
        asked = self._ec2.describe_security_groups(GroupIds=[*self._wish.groups])
        found: list[Json] = asked["SecurityGroups"]
        return found

    @property
    def _vpc(self) -> str:
        return str(self._subnets[0]["VpcId"])

    def of_subnets(self) -> Iterator[_Finding]:
        vpcs = {one["VpcId"] for one in (*self._subnets, *self._groups)}
        if len(vpcs) > 1:
            yield (
                True,
                f"SUBNETS and SECURITY_GROUPS are in several VPCs: {', '.join(sorted(vpcs))}",
            )
        zones = {one["AvailabilityZone"] for one in self._subnets}
        if len(zones) < 2:
            yield False, f"all SUBNETS are in {', '.join(zones)}; when that fails, so does all"
        needed = 1 + self._wish.processes * _SOCKETS // _PORTS
        for one in self._subnets:
            free = one["AvailableIpAddressCount"]
            if free < needed:
                yield True, f"{one['SubnetId']} has {free} free addresses; Lambda needs {needed}"
            elif free < needed + 8:
                yield False, f"{one['SubnetId']} has {free} free addresses; a larger one lasts"

    def of_groups(self) -> Iterator[_Finding]:
        for port, whom in ((self._wish.database_port, "the database"), (_HTTPS, "HTTPS")):
            if not any(_opens(rule, port) for one in self._groups for rule in _out(one)):
                yield True, f"no rule of SECURITY_GROUPS lets port {port} out, for {whom}"

    def of_ways(self) -> Iterator[_Finding]:
        offline = []
        for one in self._subnets:
            if wrong := self._way_out(one):
                offline.append(one)
                lacks = "GitHub, Slack and models outside of AWS cannot be reached"
                mend = "lead its default route to a NAT gateway"
                yield True, f"{one['SubnetId']} {wrong}: {lacks}; {mend}"
        if offline and (missing := ", ".join(self._without_endpoint(offline))):
            lacks = f"need VPC endpoints with private DNS, which {self._vpc} lacks"
            yield True, f"without that, {missing} {lacks}"

    def _way_out(self, subnet: Json) -> str:
        """Say why a subnet has no way to the internet; '' when it has one."""
        routes = self._table(subnet)["Routes"]
        route: Json = next(
            (one for one in routes if one.get("DestinationCidrBlock") == _EVERYWHERE), {}
        )
        if not route:
            return "has no default route"
        if route.get("State") == "blackhole":
            return "has a default route to something that is gone"
        if str(route.get("GatewayId", "")).startswith("igw-"):
            return "leads to an internet gateway, and functions have no public address"
        if nat := route.get("NatGatewayId"):
            (gateway,) = self._ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"]
            if gateway["State"] != "available":
                return f"leads to {nat}, which is {gateway['State']}"
        return ""

    @cached_property
    def _tables(self) -> list[Json]:
        filters = [{"Name": "vpc-id", "Values": [self._vpc]}]
        found: list[Json] = self._ec2.describe_route_tables(Filters=filters)["RouteTables"]
        return found

    def _table(self, subnet: Json) -> Json:
        """Return the route table of a subnet: its own, else the main one."""
        main: Json = {"Routes": []}
        for table in self._tables:
            for link in table["Associations"]:
                if link.get("SubnetId") == subnet["SubnetId"]:
                    return table
                main = table if link.get("Main") else main
        return main

    def _without_endpoint(self, subnets: Sequence[Json]) -> Iterator[str]:
        """Yield the services that have no endpoint for these subnets."""
        filters = [{"Name": "vpc-id", "Values": [self._vpc]}]
        found = self._ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
        for service in self._wish.services:
            ours = [one for one in found if one["ServiceName"].endswith(f".{service}")]
            if not any(self._serves(one, subnets) for one in ours):
                yield service

    def _serves(self, endpoint: Json, subnets: Sequence[Json]) -> bool:
        if endpoint.get("State", "available") not in {"available", "Available"}:
            return False
        if endpoint["VpcEndpointType"] == "Gateway":
            tables = {self._table(one).get("RouteTableId") for one in subnets}
            return tables <= {*endpoint.get("RouteTableIds", [])}
        if not endpoint.get("PrivateDnsEnabled"):
            return False
        ids = [one["GroupId"] for one in endpoint.get("Groups", [])]
        return not ids or self._is_let_in(ids, _HTTPS)

    def of_database(self) -> Iterator[_Finding]:
        """Look at the security groups of a database of this account."""
        row = self._database()
        if not row:
            return
        if row.get("PubliclyAccessible"):
            yield False, "the database is publicly accessible; its security group alone protects it"
        ids = [one["VpcSecurityGroupId"] for one in row.get("VpcSecurityGroups", [])]
        if ids and not self._is_let_in(ids, self._wish.database_port):
            yield (
                True,
                (
                    f"no security group of the database ({', '.join(ids)}) lets port"
                    f" {self._wish.database_port} in from SECURITY_GROUPS or SUBNETS"
                ),
            )

    def _database(self) -> Json:
        """Return the cluster or the instance at the host, if this account has it."""
        host = self._wish.database_host.lower()
        if ".rds." not in host:
            return {}
        rds = self._session.client("rds")
        for row in rds.describe_db_clusters()["DBClusters"]:
            if host in {row.get("Endpoint"), row.get("ReaderEndpoint")}:
                return dict(row)
        for row in rds.describe_db_instances()["DBInstances"]:
            if host == row.get("Endpoint", {}).get("Address"):
                return dict(row)
        return {}

    def _is_let_in(self, ids: Sequence[str], port: int) -> bool:
        """Tell if one of the security groups takes what comes from ours, or from our subnets."""
        groups = self._ec2.describe_security_groups(GroupIds=[*ids])["SecurityGroups"]
        nets = [IPv4Network(one["CidrBlock"]) for one in self._subnets]
        for rule in (rule for group in groups for rule in group["IpPermissions"]):
            if not _opens(rule, port):
                continue
            if {pair["GroupId"] for pair in rule["UserIdGroupPairs"]} & {*self._wish.groups}:
                return True
            ranges = [IPv4Network(one["CidrIp"]) for one in rule["IpRanges"]]
            if all(any(net.subnet_of(one) for one in ranges) for net in nets):
                return True
        return False


def _out(group: Json) -> list[Json]:
    found: list[Json] = group["IpPermissionsEgress"]
    return found


def _opens(rule: Json, port: int) -> bool:
    protocol = rule["IpProtocol"]
    is_open = protocol == "-1" or rule.get("FromPort", 0) <= port <= rule.get("ToPort", 65_535)
    return is_open and protocol in {"-1", "tcp", "6"}
