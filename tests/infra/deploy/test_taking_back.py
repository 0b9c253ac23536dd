"""./scripts/deploy --rollback and --delete with what goes wrong around them: a clear line, nothing
half done that the same command would not end (emulated by moto)."""

import os
from contextlib import suppress
from typing import Any

import boto3
import pytest
import urllib3
from moto.cloudformation.models import cloudformation_backends

from infra.apps.person import Person
from infra.apps.state import State
from infra.deploy.stack import Destination
from infra.deploy.stages import Stage
from infra.deploy.steps import rollback
from infra.deploy.steps.step import Sitting
from tests.campaigns import sample
from tests.infra.deploy.conftest import REGION, STACK, AwsAccount
from tests.infra.deploy.test_attacks import Desk, aws, between, check, desk, terminal, wizard
from tests.waiting import wait_for

__all__ = ["aws", "desk", "wizard"]
ACCOUNT = "123456789012"
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
COMMANDS = ("--rollback", "--delete")


class Deployed:
    """Three deployments of two functions, and what a deployment keeps beside them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.account = AwsAccount(desk.aws)
        self._sitting = Sitting(
            Destination(STACK, STACK, "python3.13", "arm64", region=REGION),
            *({}, Person(asked=False), Stage()),
            folder=desk.folder / "other",
        )

    def again(self) -> None:
        urllib3.request("POST", f"{self.desk.aws}/moto-api/reset", timeout=60)
        self.account.deploy("chat", "triage")
        rollback.after_deployment(self._sitting, {})
        for _ in range(2):
            for name in ("chat", "triage"):
                self.account.shift(name, self.account.publish(name, code=f"{name} {_}"))
            rollback.after_deployment(self._sitting, {})
        for name in ("github", "slack"):
            self._client("secretsmanager").create_secret(
                Name=f"{STACK}/{name}", SecretString="hidden-token"
            )

    def left(self) -> list[Any]:
        """Return what is there: versions that are live, secrets and parameters."""
        live: Any = "no stack"
        with suppress(self.account.lambdas.exceptions.ResourceNotFoundException):
            live = self.account.live("chat", "triage")
        parameters = self._client("ssm").describe_parameters()["Parameters"]
        return [live, self.desk.secrets, [one["Name"] for one in parameters]]

    def _client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.desk.aws, region_name=REGION, **KEYS)


@pytest.fixture
def deployed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    for name, value in {
        "AWS_ENDPOINT_URL": desk.aws,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    deployed = Deployed(desk)
    deployed.again()
    return deployed


@pytest.mark.parametrize("word", COMMANDS)
def test_credentials_that_end_in_the_middle_leave_what_the_same_command_ends(
    deployed: Deployed, word: str
) -> None:
    desk = deployed.desk
    begun = deployed.left()
    with between(desk.aws, "", "", after=10**6) as calm:
        assert desk.sit(word, AWS_ENDPOINT_URL=calm[0]).code == 0
    done = deployed.left()
    assert done != begun
    for after in sample(range(len(calm) - 1), 3):
        deployed.again()
        with between(desk.aws, "ExpiredToken", "hush", after=after) as (url, *_):
            ended = desk.sit(word, AWS_ENDPOINT_URL=url)
        check(ended, "credentials are over; sign in again")
        if deployed.left() != begun:
            assert "the same command ends it" in ended.said
        assert desk.sit(word).code == 0
        assert deployed.left() == done


@pytest.mark.parametrize("word", COMMANDS)
def test_while_another_works_on_it_nothing_changes(deployed: Deployed, word: str) -> None:
    desk, begun = deployed.desk, deployed.left()
    with State.of(STACK, REGION, ACCOUNT, desk.folder / "data").alone():
        check(desk.sit(word), "another command works on this already")
    found = cloudformation_backends[ACCOUNT][REGION].get_stack(STACK)
    for state in ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"):
        found.status = state
        check(desk.sit(word), rf"agents is being changed \({state}\); wait")
    assert deployed.left() == begun


@pytest.mark.parametrize("word", COMMANDS)
def test_where_nothing_is_there_it_says_so(deployed: Deployed, word: str) -> None:
    urllib3.request("POST", f"{deployed.desk.aws}/moto-api/reset", timeout=60)
    check(deployed.desk.sit(word), "there is no stack agents")
    assert deployed.left() == ["no stack", [], []]


def test_a_rollback_ends_at_the_first_deployment(deployed: Deployed) -> None:
    desk = deployed.desk
    for version in ("2", "1"):
        assert desk.sit("--rollback").code == 0
        assert deployed.left()[0] == {"chat": version, "triage": version}
    check(desk.sit("--rollback"), "no deployment before this one is known; deploy an earlier")
    assert deployed.left()[0] == {"chat": "1", "triage": "1"}


QUESTIONS = {"--rollback": "Roll back? (yes/no)", "--delete": "Type agents to delete it:"}
#: What a person types, and the exit code.
TYPED = [
    ("--rollback", "no\n", 0),
    ("--rollback", "\x04", 1),
    ("--rollback", "\x03", 130),
    ("--rollback", "agents\n", 0),
    ("--delete", "\x03", 130),
    ("--delete", "\x04", 1),
    ("--delete", "yes\n", 1),
    ("--delete", "agents-schema\n", 1),
]


@pytest.mark.parametrize(("word", "typed", "code"), sample(TYPED, 4))
def test_an_answer_that_is_no_yes_changes_nothing(
    deployed: Deployed, word: str, typed: str, code: int
) -> None:
    begun = deployed.left()
    with terminal() as (types, name):
        out = deployed.desk.begin(word, terminal=name)
        assert wait_for(lambda: out.exists() and QUESTIONS[word] in out.read_text())

        os.write(types, typed.encode())
        ended = deployed.desk.ended(out)
    assert ended.code == code, ended.said
    assert "Traceback" not in ended.said
    assert deployed.left() == begun
