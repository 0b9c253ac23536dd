"""The deployment reserves room for the ingress where the account has some (emulated answers)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from infra.apps.person import Person
from infra.deploy.stack import DeployError, Destination
from infra.deploy.stages import Stage
from infra.deploy.steps import room
from infra.deploy.steps.step import Sitting
from tests.scripted_http import Server, answer, served


class Sat(Sitting):
    """A sitting whose Lambda is `server`."""

    def __init__(self, server: Server, **environment: str) -> None:
        self.place = Destination("agents", "agents", "python3.12", "x86_64", region="eu-west-1")
        self.environment = environment
        self.person = Person(asked=False)
        self.stage = Stage("default")
        self.kept = {}
        self.server = server

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name="eu-west-1",
            endpoint_url=self.server.url,
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="secret",
            config=boto3.session.Config(retries={"total_max_attempts": 1}),
        )


@contextmanager
def account(whole: int, free: int, own: int = 0) -> Iterator[Server]:
    limits = {
        "AccountLimit": {"ConcurrentExecutions": whole, "UnreservedConcurrentExecutions": free}
    }
    reserved = {"ReservedConcurrentExecutions": own} if own else {}
    bodies = [json.dumps(body).encode() for body in (limits, reserved)]
    with served(*(answer(200, body) for body in bodies)) as server:
        yield server


@pytest.mark.parametrize(
    ("limits", "asked", "reserved"),
    [
        ((1000, 1000, 0), "", "50"),
        ((1000, 950, 50), "", "50"),  # ours from the last time
        ((1000, 150, 0), "", "50"),
        ((1000, 149, 0), "", ""),
        ((10, 10, 0), "", ""),  # a new account
        ((100, 100, 0), "", ""),
        ((1000, 1000, 0), "200", "200"),
        ((1000, 100, 200), "200", "200"),
        ((1000, 1000, 0), "0", "0"),
        ((10, 10, 0), "0", "0"),
    ],
)
def test_room_is_reserved_where_there_is_some(
    limits: tuple[int, int, int], asked: str, reserved: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = limits[0]
    given = {"INGRESS_CONCURRENCY": asked} if asked else {}
    with account(*limits) as server:
        sitting = Sat(server, **given)
        room.run(sitting)
    assert sitting.environment.get("INGRESS_CONCURRENCY", "") == reserved
    said = capsys.readouterr().out
    if reserved in ("", "0"):
        assert f"the account has {whole} concurrent executions" in said
        assert "Service Quotas" in said
    else:
        assert f"{reserved} of the account's {whole}" in said


@pytest.mark.parametrize(("whole", "free"), [(10, 10), (1000, 120)])
def test_too_much_is_refused_with_what_to_do(whole: int, free: int) -> None:
    with account(whole, free) as server:
        sitting = Sat(server, INGRESS_CONCURRENCY="60")
        with pytest.raises(DeployError, match=r"INGRESS_CONCURRENCY is 60.*lower it, or ask"):
            room.run(sitting)


def test_a_lambda_that_does_not_say_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    denied = json.dumps({"Message": "no", "Code": "AccessDeniedException"}).encode()
    with served(answer(403, denied)) as server:
        sitting = Sat(server)
        room.run(sitting)
    assert "lambda:GetAccountSettings" in capsys.readouterr().out
    assert sitting.environment == {}


def test_what_was_reserved_by_a_setting_stays(capsys: pytest.CaptureFixture[str]) -> None:
    with account(1000, 1000) as server:
        sat = Sat(server)
        sat.kept = {"INGRESS_CONCURRENCY": "20"}
        room.run(sat)
    assert "INGRESS_CONCURRENCY" not in sat.environment
    assert sat.deployed["INGRESS_CONCURRENCY"] == "20"
    assert "20 of the account's 1000" in capsys.readouterr().out
