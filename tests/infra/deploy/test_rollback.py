"""A rollback takes the versions of the deployment before, and nothing else (emulated by moto)."""

import json
from collections.abc import Callable, Mapping, Sequence

import pytest
from botocore.exceptions import ClientError
from moto.awslambda_simple.models import lambda_simple_backends

from infra.apps.person import Person
from infra.deploy import kept, rollouts, stack
from infra.deploy.rollouts import Rollouts
from infra.deploy.stack import DeployError, Destination
from infra.deploy.steps import functions, migrate, rollback
from infra.deploy.steps.step import Sitting
from infra.migrations.files import Migration, migrations
from infra.migrations.watching import Watched
from tests.infra.deploy.conftest import REGION, STACK, AwsAccount


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


@pytest.mark.parametrize("led", [[], ["chat"], ["chat", "triage"]])
def test_a_rollback_that_is_cut_off_is_ended_and_goes_no_further(
    account: AwsAccount,
    sitting: Sitting,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    led: list[str],
) -> None:
    account.deploy("chat", "triage")
    rollback.after_deployment(sitting, {})
    _deploys(account, sitting, "chat", "triage")
    _deploys(account, sitting, "chat", "triage")
    lead = rollouts.lead

    def dies(client: object, versions: Mapping[str, str]) -> None:
        lead(client, {f"{STACK}-{name}": versions[f"{STACK}-{name}"] for name in led})
        raise ClientError({"Error": {"Code": "ExpiredToken"}}, "UpdateAlias")

    monkeypatch.setattr(rollouts, "lead", dies)
    with pytest.raises(ClientError, match="ExpiredToken"):
        rollback.run(sitting)
    assert "the same command ends it" in capsys.readouterr().out
    assert rollback.is_rolled_back(sitting)
    monkeypatch.setattr(rollouts, "lead", lead)
    rollback.run(sitting)
    said = capsys.readouterr().out
    assert "where a rollback was cut off" in said
    assert ("are there already" in said) == (len(led) == 2)
    assert account.live("chat", "triage") == {"chat": "2", "triage": "2"}
    rollback.run(sitting)
    assert account.live("chat", "triage") == {"chat": "1", "triage": "1"}


class Pondering(Person):
    """A person, while whose pondering something happens."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__(asked=True)
        self._happens = happens

    def agrees(self, question: str) -> bool:
        self._happens()
        return True


def test_what_somebody_deploys_while_a_person_ponders_is_not_rolled_back(
    account: AwsAccount, sitting: Sitting
) -> None:
    account.deploy("chat")
    rollback.after_deployment(sitting, {})
    _deploys(account, sitting, "chat")
    sitting.person = Pondering(lambda: _deploys(account, sitting, "chat"))
    with pytest.raises(DeployError, match="somebody changed the functions meanwhile"):
        rollback.run(sitting)
    assert account.live("chat") == {"chat": "3"}
    assert not rollback.is_rolled_back(sitting)


def test_a_database_that_is_away_holds_up_no_rollback(
    account: AwsAccount, sitting: Sitting, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deploy("chat", "schema")
    rollback.after_deployment(sitting, {})
    _deploys(account, sitting, "chat")
    simple = lambda_simple_backends[sitting.account][REGION]
    simple.lambda_simple_results_queue.append('"away"')
    rollback.run(sitting)
    said = capsys.readouterr().out
    assert "the database could not be told, the next deployment does: agents-schema could" in said
    assert "rolled back; " in said
    assert account.live("chat") == {"chat": "1"}


def test_functions_that_came_with_a_deployment_stay_and_are_named(
    account: AwsAccount, sitting: Sitting, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deploy("chat", "plan")
    known = rollouts.Rollouts().with_live({f"{STACK}-chat": "1", f"{STACK}-gone": "7"})
    rollouts.save(sitting.client("ssm"), "agents", known)
    with pytest.raises(DeployError, match="no deployment before this one is known"):
        rollback.run(sitting)
    _deploys(account, sitting, "chat")
    rollback.run(sitting)
    said = capsys.readouterr().out
    assert f"{STACK}-plan: stays at version 1; that deployment had it not" in said
    assert account.live("chat", "plan") == {"chat": "1", "plan": "1"}


def test_a_deployment_that_fails_after_a_rollback_leaves_it_rolled_back(
    account: AwsAccount,
    sitting: Sitting,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account.deploy("chat")
    rollback.after_deployment(sitting, {})
    _deploys(account, sitting, "chat")
    rollback.run(sitting)

    def sam(command: Sequence[str], place: Destination, settings: Mapping[str, str]) -> None:
        if command[1] == "deploy":
            account.publish("chat", code="new")
            account.shift("chat", "2")  # as CloudFormation does, which knows of no rollback
            raise DeployError("sam deploy failed")

    monkeypatch.setattr(stack, "run_sam", sam)
    monkeypatch.setattr(stack, "check_quotas", lambda *_: None)
    monkeypatch.setattr(kept, "checked", lambda _: None)
    with pytest.raises(DeployError, match="sam deploy failed"):
        functions.run(sitting)
    assert "the functions are rolled back as before" in capsys.readouterr().out
    assert account.live("chat") == {"chat": "1"}
    account.lambdas.delete_function(FunctionName=f"{STACK}-chat", Qualifier="1")
    with pytest.raises(DeployError, match="sam deploy failed"):
        functions.run(sitting)
    said = capsys.readouterr().out
    assert "./scripts/deploy --rollback leads them back again" in said


@pytest.mark.parametrize("released", [True, False])
def test_what_is_taken_away_is_what_no_rollback_leads_to(
    account: AwsAccount, sitting: Sitting, monkeypatch: pytest.MonkeyPatch, *, released: bool
) -> None:
    account.deploy("chat", "schema")
    rollback.after_deployment(sitting, {})
    _deploys(account, sitting, "chat")
    shipped = migrations()
    applied = [(one.number, one.name, one.digest, one.contracts) for one in shipped]
    record = {"applied": applied, "released": [9001] if released else []}
    simple = lambda_simple_backends[sitting.account][REGION]
    simple.lambda_simple_results_queue.append(json.dumps({"record": record}))
    gone = Migration(9001, "gone", "-- contract\ndrop table gone;")
    monkeypatch.setattr(migrate, "migrations", lambda: [*shipped, gone])
    monkeypatch.setattr(stack, "run_sam", lambda *_: None)
    monkeypatch.setattr(migrate, "migrate", lambda *_: Watched([], [], []))
    migrate.run(sitting)
    _deploys(account, sitting, "chat")
    simple.lambda_simple_results_queue.extend(['{"live": "older"}'] * 2)
    rollback.run(sitting)
    assert account.live("chat") == {"chat": "2"}
    if released:
        with pytest.raises(DeployError, match="no deployment before this one is known"):
            rollback.run(sitting)
    else:
        rollback.run(sitting)
        assert account.live("chat") == {"chat": "1"}


def test_a_deployment_that_was_not_noted_is_what_the_next_goes_forward_to() -> None:
    known = Rollouts().with_live({"chat": "1"}).with_live({"chat": "9"}).with_live({"chat": "10"})
    back = known.leaving({"chat": "10"}, {"chat": "9"})._replace(unfinished=False)
    assert back.leaving({"chat": "9"}, {"chat": "1"}).abandoned == {"chat": "10"}
    assert back.leaving({"chat": "11"}, {"chat": "9"}).abandoned == {"chat": "11"}
