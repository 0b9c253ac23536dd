"""The manifest of the Slack app is what the code needs: addresses, commands, rights and events."""

import ast
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.wrappers import Request, Response

from infra.apps.slack_checks import check_door
from infra.apps.slack_config import SlackDeclined
from infra.apps.slack_manifest import Site, differences, manifest, scopes
from infra.deploy.declared import declared_flows
from infra.local.http_server import HttpServer
from infra.local.sandbox.slack.installing.apps import Apps
from infra.project import ROOT
from shared.errors import SettingsError, SignatureError
from shared.events import Json
from shared.forms.table import FORMS, OPENS, opened_by
from shared.installations.scopes import BOT
from shared.perception import commands, slack
from shared.web.oauth import installing, linking

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

DOOR = "https://abc.execute-api.eu-central-1.amazonaws.com/live"

#: The rights that a method needs in any conversation: https://docs.slack.dev/reference/methods
HISTORY = {"channels:history", "groups:history", "im:history", "mpim:history"}
READ = {"channels:read", "groups:read", "im:read", "mpim:read"}
METHODS = {
    "agents_sessions_setStatus": {"chat:write"},
    "assistant_threads_setStatus": {"chat:write"},
    "auth_test": set[str](),
    "chat_appendStream": {"chat:write"},
    "chat_delete": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "chat_postMessage": {"chat:write"},
    "chat_startStream": {"chat:write"},
    "chat_stopStream": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_history": HISTORY,
    "conversations_info": READ,
    "conversations_list": READ,
    "conversations_members": READ,
    "conversations_replies": HISTORY,
    "files_info": {"files:read"},
    "reactions_add": {"reactions:write"},
    "reactions_remove": {"reactions:write"},
    "conversations_open": {"im:write"},
    "users_info": {"users:read"},
    "assistant_threads_setSuggestedPrompts": {"assistant:write"},
    "views_publish": set[str](),
    "views_update": set[str](),
}
#: Methods that the SDK has no function for, which the code calls by their names.
NAMED = {"assistant.search.context": {"search:read.public"}}
#: The right that an event needs: https://docs.slack.dev/reference/events
EVENTS = {
    "app_home_opened": "",
    "agent_session_stopped": "",
    "app_mention": "app_mentions:read",
    "app_uninstalled": "",
    "channel_deleted": "channels:read",
    "channel_id_changed": "channels:read",
    "group_deleted": "groups:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
    "tokens_revoked": "",
}
#: Types that the ingress makes itself of an event that has another name.
MADE_OF = {
    "home": "app_home_opened",
    "visit": "app_home_opened",
    "retry": "block_actions",
    "stop": "agent_session_stopped",
    "thumb": "reaction_added",
}
#: The beginnings of those that people make by pressing.
PRESSED = ("slack.form.", "slack.opened.", "slack.press.", "slack.shortcut.")
#: What comes without a subscription, and subtypes of messages.
UNASKED = {"block_actions", "channel_convert_to_private", "message_changed", "message_deleted"}


def _called() -> set[str]:
    """The methods of slack_sdk's client that the functions call."""
    names = "agents|assistant|chat|conversations|files|reactions|users|auth|views"
    method = re.compile(rf"\b(?:{names})_\w+")
    found = set()
    for file in (ROOT / "shared").rglob("*.py"):
        text = file.read_text("utf-8")
        if not method.search(text):
            continue
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Attribute(value=ast.Name("client") | ast.Attribute(), attr=name):
                    if method.fullmatch(name):
                        found.add(name)
    return found - {"users_by_name"}


def test_the_rights_are_those_that_the_code_needs() -> None:
    made = manifest("Agent", DOOR)
    called = _called()
    unknown = called - METHODS.keys()
    assert not unknown, "say in METHODS which rights these need"
    needed = set().union(*(METHODS[name] for name in called))
    code = "".join(file.read_text("utf-8") for file in (ROOT / "shared").rglob("*.py"))
    needed |= {right for name in NAMED if f'"{name}"' in code for right in NAMED[name]}
    subscribed = made["settings"]["event_subscriptions"]["bot_events"]
    needed |= {EVENTS[name] for name in subscribed} - {""}
    # https://docs.slack.dev/ai/agent-sessions: an agent has assistant:write.
    assert scopes(made) == needed | {"assistant:write", "commands"}
    assert made["features"]["agent_view"]["agent_description"]
    assert 1 <= len(made["features"]["agent_view"]["suggested_prompts"]) <= 4


def test_the_events_are_those_that_wake_flows() -> None:
    subscribed = {*manifest("Agent", DOOR)["settings"]["event_subscriptions"]["bot_events"]}
    types = {
        name.removeprefix("slack.")
        for flow in declared_flows().values()
        for name in flow.types
        if name.startswith("slack.")
        and not name.startswith(("slack.command.", "slack.mention.", *PRESSED))
    }
    lacking = {MADE_OF.get(name, name) for name in types} - UNASKED - subscribed
    assert not lacking, "subscribe to these in bot_events of infra/apps/slack.yaml"
    assert subscribed == EVENTS.keys(), "say in EVENTS which right each needs"


def test_each_slash_command_is_one_that_a_flow_takes() -> None:
    listed = manifest("Agent", DOOR)["features"]["slash_commands"]
    taken = {name for flow in declared_flows().values() for name in flow.types}
    names = [one["command"].removeprefix("/") for one in listed]
    assert names[0] == "agent" and len({*names}) == len(names)
    for name in names[1:]:
        assert name in commands.COMMANDS, name
        assert f"slack.command.{name}" in taken, name


def test_each_shortcut_is_one_that_a_flow_takes_and_each_form_can_be_opened() -> None:
    listed = manifest("Agent", DOOR)["features"]["shortcuts"]
    taken = {name for flow in declared_flows().values() for name in flow.types}
    names = [one["callback_id"] for one in listed]
    assert len({*names}) == len(names) and {one["type"] for one in listed} == {"global", "message"}
    for name in names:
        form = opened_by({"type": "shortcut", "callback_id": name})
        kind = f"form.{form.name}" if form else f"shortcut.{name}"
        assert f"slack.{kind}" in taken, name
    shortcuts = {name.removeprefix("slack.shortcut.") for name in taken if ".shortcut." in name}
    assert shortcuts <= {*names}
    buttons = (ROOT / "shared/actions/slack/views/performing.py").read_text("utf-8")
    for form in FORMS.values():
        assert f"slack.form.{form.name}" in taken, form.name
        assert (f"slack.opened.{form.name}" in taken) == form.fills, form.name
        assert form.name in names or form.opened_by or f'"{OPENS}{form.name}"' in buttons, form.name


def test_the_rights_are_those_that_installations_are_asked_for() -> None:
    made = manifest("Agent", DOOR)
    assert scopes(made) == BOT.keys(), "say in shared/installations/scopes.py what each is for"
    # No person's token is asked for, so no installation holds one.
    assert "user" not in made["oauth_config"]["scopes"]


def test_slack_comes_back_to_the_page_that_began() -> None:
    made = manifest("Agent", DOOR)
    assert made["oauth_config"]["redirect_urls"] == [DOOR + installing.REDIRECT]
    routes = (ROOT / "template.yaml").read_text("utf-8")
    for path in (installing.INSTALL, installing.REDIRECT, linking.SHOW, linking.GO, linking.BACK):
        assert f"Path: {path}}}" in routes


def test_every_address_is_the_doors() -> None:
    made = manifest("Agent", f"{DOOR}/")
    addresses = [
        made["settings"]["event_subscriptions"]["request_url"],
        made["settings"]["interactivity"]["request_url"],
        *made["oauth_config"]["redirect_urls"],
        *(one["url"] for one in made["features"]["slash_commands"]),
    ]
    assert {one.removeprefix(DOOR) for one in addresses} == {
        "/slack/events",
        "/slack/interactive",
        "/slack/oauth_redirect",
        "/slack/commands",
    }
    assert not made["settings"]["socket_mode_enabled"]
    assert "REPLACE" not in json.dumps(made)
    routes = (ROOT / "template.yaml").read_text("utf-8")
    for path in ("/slack/events", "/slack/interactive", "/slack/commands"):
        assert f"Path: {path}}}" in routes


def test_without_a_door_it_has_no_address() -> None:
    text = json.dumps(manifest("Agent"))
    assert "https://" not in text and '"socket_mode_enabled": true' in text


@pytest.mark.parametrize("door", [DOOR, ""])
@pytest.mark.parametrize("name", ["Agent", "agent-flows-a-stage-with-a-very-long-name-of-its-own"])
def test_slack_takes_it(door: str, name: str) -> None:
    apps = Apps("xoxb-sandbox")
    answer = apps.call("tooling.tokens.rotate", "", {"refresh_token": apps.generate()})
    wanted = json.dumps(manifest(name, door))
    assert apps.call("apps.manifest.validate", answer["token"], {"manifest": wanted}) == {}


def test_a_browser_can_carry_it() -> None:
    made = manifest("Agent", DOOR)
    page = Site("https://slack.com/api/").creation(made)
    assert page.startswith("https://api.slack.com/apps?new_app=1&manifest_json=")
    assert json.loads(parse_qs(urlsplit(page).query)["manifest_json"][0]) == made
    made["display_information"]["long_description"] = "x" * 8000
    with pytest.raises(SettingsError, match="too long"):
        Site("https://slack.com/api/").creation(made)


@pytest.mark.parametrize(
    ("api", "apps", "authorize"),
    [
        (
            "https://slack.com/api/",
            "https://api.slack.com/apps",
            "https://slack.com/oauth/v2/authorize",
        ),
        (
            "https://slack-gov.com/api/",
            "https://api.slack-gov.com/apps",
            "https://slack-gov.com/oauth/v2/authorize",
        ),
        (
            "http://127.0.0.1:80/api/",
            "http://127.0.0.1:80/apps",
            "http://127.0.0.1:80/oauth/v2/authorize",
        ),
    ],
)
def test_the_pages_stand_beside_the_api(api: str, apps: str, authorize: str) -> None:
    site = Site(api)
    assert (site.apps, site.authorize) == (apps, authorize)
    assert site.page("A1", "general") == f"{apps}/A1/general"
    assert site.page("", "general") == apps


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one, []),
        (lambda one: one | {"_metadata": {"major_version": 1}}, []),
        (lambda one: one | {"settings": None}, None),
        (lambda one: one | {"features": {"slash_commands": {}}}, None),
        (
            lambda one: one | {"display_information": {"name": "B"}},
            [
                "display_information.name is B, not Agent",
                "display_information.description is nothing, not Answers with what the team already"
                " knows",
            ],
        ),
    ],
)
def test_differences_are_told(change: Callable[[Json], Json], said: list[str] | None) -> None:
    wanted = manifest("Agent", DOOR)
    found = differences(wanted, change(manifest("Agent", DOOR)))
    assert found == said if said is not None else found


@pytest.fixture
def served() -> Iterator[Callable[["WSGIApplication"], str]]:
    servers: list[HttpServer] = []

    def serve(application: "WSGIApplication") -> str:
        server = HttpServer(0)
        server.start(application)
        servers.append(server)
        return server.url

    yield serve
    for server in servers:
        server.stop()


def _door(secret: str, status: int = 200) -> "WSGIApplication":
    """A front door that verifies and answers as the ingress does."""

    @Request.application
    def application(request: Request) -> Response:
        body, headers = request.get_data(), dict(request.headers)
        try:
            slack.verify(body, {k.lower(): v for k, v in headers.items()}, secret, time.time())
        except SignatureError:
            return Response("refused", 401)
        lowered = {k.lower(): v for k, v in headers.items()}
        return Response(slack.challenge(body, lowered) or "", status)

    return application


def test_the_door_answers_what_slack_signs(served: Callable[["WSGIApplication"], str]) -> None:
    check_door(served(_door("s3cret")), "s3cret")


@pytest.mark.parametrize(
    ("status", "secret", "said"),
    [(200, "other", "does not take our signature"), (503, "s3cret", "answered 503")],
)
def test_a_door_that_does_not_is_named(
    served: Callable[["WSGIApplication"], str], status: int, secret: str, said: str
) -> None:
    with pytest.raises(SlackDeclined, match=said):
        check_door(served(_door("s3cret", status)), secret)


def test_a_door_that_is_away_is_named() -> None:
    with pytest.raises(
        SlackDeclined, match=r"no answer from http://127\.0\.0\.1:9/live/slack/events"
    ):
        check_door("http://127.0.0.1:9/live", "s3cret")


def test_the_file_says_how_it_is_used() -> None:
    assert "REPLACE" not in Path(ROOT / "infra/apps/slack.yaml").read_text("utf-8")
