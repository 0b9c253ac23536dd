"""Each name that a person may set reaches the deployment, or is left out with a reason."""

from pathlib import Path

import pytest

from infra.bundle.build import TemplateText
from infra.bundle.settings import settings_read
from infra.configuration.destinations import (
    DEPLOYED,
    LOCAL,
    OF_DEPLOYING,
    left_out,
    out_of_reach,
    parameter_of,
)
from infra.configuration.names import OF_DEPLOYMENT, OF_STAGE, SETTINGS
from infra.configuration.reader import configure
from infra.configuration.secret_settings import SECRET_FIELDS, SECRETS, contents, key_of
from infra.deploy.alarms import unheard
from infra.deploy.stages import Stage
from infra.project import ROOT
from shared.errors import SettingsError
from shared.settings import Settings

TEMPLATE = TemplateText(ROOT)
#: The parameters that no person sets: a deployment does, or an option of its command.
OF_COMMAND = {"Runtime", "Architecture", "SecretPrefix", "RedeliverySchedule", "Rollout"}


def test_every_name_has_one_place() -> None:
    """A setting that is added without one fails here."""
    read: set[str] = set()
    for function in TEMPLATE.functions:
        read |= settings_read(*TEMPLATE.function(function).entries)
    for name in SETTINGS:
        places = {
            "secret": name.lower() in SECRET_FIELDS,
            "bundle or parameter": name in DEPLOYED,
            "this machine": name in LOCAL,
            "this command": name.startswith("AWS_"),
        }
        assert sum(places.values()) == 1, (name, places)
        if name in DEPLOYED:
            is_parameter = parameter_of(name) in TEMPLATE.parameters
            assert name in read or is_parameter or name in OF_DEPLOYING, name


def test_every_parameter_is_set_by_somebody() -> None:
    of_settings = {parameter_of(name) for name in DEPLOYED}
    of_stage = set(Stage(**{name: "x" for name in Stage._fields}).parameters)
    assert {*TEMPLATE.parameters} - of_settings - of_stage == OF_COMMAND


def test_every_secret_is_a_setting_and_in_one_secret() -> None:
    held = [field for fields in SECRETS.values() for field in fields]
    assert len(held) == len({*held})
    assert {*held} <= {*Settings._fields}
    values = {field: f"of {field}" for field in Settings._fields}
    for secret, content in contents(values).items():
        assert content == {key_of(field): values[field] for field in SECRETS[secret]}
    # What holds a token, a key, a password or a login by its name is a secret.
    suspects = ("_token", "_tokens", "_key", "_secret", "_url", "password")
    plain = {field for field in Settings._fields if field.endswith(suspects)} - SECRET_FIELDS
    assert plain == {
        *("slack_app_token", "slack_configuration_token", "slack_api_url"),
        *("github_api_url", "github_web_url", "front_door_url"),
        *("openai_base_url", "anthropic_base_url"),
    }


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SLACK_APP_TOKEN", "stays on this machine: Slack calls the deployment"),
        ("SLACK_CONFIGURATION_TOKEN", "stays on this machine: the scripts make the Slack app"),
        ("HTTPS_PROXY", "counts for this command"),
        ("AWS_ENDPOINT_URL_SQS", "counts for this command"),
        ("AWS_ENDPOINT_URL", "counts for this command"),
        ("PGPASSWORD", "counts for this command"),
        ("OLLAMA_KEEP_ALIVE", "counts for this command"),
    ],
)
def test_what_does_not_reach_the_deployment_is_said(name: str, said: str) -> None:
    (line,) = left_out([name])
    assert line.startswith(name)
    assert said in line


def test_nothing_is_said_of_what_does() -> None:
    quiet = SETTINGS - LOCAL.keys() - {"AWS_ENDPOINT_URL"}
    assert list(left_out(quiet)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OLLAMA_HOST", "127.0.0.1:11434"),
        ("OLLAMA_HOST", "0.0.0.0"),
        ("OLLAMA_HOST", "http://localhost"),
        ("OPENAI_BASE_URL", "http://me:secret@127.0.0.1:8000/v1"),
        ("ANTHROPIC_BASE_URL", "http://[::1]:9/v1"),
        ("GITHUB_API_URL", "https://ghe.localhost/api/v3"),
        ("SLACK_API_URL", "http://host.docker.internal:1/"),
        ("MODEL_SMALL", "openai:gpt-5,http://LOCALHOST:8000/v1#m"),
        ("MODEL_ROLES", "judge=http://127.0.1.1/v1#m"),
        ("MODEL_LARGE", "ollama:qwen3"),
        ("MODEL_EMBED", "ollama:nomic-embed-text"),
    ],
)
def test_an_address_that_aws_cannot_reach_is_refused(name: str, value: str) -> None:
    (line,) = out_of_reach({name: value})
    assert line.startswith(name)
    assert "secret" not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OLLAMA_HOST", "ollama.acme.internal:11434"),
        ("OPENAI_BASE_URL", "https://127.example.com/v1"),
        ("GITHUB_API_URL", "https://10.0.0.7/api/v3"),
        ("MODEL_SMALL", "openai:localhost"),
        ("LINK_HOSTS", "localhost"),
        ("SLACK_APP_TOKEN", "http://127.0.0.1"),
    ],
)
def test_other_addresses_are_not(name: str, value: str) -> None:
    assert list(out_of_reach({name: value})) == []


@pytest.mark.parametrize("name", sorted(OF_STAGE))
def test_what_belongs_to_a_stage_is_refused_in_the_file(name: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"{name}=x\n")
    with pytest.raises(SettingsError, match=f"{name}, which belongs into samconfig.toml"):
        configure({}, file=tmp_path / ".env")
    assert configure({name: "x"}, file=tmp_path / "none").notes == ()  # another program's


@pytest.mark.parametrize("name", sorted(OF_DEPLOYMENT))
def test_what_the_deployment_sets_is_refused_in_the_file(name: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"{name}=x\n")
    with pytest.raises(SettingsError, match=f"{name}, which the deployment sets"):
        configure({}, file=tmp_path / ".env")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALARM_EMAIL", "ops"),
        ("ALARM_EMAIL", "a@acme.example,b@acme.example"),
        ("LOG_RETENTION", "31"),
        ("VISIBILITY_TIMEOUT", "60"),
        ("VISIBILITY_TIMEOUT", "43201"),
        ("INGRESS_CONCURRENCY", "-1"),
    ],
)
def test_what_aws_would_refuse_is_refused_here(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=name):
        configure({name: value}, file=tmp_path / "none")


def test_an_event_stays_hidden_for_as_long_as_a_flow_may_take() -> None:
    text = (ROOT / "template.yaml").read_text("utf-8")
    flows = [line.split()[1] for line in text.splitlines() if line.startswith("      Timeout:")]
    longest = max(int(one) for one in flows if int(one) < 300)  # others have no queue
    assert longest == 170
    assert int(Settings().visibility_timeout) >= longest


class Account:
    """A session whose topic has these subscriptions."""

    def __init__(self, *arns: str) -> None:
        self._rows = [{"Endpoint": "ops@acme.example", "SubscriptionArn": arn} for arn in arns]

    def client(self, service: str) -> "Account":
        return self

    def describe_stack_resource(self, **_: str) -> dict[str, dict[str, str]]:
        return {"StackResourceDetail": {"PhysicalResourceId": "arn:topic"}}

    def list_subscriptions_by_topic(self, **_: str) -> dict[str, list[dict[str, str]]]:
        return {"Subscriptions": self._rows}


@pytest.mark.parametrize(
    ("account", "address", "said"),
    [
        (Account("arn:1"), "ops@acme.example", ""),
        (Account("PendingConfirmation"), "ops@acme.example", "follow the link"),
        (Account(), "ops@acme.example", "follow the link"),
        (Account("arn:1"), "new@acme.example", "do not reach new@acme.example yet"),
        (Account("arn:1"), "", "set ALARM_EMAIL"),
    ],
)
def test_a_deployment_says_until_when_nobody_hears_the_alarms(
    account: Account, address: str, said: str
) -> None:
    lines = list(unheard(account, "agents", address))
    assert len(lines) == bool(said)
    assert all(said in line for line in lines)
