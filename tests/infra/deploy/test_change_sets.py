"""A change set says what would change, and is gone afterwards (emulated by moto)."""

import json
from typing import Any

import pytest

from infra.deploy.change_sets import Change, planned, without_versions
from infra.deploy.stack import DeployError
from tests.infra.deploy.conftest import STACK, AwsAccount

_TOPIC = {"Type": "AWS::SNS::Topic"}
_QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 30}}
_LATER = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 60}}


def _plan(account: AwsAccount, kind: str, **resources: Any) -> list[Change]:
    body = json.dumps({"Resources": resources})

    def plan() -> None:
        account.cloudformation.create_change_set(
            StackName=STACK, ChangeSetName="ours", TemplateBody=body, ChangeSetType=kind
        )

    return planned(account.cloudformation, STACK, plan)


def test_it_names_what_comes_changes_and_goes(account: AwsAccount) -> None:
    body = json.dumps({"Resources": {"Topic": _TOPIC, "Queue": _QUEUE}})
    account.cloudformation.create_stack(StackName=STACK, TemplateBody=body)
    account.cloudformation.create_change_set(
        StackName=STACK, ChangeSetName="of-another", TemplateBody=body, ChangeSetType="UPDATE"
    )
    changes = _plan(account, "UPDATE", Queue=_LATER, New=_TOPIC)
    assert {(change.action, change.name) for change in changes} == {
        ("Add", "New"),
        ("Modify", "Queue"),
        ("Remove", "Topic"),
    }
    left = account.cloudformation.list_change_sets(StackName=STACK)["Summaries"]
    assert [one["ChangeSetName"] for one in left] == ["of-another"]


def test_a_first_deployment_leaves_no_stack_behind(account: AwsAccount) -> None:
    changes = _plan(account, "CREATE", Topic=_TOPIC)
    assert [str(change) for change in changes] == ["adds AWS::SNS::Topic Topic"]
    with pytest.raises(account.cloudformation.exceptions.ClientError, match="does not exist"):
        account.cloudformation.describe_stacks(StackName=STACK)


def _begin(account: AwsAccount, *names: str) -> None:
    body = json.dumps({"Resources": {"Topic": _TOPIC}})
    for name in names:
        account.cloudformation.create_change_set(
            StackName=STACK, ChangeSetName=name, TemplateBody=body, ChangeSetType="UPDATE"
        )


def _left(account: AwsAccount) -> set[str]:
    found = account.cloudformation.list_change_sets(StackName=STACK)["Summaries"]
    return {one["ChangeSetName"] for one in found}


def test_planning_that_is_cut_off_leaves_nothing(account: AwsAccount) -> None:
    body = json.dumps({"Resources": {"Queue": _QUEUE}})
    account.cloudformation.create_stack(StackName=STACK, TemplateBody=body)

    def plan() -> None:
        _begin(account, "ours")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        planned(account.cloudformation, STACK, plan)
    assert not _left(account)


def test_the_change_set_of_a_deployment_that_begins_meanwhile_is_left_alone(
    account: AwsAccount,
) -> None:
    body = json.dumps({"Resources": {"Queue": _QUEUE}})
    account.cloudformation.create_stack(StackName=STACK, TemplateBody=body)
    with pytest.raises(DeployError, match="another deployment of agents begins"):
        planned(account.cloudformation, STACK, lambda: _begin(account, "theirs", "ours"))
    assert "theirs" in _left(account)


def test_no_change_set_is_no_change(account: AwsAccount) -> None:
    assert planned(account.cloudformation, STACK, lambda: None) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Change("Add", "AWS::SQS::Queue", "Q"), "adds AWS::SQS::Queue Q"),
        (Change("Modify", "A::B", "F", properties=("Code",)), "changes A::B F (Code)"),
        (Change("Modify", "A::B", "F", replaced=True), "changes A::B F: MADE ANEW, what it holds"),
        (Change("Remove", "A::B", "F"), "removes A::B F"),
    ],
)
def test_a_change_reads_as_a_sentence(change: Change, said: str) -> None:
    assert str(change).startswith(said)


def test_versions_and_aliases_follow_their_functions() -> None:
    function = Change("Modify", "AWS::Lambda::Function", "Chat")
    version = Change("Add", "AWS::Lambda::Version", "ChatVersion1")
    assert without_versions([function, version]) == [function]
