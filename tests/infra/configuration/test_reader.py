"""Settings as people write them: right in many forms; wrong ones are named, a line each."""

import base64
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.configuration.checks import CHECKS
from infra.configuration.names import OF_DEPLOYMENT
from infra.configuration.reader import Configuration, configure, load, require_complete
from infra.local.sandbox.github.tokens import new_key
from shared.errors import SettingsError
from shared.settings import Settings

FIELDS = sorted({name.upper() for name in Settings._fields} - OF_DEPLOYMENT)
KEY = new_key()
DIGEST = "ab" * 32
#: A value of each setting that is right.
RIGHT = {
    "GITHUB_WEBHOOK_SECRET": "a secret of words",
    "GITHUB_APP_ID": "12345",
    "GITHUB_APP_PRIVATE_KEY": KEY,
    "GITHUB_TOKEN": "ghp_" + "a" * 36,
    "GITHUB_API_URL": "https://github.acme.dev/api/v3",
    "GITHUB_WEB_URL": "https://github.acme.dev",
    "GITHUB_CLIENT_ID": "Iv23liAbC",
    "GITHUB_CLIENT_SECRET": "c" * 40,
    "CONSOLE_KEY": "k" * 64,
    "CONSOLE_OPERATORS": "acme/platform, acme/support",
    "GITHUB_BOT_NAME": "my-agent",
    "GITHUB_LABEL_PREFIX": "my agent:",
    "SLACK_SIGNING_SECRET": "8f742231b10e8888abcd99yyyzzz85a5",
    "SLACK_BOT_TOKEN": "xoxb-1-2-abc",
    "SLACK_APP_TOKEN": "xapp-1-A-2-abc",
    "SLACK_CONFIGURATION_TOKEN": "xoxe-1-abc",
    "SLACK_CLIENT_ID": "123.456",
    "SLACK_CLIENT_SECRET": "8f742231b10e8888abcd99yyyzzz85a5",
    "SLACK_TOKEN_KEYS": f"k2:{'A' * 43}=, k1:{'b' * 43}=",
    "SLACK_API_URL": "https://slack.com/api/",
    "FRONT_DOOR_URL": "https://agents.acme.dev",
    "API_TOKENS": f'{{"{DIGEST}": {{"tenant": "acme", "actor": "ada", "role": "member"}}}}',
    "MODEL_SMALL": "openai:gpt-5-mini, http://127.0.0.1:8000/v1#name,offline",
    "MODEL_LARGE": "bedrock:us.amazon.nova-pro-v1:0",
    "MODEL_EMBED": "bedrock:amazon.titan-embed-text-v2:0@512",
    "MODEL_ROLES": "judge=openai:gpt-5.4;draft=ollama:qwen3",
    "MODEL_PRICES": "openai:my-model=0.5/2/0.05;ollama:*=0/0/0",
    "MODEL_WINDOWS": "ollama:*=32768;http://host/v1#name=32768/4096",
    "MODEL_AUDIO": "openai:whisper-1",
    "MODEL_AUDIO_PRICE": "0.006",
    "MODEL_SEES": "*claude*, openai:gpt-5*",
    "MODEL_LIMITS": "openai:gpt-5.4-mini=rpm:500,tpm:200000;bedrock:*=rpm:60,usd_per_day:20",
    "BUDGETS": "tenant=20;flow=5;flow:chat=2;user=1;outsiders=none",
    "PROMPT_CACHE": "process",
    "PROMPT_CACHE_HOURS": "0.5",
    "PROMPT_CACHE_MB": "64",
    "OPENAI_BASE_URL": "http://127.0.0.1:8000/v1",
    "OPENAI_API_KEY": "sk-abc",
    "ANTHROPIC_API_KEY": "sk-ant-abc",
    "ANTHROPIC_BASE_URL": "https://api.anthropic.com",
    "OLLAMA_HOST": "0.0.0.0:11434",
    "BATCH_BUCKET": "my-batches.eu",
    "BATCH_ROLE_ARN": "arn:aws:iam::123456789012:role/batches",
    "DATABASE_URL": "postgresql://me:secret@db.example.com:5432/flows",
    "DATABASE_RUNTIME_URL": "host=/tmp/socket dbname=flows user=me",
    "DATABASE_OPERATOR_URL": "postgres://me@[::1]/flows",
    "DATABASE_READER_URL": "postgresql:///flows",
    "DATABASE_CONNECTIONS": "200",
    "DATABASE": "aurora",
    "DATABASE_MIN_CAPACITY": "0.5",
    "DATABASE_MAX_CAPACITY": "16",
    "DATABASE_PAUSE_SECONDS": "600",
    "DATABASE_BACKUP_DAYS": "35",
    "DATABASE_ROTATION_DAYS": "0",
    "DATABASE_CA": "public",
    "SUBNETS": "subnet-0a1b2c3d4e5f67890,subnet-0f9e8d7c",
    "SECURITY_GROUPS": "sg-0a1b2c3d4e5f67890",
    "MAX_CONCURRENCY": "5",
    "PLAN_CONCURRENCY": "0",
    "RUNS_CONCURRENCY": "10",
    "ALARM_EMAIL": "ops+alarms@acme.example",
    "LOG_RETENTION": "90",
    "VISIBILITY_TIMEOUT": "300",
    "INGRESS_CONCURRENCY": "50",
    "TENANTS": "acme=github:acme,slack:T0123;other=github:other",
    "PLACES": "stale=acme/shop,Acme/*;standup=#standup,C0123ABCD",
    "REPOSITORIES": '{"channel:C0123": "acme/shop", "team:T0123": "acme/website"}',
    "APPROVER_DIFFERS": "On",
    "FINDINGS_PER_DAY": "12",
    "EXPLORE_SHARE": "0.2",
    "FOOTER": "OFF",
    "LINK_HOSTS": "docs.acme.com,*.acme.dev",
    "MAX_ATTEMPTS": "3",
    "MAX_PAUSE_HOURS": "24",
    "MAP_MEMORY_MB": "64",
    "MAP_SPILL": "s3",
    "RETENTION_DAYS": "30",
    "MEMORY_UNUSED_DAYS": "0",
    "AUDIENCES": '{"team:T1": ["org:acme", "repo:acme/*"]}',
    "MEMORY_RETENTION": '{"episode": 90, "document": 365}',
}
#: Settings that any text in one line is right for.
FREE = {"GITHUB_WEBHOOK_SECRET"}
#: Settings that take any characters of a key.
KEYS = {
    "SLACK_SIGNING_SECRET",
    "SLACK_CLIENT_SECRET",
    "CONSOLE_KEY",
    "GITHUB_CLIENT_SECRET",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GITHUB_TOKEN",
}
SECRETS = re.compile(r".*(SECRET|TOKENS?|KEYS?|URL)")


def read(file: Path, text: str = "", **environment: str) -> Configuration:
    file.write_text(text, "utf-8")
    return configure(environment, file=file)


def problems(file: Path, text: str = "", **environment: str) -> list[str]:
    """The lines of the error."""
    with pytest.raises(SettingsError) as caught:
        read(file, text, **environment)
    return str(caught.value).splitlines()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


@pytest.mark.parametrize("name", FIELDS)
def test_a_right_value_is_taken_with_space_around_it(name: str, file: Path) -> None:
    expected = RIGHT[name].lower() if name in {"FOOTER", "APPROVER_DIFFERS"} else RIGHT[name]
    for value in (RIGHT[name], f"  {RIGHT[name]}\u200b \n"):
        found = read(file, **{name: value})
        assert getattr(found.settings, name.lower()) == expected.strip()
        assert found.environment[name] == expected.strip()
        assert not found.notes


def wrong_values(name: str) -> Iterator[str]:
    """What people give a setting by mistake."""
    yield from ("yes\x07", "x\0y")
    if name in FREE:
        return
    yield from ("„off“", "true, or false", "no such\nthing")
    if name in KEYS:
        return
    yield from ("-1;", "http://[bad", "{", "=")
    if re.search("DAYS|HOURS|MB", name):
        yield from ("-1", "1e3", "１０", "ten", "7 days", "1_000", "nan", "inf", "99999999999")
    if re.search("URL|HOST$", name):
        yield from ("http://host:99999x/", "ftp://host/x", "http://ho st/", "http://host:70000/")
    if RIGHT[name].startswith("{"):
        yield from ("[]", "3", '"text"', "null", RIGHT[name][:-1], RIGHT[name].replace('"', "'"))
    lists = {"MODEL_PRICES", "MODEL_WINDOWS", "MODEL_LIMITS", "MODEL_SEES", "MODEL_AUDIO_PRICE"}
    if name.startswith("MODEL_") and name not in lists:
        yield from ("gpt-5", "opnai:gpt-5", "openai:", "bedrock:", "http://[::1/v1#x", "http://h")
    if name.endswith("_TOKEN") and name.startswith("SLACK"):
        yield from ("xoxp-1-2", "xoxa-2", "tkn-of-mine", "xapp-1" if "BOT" in name else "xoxb-1")


@pytest.mark.parametrize("name", FIELDS)
def test_a_wrong_value_is_named_with_what_is_expected(name: str, file: Path) -> None:
    for value in wrong_values(name):
        [line] = problems(file, **{name: value})
        assert name in line, value
        assert re.search(r"expected|write|paste|copy|install|keep", line), (value, line)
        assert line.isprintable(), value
        if SECRETS.fullmatch(name):
            assert value.strip() not in line or len(value) < 5, value


@pytest.mark.parametrize("name", FIELDS)
def test_an_empty_value_is_not_set(name: str, file: Path) -> None:
    for value in ("", " ", "\n"):
        assert read(file, **{name: value}).settings == Settings()
    assert read(file, f"{name}=\n").settings == Settings()


def test_all_that_is_wrong_is_said_at_once(file: Path) -> None:
    said = problems(
        file, "RETENTION_DAYS=ten\nMODEL_SMAL=offline\nAWS_REGION=Frankfurt", FOOTER="?"
    )
    assert [re.findall(r"[A-Z_]{5,}", line)[0] for line in said] == [
        *("MODEL_SMAL", "AWS_REGION", "FOOTER", "RETENTION_DAYS")
    ]


def misspelt(name: str) -> Iterator[str]:
    """Names that a person may write for a setting."""
    yield from (name.lower(), name.replace("_", "-"), name[:-1] + name[-1] * 2, name.title())
    if len(name) > 6:
        yield from (name[:2] + name[3:], name[:3] + name[4] + name[3] + name[5:], f"AGENT_{name}")


@pytest.mark.parametrize("name", FIELDS)
def test_a_name_that_is_nearly_one_is_refused_in_the_file_and_noted_elsewhere(
    name: str, file: Path
) -> None:
    for wrong in misspelt(name):
        if wrong in FIELDS:
            continue
        [line] = problems(file, f"{wrong}=x")
        assert wrong in line
        assert f"did you mean {name}?" in line
    wrong = name.lower()
    [note] = read(file, **{wrong: "x"}).notes
    assert f"did you mean {name}?" in note


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("AGENT_FLOWS_COLOUR", "is no setting"),
        ("GITHUB_WEBHOOK", "did you mean GITHUB_WEBHOOK_SECRET?"),
        ("SLACK_TOKEN", "did you mean SLACK_"),
        ("MODEL", "did you mean MODEL_"),
        ("AWS_REGON", "did you mean AWS_REGION?"),
        ("МODEL_SMALL", "did you mean MODEL_SMALL?"),
        ("FLOW", "the deployment sets"),
        ("TOPIC_ARN", "the deployment sets"),
    ],
)
def test_a_name_of_the_file_that_was_meant_for_us_is_no_setting(
    name: str, said: str, file: Path
) -> None:
    [line] = problems(file, f"{name}=x")
    assert name in line
    assert said in line


def test_other_programs_keep_their_variables(file: Path) -> None:
    others = "HTTPS_PROXY=http://proxy:8\nno_proxy=x\nPGSSLMODE=require\nSAM_CLI_TELEMETRY=0\n"
    found = read(file, f"{others}AWS_MAX_ATTEMPTS=2\nAWS_ENDPOINT_URL_SQS=http://x\nWHATEVER=1")
    assert found.environment["HTTPS_PROXY"] == "http://proxy:8"
    assert found.environment["WHATEVER"] == "1"
    assert found.notes == (".env has WHATEVER, which is no setting here",)


def test_what_the_deployment_sets_is_left_out_of_the_environment(file: Path) -> None:
    found = read(file, FLOW="flows.x:x", TOPIC_ARN="x")
    assert found.settings == Settings()
    assert not found.environment.keys() & OF_DEPLOYMENT
    assert len(found.notes) == 2


@pytest.mark.parametrize(
    ("text", "footer"),
    [
        ("export FOOTER=off", "off"),
        ('FOOTER="off"', "off"),
        ("FOOTER='off' # small", "off"),
        ("FOOTER = off   ", "off"),
        ("\ufeffFOOTER=off", "off"),
        ("# no\r\n\r\nFOOTER=off\r\n", "off"),
        ("FOOTER=off\rRETENTION_DAYS=3\r", "off"),
        ("FOOTER=on\nFOOTER=off", "off"),
        ("FOOTER=off\nFOOTER=", "on"),
        ("X_Y=off\nFOOTER=${X_Y}", "off"),
        ("GITHUB_WEBHOOK_SECRET=çé聊天\nFOOTER=off", "off"),
        (f'GITHUB_APP_PRIVATE_KEY="{KEY}"\nFOOTER=off', "off"),
        ("", "on"),
        ("\n\n#\n", "on"),
    ],
)
def test_the_file_is_read_however_it_was_saved(text: str, footer: str, file: Path) -> None:
    assert read(file, text).settings.footer == footer
    file.write_bytes(text.encode())
    assert configure({}, file=file).settings.footer == footer


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"FOOTER=off\n\nRETENTION_DAYS\n", ".env, line 3: expected RETENTION_DAYS=value"),
        (
            b"FOOTER=${FOOTE}",
            ".env, line 1: FOOTER has a ${…} that nothing before it sets",
        ),
        (b"FOOTER=${A_Z}\nA_Z=off", ".env, line 1: FOOTER has a ${…} that nothing"),
        (b'FOOTER=off\nTENANTS="a', ".env, line 2 cannot be read"),
        (b"\n= x", ".env, line 2 cannot be read"),
        ("FOOTER=off".encode("utf-16"), ".env is not UTF-8"),
        (b"FOOTER=\xff", ".env is not UTF-8"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(content: bytes, said: str, file: Path) -> None:
    file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        configure({}, file=file)
    assert str(caught.value).startswith(said)
    assert len(str(caught.value).splitlines()) == 1


def test_lines_of_a_key_without_quotes_are_not_shown(file: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read(file, f"GITHUB_APP_PRIVATE_KEY={KEY}")
    said = str(caught.value)
    assert "a value of several lines stands in quotes" in said
    assert not any(line[:12] in said for line in KEY.splitlines()[1:-1])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("API_TOKENS=" + "[" * 9999, "API_TOKENS is nested too deep"),
        ("REPOSITORIES=" + "[" * 9999, "REPOSITORIES is nested too deep"),
        ("MODEL_EMBED=openai:text-embedding-3-small@0", "MODEL_EMBED is"),
        ("MODEL_EMBED=openai:text-embedding-3-small@-5", "MODEL_EMBED is"),
        ("MODEL_EMBED=ollama:nomic-embed-text,offline", "MODEL_EMBED is"),
    ],
)
def test_odd_values_are_one_line(line: str, said: str, file: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read(file, line)
    assert str(caught.value).startswith(said) and "\n" not in str(caught.value)


def test_a_name_that_stands_twice_is_noted(file: Path) -> None:
    found = read(file, "FOOTER=on\nexport FOOTER=off\n")
    assert found.notes == (".env has FOOTER 2 times; the last counts",)


def test_a_file_that_is_a_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        configure({}, file=tmp_path)


def test_the_environment_overrules_the_file_which_overrules_what_runs(file: Path) -> None:
    file.write_text("FOOTER=off\nRETENTION_DAYS=7\nGITHUB_TOKEN=of-the-file")
    beneath = {"FOOTER": "on", "MEMORY_UNUSED_DAYS": "3"}
    environment = {"RETENTION_DAYS": "8", "GITHUB_TOKEN": ""}
    settings = configure(environment, beneath=beneath, file=file).settings
    assert (settings.footer, settings.retention_days, settings.memory_unused_days) == (
        *("off", "8", "3"),
    )
    assert settings.github_token == ""


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_either_name_of_the_region_counts_for_all(name: str, file: Path) -> None:
    found = read(file, f"{name}=eu-central-1").environment
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "eu-central-1"


def test_the_file_counts_for_libraries_and_child_processes(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "HTTPS_PROXY", "FOOTER"):
        monkeypatch.setenv(name, "before")
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_PROFILE", "of-the-shell")
    file.write_text("AWS_PROFILE=team\nAWS_REGION=eu-west-1\nHTTPS_PROXY=http://p:8\nODD=1")
    load(os.environ, {"FOOTER": "off"}, file)
    assert os.environ["AWS_PROFILE"] == "of-the-shell"
    assert os.environ["AWS_DEFAULT_REGION"] == os.environ["AWS_REGION"] == "eu-west-1"
    assert os.environ["HTTPS_PROXY"] == "http://p:8"
    assert "FOOTER" not in os.environ
    monkeypatch.delenv("ODD")
    assert capsys.readouterr().err == "note: .env has ODD, which is no setting here\n"


def test_every_setting_is_checked_or_the_deployments_own() -> None:
    assert {name.upper() for name in CHECKS} == set(FIELDS)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"GITHUB_APP_ID": "1"}, "GITHUB_APP_PRIVATE_KEY"),
        ({"GITHUB_APP_PRIVATE_KEY": base64.b64encode(KEY.encode()).decode()}, "GITHUB_APP_ID"),
        ({"SLACK_APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN"),
        ({"BATCH_BUCKET": "abc"}, "BATCH_ROLE_ARN"),
        ({"MODEL_SMALL": "offline,openai:gpt-5"}, "OPENAI_API_KEY"),
        ({"MODEL_LARGE": "anthropic:claude-haiku-4-5"}, "ANTHROPIC_API_KEY"),
    ],
)
def test_half_of_a_pair_is_named(given: dict[str, str], missing: str, file: Path) -> None:
    with pytest.raises(SettingsError, match=missing):
        require_complete(read(file, **given).settings)
    require_complete(read(file, **RIGHT).settings)
    require_complete(Settings())
