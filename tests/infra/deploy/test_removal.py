"""Deleting asks for the stack's name, and says what stays (emulated by moto)."""

import json

import pytest

from infra.apps.person import NobodyThere, Person
from infra.deploy.rollouts import Rollouts, save
from infra.deploy.stack import DeployError
from infra.deploy.steps import removal
from infra.deploy.steps.step import Sitting
from tests.infra.deploy.conftest import STACK, AwsAccount


class Typing(Person):
    """A person who types this."""

    def __init__(self, line: str) -> None:
        super().__init__(asked=True)
        self.is_there = True
        self._line = line

    def ask(self, question: str, proposal: str = "") -> str:
        return self._line


@pytest.fixture
def deployed(account: AwsAccount, sitting: Sitting) -> AwsAccount:
    resources = {"Payloads": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}}
    account.cloudformation.create_stack(
        StackName=STACK, TemplateBody=json.dumps({"Resources": resources})
    )
    manager = sitting.client("secretsmanager")
    for name in ("agents/github", "agents/database/owner", "agents-prod/github", "other"):
        manager.create_secret(Name=name, SecretString="hidden")
    save(sitting.client("ssm"), "agents", Rollouts().with_live({"chat": "1"}))
    save(sitting.client("ssm"), "agents-prod", Rollouts())
    return account


def _left(sitting: Sitting) -> set[str]:
    found = sitting.client("secretsmanager").list_secrets()["SecretList"]
    return {row["Name"] for row in found if "DeletedDate" not in row}


def test_it_deletes_the_stack_and_only_its_own_secrets_and_parameters(
    deployed: AwsAccount, sitting: Sitting, capsys: pytest.CaptureFixture[str]
) -> None:
    removal.run(sitting)
    assert _left(sitting) == {"agents-prod/github", "other"}
    names = [row["Name"] for row in sitting.client("ssm").describe_parameters()["Parameters"]]
    assert names == ["/agents-prod/rollouts"]
    assert not deployed.cloudformation.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])[
        "StackSummaries"
    ]
    said = capsys.readouterr().out
    assert "the secret agents/database/owner" in said
    for stays in ("your database", "the bucket", "the GitHub App"):
        assert stays in said.partition("It keeps:")[2]
    assert "hidden" not in said


def test_a_secret_comes_back_within_its_window(deployed: AwsAccount, sitting: Sitting) -> None:
    removal.run(sitting)
    manager = sitting.client("secretsmanager")
    manager.restore_secret(SecretId="agents/github")
    assert manager.get_secret_value(SecretId="agents/github")["SecretString"] == "hidden"


@pytest.mark.parametrize("typed", ["", "yes", "agent", f"{STACK}-prod", STACK.upper()])
def test_another_name_deletes_nothing(deployed: AwsAccount, sitting: Sitting, typed: str) -> None:
    before = _left(sitting)
    sitting.person = Typing(typed)
    with pytest.raises(DeployError, match="nothing was deleted"):
        removal.run(sitting)
    assert _left(sitting) == before
    assert deployed.cloudformation.describe_stacks(StackName=STACK)["Stacks"]


def test_a_script_without_yes_deletes_nothing(deployed: AwsAccount, sitting: Sitting) -> None:
    sitting.person = Person(asked=True)
    sitting.person.is_there = False
    with pytest.raises(NobodyThere):
        removal.run(sitting)
    assert "agents/github" in _left(sitting)


def test_the_name_deletes(deployed: AwsAccount, sitting: Sitting) -> None:
    sitting.person = Typing(STACK)
    removal.run(sitting)
    assert "agents/github" not in _left(sitting)
