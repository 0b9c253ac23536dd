"""The sandbox's apps refuse as Slack does: https://docs.slack.dev/reference/methods."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3
from slack_sdk.errors import SlackApiError
from slack_sdk.web import WebClient

from infra.local.sandbox.slack import SlackSandbox

REDIRECT = "https://door.example/live/slack/oauth_redirect"
MANIFEST: dict[str, Any] = {
    "display_information": {"name": "Agent"},
    "features": {"bot_user": {"display_name": "agent"}},
    "oauth_config": {"redirect_urls": [REDIRECT], "scopes": {"bot": ["chat:write"]}},
}


@pytest.fixture(scope="module")
def slack() -> Iterator[SlackSandbox]:
    with SlackSandbox("http://127.0.0.1:9", "secret", pace=0.0) as sandbox:
        yield sandbox


@pytest.fixture
def client(slack: SlackSandbox) -> WebClient:
    """A client with a token that configures apps."""
    client = WebClient(base_url=slack.api_url)
    client.token = client.tooling_tokens_rotate(refresh_token=slack.apps.generate())["token"]
    return client


def refusal(call: Any, **arguments: Any) -> Any:
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return caught.value.response["error"]


def test_a_token_renews_once(slack: SlackSandbox, client: WebClient) -> None:
    first = slack.apps.generate()
    second = client.tooling_tokens_rotate(refresh_token=first)
    assert second["token"].startswith("xoxe.xoxp-") and second["exp"] - second["iat"] == 43_200
    for used in (first, "", "xoxe-1-unknown"):
        assert refusal(client.tooling_tokens_rotate, refresh_token=used) == "invalid_refresh_token"
    assert client.tooling_tokens_rotate(refresh_token=second["refresh_token"])["ok"]


def test_only_a_token_of_its_kind_configures(slack: SlackSandbox, client: WebClient) -> None:
    manifest = json.dumps(MANIFEST)
    tokens = {
        slack.bot_token: "not_allowed_token_type",
        slack.app_token: "not_allowed_token_type",
        "xoxe.xoxp-1-unknown": "invalid_auth",
    }
    for token, error in tokens.items():
        other = WebClient(base_url=slack.api_url, token=token)
        assert refusal(other.apps_manifest_create, manifest=manifest) == error
    slack.apps.expire()
    assert refusal(client.apps_manifest_create, manifest=manifest) == "token_expired"


def test_apps_are_made_read_and_updated(slack: SlackSandbox, client: WebClient) -> None:
    made = client.apps_manifest_create(manifest=json.dumps(MANIFEST))
    assert {*made["credentials"]} == {
        *("client_id", "client_secret", "signing_secret", "verification_token")
    }
    app = made["app_id"]
    assert client.apps_manifest_export(app_id=app)["manifest"] == MANIFEST
    renamed = MANIFEST | {"display_information": {"name": "Other"}}
    same = client.apps_manifest_update(app_id=app, manifest=json.dumps(renamed))
    assert same["permissions_updated"] is False
    more = MANIFEST | {"oauth_config": {"scopes": {"bot": ["chat:write", "users:read"]}}}
    wider = client.apps_manifest_update(app_id=app, manifest=json.dumps(more))
    assert wider["permissions_updated"] is True
    assert refusal(client.apps_manifest_export, app_id="A0NONE") == "app_not_found"
    assert refusal(client.apps_manifest_export, app_id="nothing") == "invalid_app_id"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"display_information": {}}, "/display_information/name"),
        ({"display_information": {"name": "x" * 36}}, "/display_information/name"),
        ({"features": {}}, "/features/bot_user"),
        ({"settings": {"interactivity": {"is_enabled": True}}}, "/settings/interactivity"),
        (
            {"settings": {"event_subscriptions": {"bot_events": ["app_mention"]}}},
            "/settings/event_subscriptions",
        ),
        (
            {"oauth_config": {"redirect_urls": ["http://door.example"]}},
            "/oauth_config/redirect_urls/0",
        ),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_places(
    client: WebClient, change: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(SlackApiError) as caught:
        client.apps_manifest_validate(manifest=json.dumps(MANIFEST | change))
    assert caught.value.response["error"] == "invalid_manifest"
    assert pointer in [one["pointer"] for one in caught.value.response["errors"]]


def test_an_app_is_installed_with_a_code(slack: SlackSandbox, client: WebClient) -> None:
    keys = client.apps_manifest_create(manifest=json.dumps(MANIFEST))["credentials"]
    asked = {"client_id": keys["client_id"], "scope": "chat:write", "redirect_uri": REDIRECT}
    page = slack.api_url.replace("/api/", "/oauth/v2/authorize")

    def allowed(**changed: str) -> Any:
        return urllib3.request("GET", page, fields={**asked, **changed}, redirect=False)

    for changed in (
        {"client_id": "1.2"},
        {"scope": "admin"},
        {"redirect_uri": "https://x.example"},
    ):
        assert allowed(**changed).status == 400
    query = parse_qs(urlsplit(allowed(state="s").headers["Location"]).query)
    assert query["state"] == ["s"]
    given = {name: keys[name] for name in ("client_id", "client_secret")}
    given |= {"code": query["code"][0], "redirect_uri": REDIRECT}
    wrong = {"client_id": "invalid_client_id", "client_secret": "bad_client_secret"}
    for name, error in wrong.items():
        assert refusal(client.oauth_v2_access, **{**given, name: "no"}) == error
    answer = client.oauth_v2_access(**given)
    assert answer["access_token"] == slack.bot_token and answer["scope"] == "chat:write"
    assert refusal(client.oauth_v2_access, **given) == "invalid_code"
    tested = WebClient(base_url=slack.api_url, token=slack.bot_token).auth_test()
    assert tested.headers["x-oauth-scopes"] == "chat:write"
