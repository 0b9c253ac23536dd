"""The local system chooses from the models that it can reach."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from infra.local.model_choice import ANTHROPIC, BEDROCK, OPENAI, aws_identity, choose_models
from shared.errors import SettingsError
from shared.settings import Settings


class Lists(BaseHTTPRequestHandler):
    """A model server that lists an embedder and a chat model, as OpenAI's and as Ollama's do."""

    def do_GET(self) -> None:
        names = ["nomic-embed-text", "qwen3:8b"]
        lists = {
            "/v1/models": {"data": [{"id": name} for name in names]},
            "/api/tags": {"models": [{"name": name} for name in names]},
        }
        body = json.dumps(lists.get(self.path, {})).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Lists)
    Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.shutdown()
    httpd.server_close()


def chosen(settings: Settings, *named: str) -> tuple[str, ...]:
    return tuple(choose_models(settings, lambda name: name in named).values())


#: Where nobody listens.
NOBODY = "http://127.0.0.1:9"


def test_with_nothing_the_offline_model_answers() -> None:
    assert chosen(Settings(ollama_host=NOBODY)) == ("offline", "offline", "offline")


def test_a_running_ollama_is_used(server: str) -> None:
    assert chosen(Settings(ollama_host=server)) == ("ollama:qwen3:8b", "ollama:qwen3:8b", "offline")


def test_a_compatible_server_is_asked_for_its_models(server: str) -> None:
    found = chosen(Settings(openai_base_url=f"{server}/v1"))
    assert found == ("openai:qwen3:8b", "openai:qwen3:8b", "offline")


def test_keys_choose_their_vendor() -> None:
    assert chosen(Settings(openai_api_key="k"))[:2] == OPENAI
    assert chosen(Settings(anthropic_api_key="k"))[:2] == ANTHROPIC


def test_aws_credentials_choose_bedrock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    assert chosen(Settings())[:2] == BEDROCK


def test_a_name_that_the_user_set_stays() -> None:
    settings = Settings(openai_api_key="k", model_small="offline")
    assert chosen(settings, "MODEL_SMALL")[0] == "offline"
    assert chosen(settings, "MODEL_SMALL")[1] == OPENAI[1]


def test_the_region_counts_by_either_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert aws_identity()["AWS_REGION"] == "us-east-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert aws_identity()["AWS_REGION"] == "eu-west-1"
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert aws_identity()["AWS_REGION"] == "eu-central-1"


def test_a_profile_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(SettingsError, match="nobody"):
        aws_identity()
