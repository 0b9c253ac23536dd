"""Roles, names and retries."""

import subprocess
import sys
import time
from itertools import pairwise

import pytest

from shared.errors import ModelRejected, ModelUnavailable, SettingsError
from shared.models import ChatMessage, ModelRequest
from shared.models.routing import Models
from shared.settings import Settings
from tests.models.scripted_server import Fails, Hangs, Says, ScriptedServer

ASK = ModelRequest((ChatMessage("user", "How?"),), max_tokens=50)
NAME = "openai:gpt-5.4-mini"


OPENAI = "shared.models.providers.openai.model"


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
    server.says(Fails(500), Fails(502), Says("at last"))
    assert models.reply("small", ASK, timeout=30).text == "at last"
    assert len(waits) == 2
    assert 0.25 <= waits[0] <= 0.5 <= waits[1] <= 1.0


def test_the_server_says_how_long_to_wait(
    models: Models, server: ScriptedServer, waits: list[float]
) -> None:
    server.says(Fails(429, headers={"Retry-After": "0.4"}), Says("then"))
    began = time.monotonic()
    assert models.reply("small", ASK, timeout=30).text == "then"
    assert time.monotonic() - began >= 0.4
    assert (len(server.seen), waits) == (2, [])


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


def test_a_sink_sees_the_text_grow_and_the_reply_is_whole(
    models: Models, server: ScriptedServer
) -> None:
    server.says(Says("支付 🎉 works again", bytewise=True))
    shown: list[str] = []
    reply = models.reply("small", ASK, timeout=30, sink=shown.append)
    assert reply.text == shown[-1] == "支付 🎉 works again"
    assert all(later.startswith(earlier) for earlier, later in pairwise(shown))
    assert server.seen[0].body["stream"] is True


def test_a_stream_that_breaks_off_starts_again_for_the_sink(
    models: Models, server: ScriptedServer, waits: list[float]
) -> None:
    server.says(Fails(500), Says("half of it", breaks_off=True), Says("whole"))
    shown: list[str] = []
    assert models.reply("small", ASK, timeout=30, sink=shown.append).text == "whole"
    assert shown[-1] == "whole"
    assert any("half".startswith(text[:4]) for text in shown[:-1])
    assert len(server.seen) == 3


def _chained(settings: Settings, server: ScriptedServer) -> Models:
    other = f"{server.url}/v1#other"
    return Models(settings._replace(model_small=f"{NAME}, {other}"), sleep=lambda _: None)


@pytest.mark.parametrize("failures", [[Fails(401)], [Fails(404)], [Fails(500)] * 5])
def test_the_next_of_a_chain_answers_when_one_fails(
    settings: Settings, server: ScriptedServer, failures: list[Fails]
) -> None:
    server.says(*failures, Says("from the other"))
    reply = _chained(settings, server).reply("small", ASK, timeout=30)
    assert reply.text == "from the other"
    assert reply.model.endswith("#other")


def test_when_all_of_a_chain_fail_the_last_says_why(
    settings: Settings, server: ScriptedServer
) -> None:
    server.says(Fails(401), Fails(404))
    with pytest.raises(ModelRejected, match="#other: no such model"):
        _chained(settings, server).reply("small", ASK, timeout=30)


def test_a_model_that_hangs_leaves_time_for_the_next(
    settings: Settings, server: ScriptedServer
) -> None:
    server.says(Hangs(), Says("in time"))
    assert _chained(settings, server).reply("small", ASK, timeout=3).text == "in time"


def test_roles_of_ones_own_are_named_in_the_settings(
    settings: Settings, server: ScriptedServer
) -> None:
    named = settings._replace(model_roles=f"judge={NAME},offline; fast=offline")
    models = Models(named)
    assert models.provider("judge").name == NAME
    assert models.provider("fast").name == "offline"
    assert models.substitute("judge") == "offline"
    assert models.substitute("fast") == ""


@pytest.mark.parametrize(
    "roles", ["judge", "judge=", "small=offline", "a b=offline", "=offline", "x=offline;x=offline"]
)
def test_malformed_roles_are_a_wrong_setting(settings: Settings, roles: str) -> None:
    with pytest.raises(SettingsError, match="MODEL_ROLES has"):
        Models(settings._replace(model_roles=roles))


def test_a_role_of_ones_own_that_leads_nowhere_names_its_setting(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="MODEL_ROLES='gpt'"):
        Models(settings._replace(model_roles="judge=gpt")).provider("judge")


def test_an_overload_uses_up_no_attempt(models: Models, server: ScriptedServer) -> None:
    server.says(*[Fails(429)] * 7, Says("at last"))
    assert models.reply("small", ASK, timeout=30).text == "at last"


def _modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("offline", {"urllib3", "boto3", "botocore", OPENAI}),
        ("http://127.0.0.1/v1#x", {"boto3", "botocore", "shared.models.offline"}),
        (
            "anthropic:x",
            {
                "botocore",
                "shared.models.providers.openai.model",
                "shared.models.providers.bedrock.wire",
            },
        ),
    ],
)
def test_only_the_module_of_the_named_model_is_loaded(name: str, absent: set[str]) -> None:
    loaded = _modules_after(
        "from shared.models.routing import Models\nfrom shared.settings import Settings\n"
        f"Models(Settings(anthropic_api_key='k')).provider({name!r})"
    )
    assert not loaded & absent
