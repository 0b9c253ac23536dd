"""Roles, names and retries."""

import subprocess
import sys

import pytest

from shared.errors import ModelRejected, ModelUnavailable, SettingsError
from shared.models import Message, Request
from shared.models.routing import Models
from shared.settings import Settings
from tests.models.scripted_server import Fails, Says, ScriptedServer

ASK = Request((Message("user", "How?"),), max_tokens=50)
NAME = "openai:gpt-5.4-mini"


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def models(settings: Settings, waits: list[float]) -> Models:
    named = settings._replace(model_small=NAME, model_large="offline")
    return Models(named, sleep=waits.append)


def test_roles_stand_for_what_the_settings_say(models: Models) -> None:
    assert models.provider("small").name == NAME
    assert models.provider("large").name == "offline"
    assert models.provider("openai:other").name == "openai:other"
    assert models.provider("small") is models.provider(NAME)


@pytest.mark.parametrize("name", ["gpt-5.4", "medium", "bedrock", "openai:", "http://h/v1", ""])
def test_a_name_that_leads_nowhere_is_a_wrong_setting(settings: Settings, name: str) -> None:
    with pytest.raises(SettingsError, match="MODEL_SMALL="):
        Models(settings._replace(model_small=name)).provider("small")


@pytest.mark.parametrize(
    ("name", "setting"),
    [("openai:gpt-5.4", "OPENAI_API_KEY"), ("anthropic:claude-haiku-4-5", "ANTHROPIC_API_KEY")],
)
def test_a_missing_key_is_named(name: str, setting: str) -> None:
    with pytest.raises(SettingsError, match=setting):
        Models(Settings()).provider(name)


@pytest.mark.parametrize("key", ["sk-ä", "sk-1\nx: y"])
def test_a_key_that_cannot_be_one_is_named_and_not_shown(key: str) -> None:
    with pytest.raises(SettingsError, match="OPENAI_API_KEY") as caught:
        Models(Settings(openai_api_key=key)).provider("openai:gpt-5.4")
    assert key not in str(caught.value)


def test_what_may_pass_is_retried_until_it_has_passed(
    models: Models, server: ScriptedServer, waits: list[float]
) -> None:
    server.says(Fails(500), Fails(503), Says("at last"))
    assert models.reply("small", ASK, timeout=30).text == "at last"
    assert len(waits) == 2
    assert 0.25 <= waits[0] <= 0.5 <= waits[1] <= 1.0


def test_the_server_says_how_long_to_wait(
    models: Models, server: ScriptedServer, waits: list[float]
) -> None:
    server.says(Fails(429, headers={"Retry-After": "3"}), Says())
    models.reply("small", ASK, timeout=30)
    assert 3 <= waits[0] <= 3.3


def test_a_wait_beyond_the_time_left_is_not_begun(
    models: Models, server: ScriptedServer, waits: list[float]
) -> None:
    server.says(Fails(429, headers={"Retry-After": "60"}))
    with pytest.raises(ModelUnavailable) as caught:
        models.reply("small", ASK, timeout=30)
    assert caught.value.retry_after == 60
    assert (len(server.seen), waits) == (1, [])


def test_attempts_have_an_end(models: Models, server: ScriptedServer, waits: list[float]) -> None:
    server.says(*[Fails(500)] * 9)
    with pytest.raises(ModelUnavailable):
        models.reply("small", ASK, timeout=1000)
    assert len(server.seen) == 5


def test_what_was_rejected_is_not_tried_again(models: Models, server: ScriptedServer) -> None:
    server.says(Fails(401))
    with pytest.raises(ModelRejected):
        models.reply("small", ASK, timeout=30)
    assert len(server.seen) == 1


def test_a_stream_is_retried_before_its_first_piece_only(
    models: Models, server: ScriptedServer, waits: list[float]
) -> None:
    server.says(Fails(500), Says("whole"))
    assert "".join(c.text for c in models.stream("small", ASK, timeout=30)) == "whole"
    server.says(Says("half of it", breaks_off=True), Says("a second start"))
    pieces = []
    with pytest.raises(ModelUnavailable):
        pieces += [chunk.text for chunk in models.stream("small", ASK, timeout=30)]
    assert len(server.seen) == 3


def test_embedders_are_retried_too(
    models: Models, server: ScriptedServer, settings: Settings
) -> None:
    named = settings._replace(model_embed="openai:text-embedding-3-small@8")
    server.says(Fails(503))
    embedder = Models(named, sleep=lambda _: None).embedder()
    assert embedder.dimensions == 8
    assert len(embedder.embed(["a"])[0]) == 8


@pytest.mark.parametrize("name", ["offline", "minilm", "hashing", "anthropic:x", "openai:unheard"])
def test_an_embedder_that_is_not_behind_an_api_is_not_built_here(
    settings: Settings, name: str
) -> None:
    with pytest.raises(SettingsError, match="MODEL_EMBED"):
        Models(settings._replace(model_embed=name)).embedder()


def _modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("offline", {"urllib3", "boto3", "botocore", "shared.models.openai"}),
        ("http://127.0.0.1/v1#x", {"boto3", "botocore", "shared.models.offline"}),
    ],
)
def test_only_the_module_of_the_named_model_is_loaded(name: str, absent: set[str]) -> None:
    loaded = _modules_after(
        "from shared.models.routing import Models\nfrom shared.settings import Settings\n"
        f"Models(Settings()).provider({name!r})"
    )
    assert not loaded & absent
