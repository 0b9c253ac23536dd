"""Secrets that change while a function lives: whoever holds the old one goes on with the new one,
with no deployment and no failed run."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.github.tokens import new_key
from infra.local.sandbox.slack import SlackSandbox
from shared.actions.github.actions import ListLabels
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.slack.actions import Channel, Post
from shared.actions.slack.adapter import SlackAdapter
from shared.aws.secrets import LONGEST, MAX_AGE, OVERLAP
from shared.database import Database, Statement
from shared.errors import ActionRejected, DatabaseUnavailable, ModelRejected
from shared.models import ChatMessage, ModelRequest
from shared.models.routing import Models
from tests.actions.slack.sandbox_thread import MARK
from tests.kept_secrets import AWAY, MISSING, Vault
from tests.models.scripted_server import Fails, Says, ScriptedServer
from tests.web.api_client import API_TOKENS, ApiClient
from tests.web.front_door import Door, an_issue, slack_body

OTHER_KEY = new_key()
_END = "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s"
WHO = Statement("select session_user::text as login", {})


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHubSandbox]:
    state = tmp_path_factory.mktemp("github")
    with GitHubSandbox("http://127.0.0.1:1/", "secret", state=state) as sandbox:
        yield sandbox


def later(vault: Vault, seconds: float = 2.0) -> None:
    vault.now += seconds


# GitHub


@pytest.mark.parametrize("old", [OTHER_KEY, "app"])
def test_another_private_key_signs_for_the_app(github: GitHubSandbox, old: str) -> None:
    vault = Vault(github_app_private_key=github.private_key if old == "app" else old)
    plain = {"github_api_url": github.api_url, "github_app_id": str(github.app_id)}
    adapter = GitHubAdapter(vault.settings(**plain))
    labels = ListLabels("acme/shop")
    if old == "app":
        assert adapter.read(labels)
        vault.change(github_app_private_key=OTHER_KEY)  # stored before GitHub knows it
        later(vault, MAX_AGE + 1)
        github.end_installation_tokens()
    with pytest.raises(ActionRejected, match="GITHUB_APP_PRIVATE_KEY"):
        adapter.read(labels)
    later(vault, LONGEST)
    vault.change(github_app_private_key=github.private_key)
    assert adapter.read(labels)


@pytest.mark.parametrize("broken", ["", "no key", "-----BEGIN RSA PRIVATE KEY-----\nx"])
def test_a_new_key_that_is_none_leaves_the_old_one(github: GitHubSandbox, broken: str) -> None:
    vault = Vault(github_app_private_key=github.private_key)
    plain = {"github_api_url": github.api_url, "github_app_id": str(github.app_id)}
    adapter = GitHubAdapter(vault.settings(**plain))
    assert adapter.read(ListLabels("acme/shop"))
    vault.change(github_app_private_key=broken)
    later(vault, MAX_AGE + 1)
    github.end_installation_tokens()
    assert adapter.read(ListLabels("acme/shop"))


def test_another_token_of_github_is_taken(github: GitHubSandbox) -> None:
    vault = Vault(github_token="ghp_old")
    adapter = GitHubAdapter(vault.settings(github_api_url=github.api_url))
    labels = ListLabels("acme/shop")
    with pytest.raises(ActionRejected, match="GITHUB_TOKEN"):
        adapter.read(labels)
    later(vault)
    vault.change(github_token=github.token)
    assert adapter.read(labels)
    asked = len(vault.asked)
    assert adapter.read(labels)
    assert len(vault.asked) == asked


# Slack


def test_another_token_of_slack_is_taken(tmp_path: Path) -> None:
    with SlackSandbox("http://127.0.0.1:1", "secret", state=tmp_path) as slack:
        vault = Vault(slack_bot_token="xoxb-old")
        adapter = SlackAdapter(vault.settings(slack_api_url=slack.api_url))
        with pytest.raises(ActionRejected, match="SLACK_BOT_TOKEN"):
            adapter.perform(Post(Channel("#general"), "hi"), MARK, None)
        later(vault)
        vault.change(slack_bot_token=slack.bot_token)
        assert adapter.perform(Post(Channel("#general"), "hi"), MARK, None)


# Models


@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
def test_another_key_of_a_model_is_taken(vendor: str) -> None:
    with ScriptedServer() as server:
        vault = Vault(**{f"{vendor}_api_key": "old"})
        plain = {f"{vendor}_base_url": f"{server.url}/v1", "model_small": f"{vendor}:m"}
        models = Models(vault.settings(**plain, prompt_cache="off"))
        request = ModelRequest((ChatMessage("user", "hello"),))
        server.says(Fails(401))
        with pytest.raises(ModelRejected, match="key was not accepted"):
            models.reply("small", request, timeout=9)
        later(vault)
        vault.change(**{f"{vendor}_api_key": "new"})
        server.says(Fails(401), Says("there"))
        assert models.reply("small", request, timeout=9).text == "there"
        header = "x-api-key" if vendor == "anthropic" else "authorization"
        sent = [{k.lower(): v for k, v in one.headers.items()}[header] for one in server.seen]
        assert [key.removeprefix("Bearer ") for key in sent] == ["old", "old", "new"]


# Postgres


@pytest.fixture
def logins(database_url: str) -> Iterator[list[str]]:
    """Two logins that may act as flows."""
    names = [f"rotated_{uuid.uuid4().hex[:12]}" for _ in range(2)]
    with psycopg.connect(database_url, autocommit=True) as owner:
        for name in names:
            owner.execute(f"create role {name} login noinherit".encode())
            owner.execute(f"grant agent_flows to {name}".encode())
        yield names
        for name in names:
            owner.execute(f"drop owned by {name}; drop role {name}".encode())


def _refuse(database_url: str, login: str) -> None:
    """Let nobody sign in with it, as after a password that was changed, and end who is in."""
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(f"alter role {login} nologin".encode())
        owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", [login]
        )


def _who(database: Database) -> str:
    return str(database.run("acme", [WHO])[0][0]["login"])


def test_a_login_that_is_refused_is_read_again(database_url: str, logins: list[str]) -> None:
    first, second = (make_conninfo(database_url, user=login) for login in logins)
    vault = Vault(database_url=first)
    with Database(vault.settings().credential("database_url"), own_login=True) as database:
        assert _who(database) == logins[0]
        later(vault)
        vault.change(database_url=second)
        assert _who(database) == logins[0]  # it is in, and nothing is old yet
        _refuse(database_url, logins[0])
        assert _who(database) == logins[1]
        assert vault.asked == ["AWSCURRENT"] * 2


def test_a_connection_of_the_old_login_ends_when_the_new_one_is_known(
    database_url: str, logins: list[str]
) -> None:
    first, second = (make_conninfo(database_url, user=login) for login in logins)
    vault = Vault(database_url=first)
    with Database(vault.settings().credential("database_url"), own_login=True) as database:
        assert _who(database) == logins[0]
        vault.change(database_url=second)
        later(vault, MAX_AGE + 1)
        assert _who(database) == logins[1]
        vault.change(database_url="postgresql://[")
        later(vault, MAX_AGE + 1)
        assert _who(database) == logins[1]


def test_a_database_that_is_away_asks_for_its_login_less_and_less() -> None:
    vault = Vault(database_url="postgresql://nobody@127.0.0.1:1/none")
    with Database(vault.settings().credential("database_url"), patience=0.3) as database:
        for _ in range(60):
            later(vault, 0.5)
            with pytest.raises(DatabaseUnavailable):
                database._patience = 0.0
                _who(database)
    assert len(vault.asked) <= 8


# What comes in


def door_of(vault: Vault) -> Door:
    return Door(vault.settings(github_app_id="99"))


def test_a_webhook_secret_is_changed_without_a_lost_delivery() -> None:
    vault = Vault(github_webhook_secret="before", slack_signing_secret="before")
    door = door_of(vault)
    assert door.github(an_issue())["statusCode"] == 401
    later(vault)
    vault.change(github_webhook_secret="github secret", slack_signing_secret="slack secret")
    assert door.github(an_issue())["statusCode"] == 200
    assert door.slack(slack_body("message_im"))["statusCode"] == 200
    later(vault)
    vault.change(github_webhook_secret="after", slack_signing_secret="after")
    later(vault, MAX_AGE + 1)
    assert door.github(an_issue())["statusCode"] == 200  # GitHub signs with the old one still
    later(vault, OVERLAP)
    assert door.github(an_issue())["statusCode"] == 401


def test_a_thousand_bad_signatures_ask_a_handful_of_questions() -> None:
    vault = Vault(github_webhook_secret="before")
    vault.change(github_webhook_secret="of us")
    door = door_of(vault)
    for _ in range(1_000):
        assert door.github(an_issue())["statusCode"] == 401
        later(vault, 0.02)  # 50 a second for 20 seconds
    assert len(vault.asked) <= 12


def test_an_ingress_without_secrets_yet_asks_to_come_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    vault = Vault(github_webhook_secret="github secret", api_tokens=API_TOKENS)
    vault.answer = AWAY
    door = door_of(vault)
    for _ in range(20):
        assert door.github(an_issue())["statusCode"] == 503
    assert len(vault.asked) <= 2
    later(vault)
    vault.answer = None
    assert door.github(an_issue())["statusCode"] == 200
    assert "github secret" not in capsys.readouterr().out
    vault.answer = MISSING
    later(vault, MAX_AGE + 1)
    assert door.github(an_issue())["statusCode"] == 200


def test_a_new_token_of_the_api_is_known_at_once_and_one_taken_out_soon() -> None:
    vault = Vault(api_tokens=json.dumps({"0" * 64: {"tenant": "t", "actor": "a", "role": "none"}}))
    client = ApiClient(kept=vault.settings())
    assert client.post("/runs", {"goal": "x"}).status == 401
    later(vault)
    vault.change(api_tokens=API_TOKENS)
    assert client.post("/runs", {"goal": "x"}).status == 202
    vault.change(api_tokens="{}")
    later(vault, MAX_AGE + 1)
    assert client.post("/runs", {"goal": "x"}).status == 401
