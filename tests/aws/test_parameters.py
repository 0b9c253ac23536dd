"""Secrets in Parameter Store: read, written and deleted with signed requests, and who is away."""

from collections.abc import Iterator

import boto3
import pytest

from shared.aws.parameters import Parameters
from shared.errors import SecretsUnavailable, SettingsError
from tests.moto_server import moto_server
from tests.scripted_http import answer, reset, served, silence

PATH = "/agents/slack-tokens"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setattr("shared.aws.parameters.TIMEOUT", 10.0)  # moto loads as it is asked first
    return monkeypatch


@pytest.fixture
def url(keys: pytest.MonkeyPatch) -> Iterator[str]:
    with moto_server() as url:
        keys.setenv("AWS_ENDPOINT_URL_SSM", url)
        yield url


def test_a_value_is_kept_encrypted_replaced_and_deleted(url: str) -> None:
    parameters = Parameters(PATH)
    assert parameters.read("T1") == ""
    for value in ("xoxb-1", "xoxb-2"):
        parameters.write("T1", value)
        assert parameters.read("T1") == value
    client = boto3.client("ssm", endpoint_url=url, region_name="eu-central-1")
    [listed] = client.describe_parameters()["Parameters"]
    assert (listed["Name"], listed["Type"]) == (f"{PATH}/T1", "SecureString")
    assert parameters.read("T2") == ""
    for _ in range(2):
        parameters.delete("T1")
    assert parameters.read("T1") == ""


@pytest.mark.parametrize("name", ["", "../T1", "T1/T2", "T 1", "Ť1", "*"])
def test_a_name_stays_below_the_path(url: str, name: str) -> None:
    with pytest.raises(SettingsError, match="letters and digits"):
        Parameters(PATH).read(name)


@pytest.mark.parametrize("steps", [[reset, reset], [silence, silence], [answer(500), answer(503)]])
def test_a_server_that_does_not_answer_is_away(
    keys: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch, steps: list[object]
) -> None:
    monkeypatch.setattr("shared.aws.parameters.TIMEOUT", 0.2)
    with served(*steps) as server:  # type: ignore[arg-type]
        keys.setenv("AWS_ENDPOINT_URL_SSM", server.url)
        with pytest.raises(SecretsUnavailable):
            Parameters(PATH).read("T1")


def test_a_right_that_lacks_is_a_wrong_setting(keys: pytest.MonkeyPatch) -> None:
    with served(answer(400, b'{"__type":"AccessDeniedException","message":"secret"}')) as server:
        keys.setenv("AWS_ENDPOINT_URL_SSM", server.url)
        with pytest.raises(SettingsError, match="400 AccessDeniedException; look at") as refused:
            Parameters(PATH).read("T1")
        assert "secret" not in str(refused.value)
