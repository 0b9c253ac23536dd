"""A function's secrets: read when it starts, again when they are old or refused, and not too often;
with a Secrets Manager that is changed, slow, away, throttled, denied and wrong."""

import json

import boto3
import pytest
from Cryptodome.PublicKey import RSA

from shared.aws.secrets import (
    LONGEST,
    MAX_AGE,
    OVERLAP,
    FunctionSettings,
    Secrets,
    ask_aws,
    function_settings,
)
from shared.aws.signed_http import HttpResponse
from shared.errors import SecretsUnavailable, SettingsError
from shared.settings import Settings
from tests.kept_secrets import AWAY, MISSING, Vault, held, refusal
from tests.moto_server import moto_server
from tests.scripted_http import Step, answer, raw, reset, served, silence

KEY = "slack_bot_token"


def token(vault: Vault) -> str:
    return vault.settings().credential(KEY).value


# Age


def test_nothing_is_asked_again_before_its_time() -> None:
    vault = Vault(slack_bot_token="old")
    credential = vault.settings().credential(KEY)
    vault.change(slack_bot_token="new")
    vault.now += MAX_AGE
    assert credential.value == "old"
    vault.now += 1
    assert [credential.value for _ in range(9)] == ["new"] * 9
    assert len(vault.asked) == 2


@pytest.mark.parametrize("failure", [AWAY, MISSING, refusal("AccessDeniedException")])
def test_while_it_cannot_be_asked_the_last_value_counts(failure: HttpResponse) -> None:
    vault = Vault(slack_bot_token="old")
    credential = vault.settings().credential(KEY)
    vault.change(slack_bot_token="new")
    vault.answer = failure
    for _ in range(50):
        vault.now += MAX_AGE / 10
        assert credential.value == "old"
    vault.answer = None
    vault.now += MAX_AGE + 1
    assert credential.value == "new"


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    vault = Vault(slack_bot_token="old")
    credential = vault.settings().credential(KEY)
    vault.change(slack_bot_token="new")
    vault.now -= 30 * 24 * 3600
    assert credential.value == "new"


# Refusal


def test_a_refused_value_is_asked_for_again_at_once() -> None:
    vault = Vault(slack_bot_token="old")
    credential = vault.settings().credential(KEY)
    vault.now += 2
    vault.change(slack_bot_token="new")
    assert credential.renewed("old") == "new"
    assert credential.renewed("old") == "new"  # another thread's refusal asks no more
    assert len(vault.asked) == 2


@pytest.mark.parametrize("failure", [None, AWAY, refusal("ThrottlingException", 429)])
def test_a_storm_of_refusals_asks_less_and_less(failure: HttpResponse | None) -> None:
    vault = Vault(slack_bot_token="old")
    credential = vault.settings().credential(KEY)
    before = len(vault.asked)
    vault.answer = failure
    for _ in range(36_000):  # ten a second for an hour
        vault.now += 0.1
        assert credential.renewed("old") == ""
    asked = len(vault.asked) - before
    assert 3600 / LONGEST <= asked <= 3600 / LONGEST + 20
    vault.answer = None
    vault.change(slack_bot_token="new")
    vault.now += LONGEST
    assert credential.renewed("old") == "new"
    vault.now += 2
    vault.change(slack_bot_token="newer")
    assert credential.renewed("new") == "newer"  # the change made it quick again


def test_a_value_that_is_taken_out_is_gone() -> None:
    vault = Vault(slack_bot_token="old")
    credential = vault.settings(slack_bot_token="of the environment").credential(KEY)
    vault.now += MAX_AGE + 1
    vault.change(slack_bot_token="")
    assert credential.value == "of the environment"


# Two versions


def test_while_a_secret_is_changed_on_both_sides_either_value_signs() -> None:
    vault = Vault(github_webhook_secret="old")
    credential = vault.settings().credential("github_webhook_secret")
    assert list(credential.accepted()) == ["old"]
    vault.now += 2
    vault.change(github_webhook_secret="new")
    assert list(credential.accepted()) == ["old", "new"]
    assert list(credential.accepted()) == ["new", "old"]
    assert list(credential.present()) == ["new"]
    vault.now += OVERLAP
    assert list(credential.accepted()) == ["new"]


def test_a_value_that_leaked_is_out_at_once_when_the_new_one_is_stored_twice() -> None:
    vault = Vault(github_webhook_secret="leaked")
    vault.change(github_webhook_secret="new")
    vault.change(github_webhook_secret="new")
    assert list(vault.settings().credential("github_webhook_secret").accepted()) == ["new"]


@pytest.mark.parametrize("failure", [AWAY, refusal("InternalServiceError", 500)])
def test_a_previous_value_that_cannot_be_read_is_not_asked_for_by_every_stranger(
    failure: HttpResponse,
) -> None:
    vault = Vault(github_webhook_secret="old")
    vault.change(github_webhook_secret="new")
    credential = vault.settings().credential("github_webhook_secret")
    vault.answer = failure
    for _ in range(100):
        assert list(credential.accepted()) == ["new"]
    assert vault.asked.count("AWSPREVIOUS") == 1


# What can be wrong


@pytest.mark.parametrize(
    "wrong",
    [
        HttpResponse(200, b""),
        HttpResponse(200, b"<html>"),
        HttpResponse(200, b"[]"),
        HttpResponse(200, b"null"),
        HttpResponse(200, json.dumps({"SecretBinary": "eA=="}).encode()),
        HttpResponse(200, json.dumps({"SecretString": ""}).encode()),
        HttpResponse(200, json.dumps({"SecretString": "xoxb-plain"}).encode()),
        HttpResponse(200, json.dumps({"SecretString": "[" * 100_000}).encode()),
        held({KEY: 7}),
        held({KEY: None}),
        refusal("AccessDeniedException"),
        refusal("DecryptionFailure"),
        refusal("InvalidRequestException"),
        HttpResponse(403, b""),
        HttpResponse(400, b"[]"),
    ],
)
def test_a_secret_that_cannot_be_used_says_so_without_its_content(wrong: HttpResponse) -> None:
    vault = Vault()
    vault.answer = wrong
    with pytest.raises(SettingsError) as raised:
        token(vault)
    assert "agents/all" in str(raised.value)
    assert "xoxb" not in str(raised.value)


@pytest.mark.parametrize(
    "passing",
    [AWAY, refusal("ThrottlingException"), refusal("InternalFailure", 500), HttpResponse(503, b"")],
)
def test_what_passes_is_retried_a_second_later(passing: HttpResponse) -> None:
    vault = Vault(slack_bot_token="token")
    vault.answer = passing
    for _ in range(10):
        with pytest.raises(SecretsUnavailable):
            token(vault)
    assert len(vault.asked) <= 2
    vault.answer = None
    vault.now += 1
    assert token(vault) == "token"


def test_a_throttled_question_is_asked_once_more_when_the_function_starts() -> None:
    answers = iter([refusal("ThrottlingException"), held({KEY: "token"})])
    secrets = Secrets(["agents/slack"], lambda names, stage: [next(answers)])
    assert secrets.values == {KEY: "token"}


def test_a_secret_that_is_not_there_sets_nothing() -> None:
    vault = Vault()
    vault.answer = MISSING
    settings = vault.settings()
    assert settings.slack_bot_token == ""
    with pytest.raises(SettingsError, match="SLACK_BOT_TOKEN is not set"):
        settings.require(KEY)


def test_what_is_no_setting_is_left_alone_and_an_empty_value_hides_nothing() -> None:
    vault = Vault(host="db", masterarn="x", slack_bot_token="", _fields="x", require="x")
    settings = vault.settings(slack_bot_token="plain")
    assert settings == Settings(slack_bot_token="plain")
    assert settings.credential(KEY).value == "plain"


def test_a_large_key_and_the_largest_secret_fit() -> None:
    pem = RSA.generate(1024).export_key().decode() + "x" * 3000  # as long as one of 4096 bits
    tokens = "t" * 60_000
    settings = Vault(github_app_private_key=pem, api_tokens=tokens).settings()
    assert (settings.github_app_private_key, settings.api_tokens) == (pem, tokens)


# Over HTTP, signed


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    return monkeypatch


def test_the_settings_of_a_function_over_its_environment_over_its_bundle(
    keys: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bundle = tmp_path_factory.mktemp("bundle")
    (bundle / "settings.json").write_text('{"footer": "off", "max_attempts": "7", "gone": "x"}')
    keys.setenv("LAMBDA_TASK_ROOT", str(bundle))
    keys.setenv("MAX_ATTEMPTS", "5")
    keys.setenv("SLACK_BOT_TOKEN", "of the environment")
    keys.setenv("SECRETS", "of-this/slack, of-this/models,of-this/none")
    with moto_server() as url:
        keys.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", url)
        manager = boto3.client("secretsmanager", endpoint_url=url, region_name="eu-central-1")
        for name, held in {"slack": {KEY: "first"}, "models": {"openai_api_key": "k"}}.items():
            manager.create_secret(Name=f"of-this/{name}", SecretString=json.dumps(held))
        settings = function_settings()
        assert (settings.footer, settings.max_attempts) == ("off", "5")
        assert (settings.slack_bot_token, settings.openai_api_key) == ("first", "k")
        assert settings.model_small == "offline"
        manager.put_secret_value(SecretId="of-this/slack", SecretString=json.dumps({KEY: "second"}))
        assert isinstance(settings, FunctionSettings)
        settings.kept._ask_at = 0.0  # as if a second had passed
        assert list(settings.credential(KEY).accepted()) == ["first", "second"]
        assert list(settings.credential(KEY).accepted()) == ["second", "first"]


@pytest.mark.parametrize(
    "steps",
    [[reset, reset], [raw(b"SSH-2.0-x\r\n")] * 2, [silence, silence], [answer(500), answer(502)]],
)
def test_a_server_that_does_not_answer_is_away(
    keys: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch, steps: list[Step]
) -> None:
    monkeypatch.setattr("shared.aws.secrets.TIMEOUT", 0.2)
    with served(*steps) as server:
        keys.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.url)
        with pytest.raises(SecretsUnavailable):
            assert Secrets(["agents/slack"], ask_aws).values
        assert len(server.requests) == 2


def test_a_secret_made_while_the_function_lives_is_found(keys: pytest.MonkeyPatch) -> None:
    vault = Vault()
    vault.answer = MISSING
    credential = vault.settings().credential(KEY)
    vault.answer = None
    vault.change(slack_bot_token="token")
    vault.now += 2
    assert credential.renewed("") == "token"
