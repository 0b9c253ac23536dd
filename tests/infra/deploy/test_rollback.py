"""A rollback takes the versions of the deployment before, and nothing else (emulated by moto)."""

import pytest

from infra.deploy import rollouts
from infra.deploy.rollouts import Rollouts
from infra.deploy.stack import DeployError
from infra.deploy.steps import rollback
from infra.deploy.steps.step import Sitting
from tests.infra.deploy.conftest import STACK, AwsAccount


def _deploys(account: AwsAccount, sitting: Sitting, *names: str) -> None:
    """Give these functions new code, as a deployment that went well."""
    for name in names:
        account.shift(name, account.publish(name, code=f"{name} {len(names)}"))
    rollback.after_deployment(sitting, {})


def test_a_rollback_undoes_the_last_deployment_and_no_other(
    account: AwsAccount, sitting: Sitting, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deploy("triage", "chat", "ingress")
    rollback.after_deployment(sitting, {})
    _deploys(account, sitting, "triage", "chat")
    _deploys(account, sitting, "chat")
    assert account.live("triage", "chat", "ingress") == {"triage": "2", "chat": "3", "ingress": "1"}
    rollback.run(sitting)
    assert account.live("triage", "chat", "ingress") == {"triage": "2", "chat": "2", "ingress": "1"}
    said = capsys.readouterr().out
    assert f"{STACK}-chat: version 3 → 2" in said
    assert "triage" not in said
    for stays in ("schema", "secrets", "queues", "manifests"):
        assert stays in said
    rollback.run(sitting)
    assert account.live("triage", "chat") == {"triage": "1", "chat": "1"}
    with pytest.raises(DeployError, match="no deployment before this one is known"):
        rollback.run(sitting)


def test_a_version_that_alarms_led_back_is_never_gone_back_to(
    account: AwsAccount, sitting: Sitting
) -> None:
    account.deploy("chat")
    rollback.after_deployment(sitting, {})
    account.publish("chat", code="bad")  # version 2, which CodeDeploy led back
    _deploys(account, sitting, "chat")
    assert account.live("chat") == {"chat": "3"}
    rollback.run(sitting)
    assert account.live("chat") == {"chat": "1"}


def test_the_next_deployment_goes_forward_also_where_nothing_changed(
    account: AwsAccount, sitting: Sitting
) -> None:
    account.deploy("chat", "triage")
    rollback.after_deployment(sitting, {})
    _deploys(account, sitting, "chat", "triage")
    rollback.run(sitting)
    assert rollback.is_rolled_back(sitting)
    # CloudFormation sees new code of one, and leaves the alias of the other where it is.
    account.shift("triage", account.publish("triage", code="mended"))
    rollback.after_deployment(sitting, {})
    assert account.live("chat", "triage") == {"chat": "2", "triage": "3"}
    assert not rollback.is_rolled_back(sitting)


def test_nothing_is_rolled_back_in_the_middle_of_a_shift(
    account: AwsAccount, sitting: Sitting
) -> None:
    account.deploy("chat")
    rollback.after_deployment(sitting, {})
    _deploys(account, sitting, "chat")
    account.lambdas.update_alias(
        FunctionName=f"{STACK}-chat",
        Name="live",
        FunctionVersion="2",
        RoutingConfig={"AdditionalVersionWeights": {account.publish("chat", code="new"): 0.1}},
    )
    with pytest.raises(DeployError, match="is between two versions"):
        rollback.run(sitting)
    assert account.live("chat") == {"chat": "2"}


def test_a_version_that_is_gone_stops_it_before_anything_changes(
    account: AwsAccount, sitting: Sitting
) -> None:
    account.deploy("chat", "triage")
    rollback.after_deployment(sitting, {})
    _deploys(account, sitting, "chat", "triage")
    account.lambdas.delete_function(FunctionName=f"{STACK}-triage", Qualifier="1")
    with pytest.raises(DeployError, match="triage has no version 1 any more"):
        rollback.run(sitting)
    assert account.live("chat", "triage") == {"chat": "2", "triage": "2"}
    assert not rollback.is_rolled_back(sitting)


def test_without_a_stack_it_says_so(sitting: Sitting) -> None:
    with pytest.raises(DeployError, match=f"there is no stack {STACK}"):
        rollback.run(sitting)


def test_the_record_fits_into_a_parameter_with_as_many_functions_as_there_are(
    sitting: Sitting,
) -> None:
    ssm, known = sitting.client("ssm"), Rollouts()
    for number in range(40):
        live = {f"{STACK}-flow-with-a-long-name-{n}": f"{number}" for n in range(60)}
        known = known.with_live(live)
        rollouts.save(ssm, "agents", known)
    read = rollouts.read(ssm, "agents")
    assert read.deployed[-1] == known.deployed[-1]
    assert 1 <= len(read.deployed) < 10


def test_a_deployment_that_changed_no_function_is_not_one_to_go_back_to() -> None:
    known = Rollouts().with_live({"chat": "1"}).with_live({"chat": "1"}).with_live({"chat": "2"})
    assert [versions for _, versions in known.deployed] == [{"chat": "1"}, {"chat": "2"}]
