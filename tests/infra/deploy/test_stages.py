"""The stages in samconfig.toml, and what a deployment remembers between two sittings."""

import json
import stat
from pathlib import Path

import pytest

from infra.apps.state import State
from infra.deploy.stages import CONFIG, GRADUAL, Stage, read_stage
from infra.local.aws.template import read
from infra.project import ROOT
from shared.errors import SettingsError

TWO = """
version = 0.1
[default.global.parameters]
stack_name = "agents"
[prod.global.parameters]
region = "eu-central-1"
profile = "prod"
[prod.agent_flows.parameters]
github = "acme"
settings = ".env.prod"
"""


def _stage(folder: Path, text: str, name: str) -> Stage:
    file = folder / "samconfig.toml"
    file.write_text(text, "utf-8")
    return read_stage(file, name)


def test_the_default_stage_is_what_was_deployed_before() -> None:
    assert read_stage(CONFIG, "default") == Stage()


def test_two_stages_share_nothing_by_oversight(tmp_path: Path) -> None:
    default, prod = _stage(tmp_path, TWO, "default"), _stage(tmp_path, TWO, "prod")
    assert (default.stack_name, default.prefix, default.settings) == (
        "agents",
        "agent-flows",
        ".env",
    )
    assert prod == Stage(
        "prod",
        stack_name="agent-flows-prod",
        prefix="agent-flows-prod",
        region="eu-central-1",
        profile="prod",
        settings=".env.prod",
        github="acme",
    )


def test_what_an_account_wants_becomes_parameters_of_the_template(tmp_path: Path) -> None:
    wants = {
        "kms_key": "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/1-2",
        "permissions_boundary": "arn:aws:iam::123456789012:policy/team/bound",
        "tracing": "Active",
        "access_logs": "on",
    }
    lines = "\n".join(f'{name} = "{value}"' for name, value in wants.items())
    stage = _stage(tmp_path, f"[p.agent_flows.parameters]\n{lines}", "p")
    declared = read(ROOT / "template.yaml")["Parameters"]
    assert sorted(stage.parameters.values()) == sorted(wants.values())
    assert declared["Rollout"]["Default"] == GRADUAL
    for name, value in stage.parameters.items():
        assert value in declared[name].get("AllowedValues", [value]), name
    assert Stage().parameters == {}


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ('[p.agent_flows.parameters]\nkms_key = "alias/mine"', "p", "kms_key is 'alias/mine'"),
        ('[p.agent_flows.parameters]\nrollout = "slow"', "p", "expected canary-5-minutes"),
        (TWO, "test", "no stage 'test'; it has default, prod"),
        ("", "default", "it has none"),
        ("[default", "default", "cannot be read"),
        (
            '[p.global.parameters]\nstack_name = "-"',
            "p",
            "stack_name is '-'; expected up to 33",
        ),
        ('[p.agent_flows.parameters]\ngithub = "a b"', "p", "github is 'a b'"),
        (
            '[p.agent_flows.parameters]\nslak = "yes"',
            "p",
            "has 'slak'; expected access_logs, architecture",
        ),
        ("[p.agent_flows.parameters]\nslack = true", "p", "slack is 'True'; expected yes or no"),
        (
            "[p.agent_flows]\nparameters = 1\n[p.global.parameters]\nregion = 5",
            "p",
            "region is '5'",
        ),
    ],
)
def test_a_wrong_stage_is_named(tmp_path: Path, text: str, name: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        _stage(tmp_path, text, name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="name one with --config"):
        read_stage(tmp_path / "none.toml", "default")


def test_the_state_outlives_its_process_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    state = State.of("agents", "eu-central-1", "123456789012", tmp_path / "deploy")
    state.put("github", port=8399)
    state.put("github", owner="acme")
    again = State(state.file)
    assert (again.get("github", "port"), again.get("github", "owner")) == (8399, "acme")
    assert stat.S_IMODE(state.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.file.parent.stat().st_mode) == 0o700
    again.forget("github")
    assert json.loads(state.file.read_text()) == {}
    assert [file.name for file in state.file.parent.iterdir()] == [state.file.name]


def test_a_broken_state_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(SettingsError, match="delete it"):
        State(tmp_path / "x.json")
