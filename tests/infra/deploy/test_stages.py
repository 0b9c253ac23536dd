"""The stages in samconfig.toml, and what a deployment remembers between two sittings."""

import json
import resource
import signal
import stat
from pathlib import Path

import pytest

from infra.apps.state import State
from infra.deploy.stages import (
    CONFIG,
    GRADUAL,
    Stage,
    check_region,
    read_stage,
    settings_of,
)
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
            "has 'slak'; did you mean slack?",
        ),
        ("[p.agent_flows.parameters]\nslack = true", "p", "slack is 'True'; expected yes or no"),
        ("[p.global.parameters]\nregion = 5", "p", "region is '5'"),
        ("[p.agent_flows]\nparameters = 1", "p", r"below \[p.agent_flows.parameters\]"),
        ('[p.agent_flows]\nslack = "no"', "p", r"'slack' in a place.*agent_flows.parameters\]"),
        ('[p]\nregion = "eu-west-1"', "p", r"'region' in a place.*\[p.global.parameters\]"),
        ("[p]\nglobal = 1", "p", "'global' in a place where nothing reads it"),
        ("[p.agent_flows.parameters]\nslack = false", "p", "slack is 'False'; expected yes or"),
        ("[p.agent_flows.parameters]\ngithub = []", "p", r"github is '\[\]'"),
        ('[p.agent_flows.parameters]\nweight = "1"', "p", "has 'weight'; expected stack_name, pre"),
        ('[p.global.parameters]\nstack-name = "x"', "p", "did you mean stack_name?"),
        ('[p.global.parameters]\nRegion = "x"', "p", "did you mean region?"),
        ('[p.agent_flows.parameters]\nsettings = "a\\u0000b"', "p", "expected a file like .env"),
        ('[p.global.parameters]\nprofile = "--delete"', "p", "profile is '--delete'"),
        ('[p.global.parameters]\nstack_name = "größe"', "p", "stack_name is 'größe'"),
        ("x = " + "[" * 9000, "p", "cannot be read"),
    ],
)
def test_a_wrong_stage_is_named(tmp_path: Path, text: str, name: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        _stage(tmp_path, text, name)


def test_what_is_no_readable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="name one with --config"):
        read_stage(tmp_path / "none.toml", "default")
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        read_stage(tmp_path, "default")
    damaged = tmp_path / "damaged.toml"
    for content in (b"\xff\xfe[", b"\0", b'[p.global.parameters]\nregion = "eu', b"[p]\n[p]\n"):
        damaged.write_bytes(content)
        with pytest.raises(SettingsError, match=r"^damaged.toml cannot be read: .*; correct it"):
            read_stage(damaged, "p")


def test_an_editor_may_save_a_mark_and_sam_has_tables_of_its_own(tmp_path: Path) -> None:
    text = '\ufeff[p.global.parameters]\nregion = "eu-west-1"\ns3_bucket = "mine"\n[p.deploy.x]\n'
    assert _stage(tmp_path, text, "p").region == "eu-west-1"


def test_the_settings_that_a_stage_names_must_be_there(tmp_path: Path) -> None:
    assert settings_of(Stage()).name == ".env"  # which may be missing
    file = tmp_path / "prod.env"
    with pytest.raises(SettingsError, match=r"the stage prod has .* there is no file .*prod.env"):
        settings_of(Stage("prod", settings=str(file)))
    file.touch()
    assert settings_of(Stage("prod", settings=str(file))) == file


def test_a_stage_is_in_the_region_that_the_environment_says() -> None:
    stage = Stage("prod", region="eu-central-1")
    check_region(stage, "")
    check_region(stage, "eu-central-1")
    check_region(Stage("prod"), "eu-west-1")
    with pytest.raises(SettingsError, match="prod is in eu-central-1, and AWS_REGION is eu-west-1"):
        check_region(stage, "eu-west-1")


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


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', '{"github": 8}', "[" * 9000, "\0"])
def test_a_broken_state_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(SettingsError, match="delete it"):
        State(tmp_path / "x.json")


def test_a_value_of_another_type_is_as_if_it_was_not_there(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"github": {"port": "x", "nonce": 5, "tried": "y"}}')
    state = State(tmp_path / "x.json")
    assert state.get("github", "port", 0) == 0
    assert state.get("github", "nonce", "") == ""
    assert state.get("github", "tried") == "y"


def test_where_nothing_can_be_written_it_says_so_and_keeps_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder in (file, Path("/proc/none"), tmp_path / ("x" * 300)):
        with pytest.raises(SettingsError, match=r"cannot be (written|read): .* --data"):
            State(folder / "x.json").put("github", port=1)
    state = State(tmp_path / "folder" / "x.json")
    (tmp_path / "folder").touch()
    with pytest.raises(SettingsError, match="cannot be written: File exists"), state.alone():
        pass


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    state = State(tmp_path / "x.json")
    state.put("github", port=8399)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, most))
    try:
        with pytest.raises(SettingsError, match="cannot be written: File too large"):
            state.put("github", owner="x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        signal.signal(signal.SIGXFSZ, before)
    assert json.loads(state.file.read_text()) == {"github": {"port": 8399}}
    assert [one.name for one in tmp_path.iterdir()] == ["x.json"]
