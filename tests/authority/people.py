"""Who asks for what, and where: the sandboxes with people of every kind, and the events that they
cause, as GitHub, Slack and the API tell of them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox, payloads
from infra.local.sandbox.slack.workspace import ALICE, BOT_USER, DM, GUEST, STRANGER, SUPPORT, TEAM
from shared.actions import Adapter, Query
from shared.actions.github.adapter import GitHubAdapter
from shared.events import Event
from shared.perception import github, slack
from shared.settings import Settings
from shared.web.api_requests import ApiRequest, TokenHolder, start
from tests.actions.slack.sandbox_thread import connect

SHOP, FORK = "acme/shop", "mallory/shop"
#: What GitHub's `author_association` says, and whether they may write.
ON_GITHUB = {
    "maria": ("MEMBER", True),  # an admin
    "mona": ("MEMBER", True),  # a maintainer
    "li": ("COLLABORATOR", True),  # a writer
    "tess": ("COLLABORATOR", False),  # who triages
    "olga": ("MEMBER", False),  # of the organisation, who can only read
    "cora": ("CONTRIBUTOR", False),  # from outside
    "mallory": ("NONE", False),  # a stranger
    "hidden[bot]": ("MEMBER", False),
}
ZOE, BOTTY, WANDA = "U0ZOE", "U0BOTTY", "U0WANDA"
IN_SLACK = {
    ALICE: True,
    GUEST: False,
    STRANGER: False,
    ZOE: False,  # whose account was closed
    BOTTY: False,
    WANDA: True,  # of the company, at home in another of its workspaces
}
PLACES = ("issue", "pull request", "fork's pull request")
PARTNERS, PENDING, ASKED, ODD = "C0PARTNERS", "C0PENDING", "C0ASKED", "C0ODD"
HIDDEN = "C0HIDDEN"
#: The channels of Slack, and whether their own people may write there.
CHANNELS = {
    SUPPORT: True,
    DM: True,
    PARTNERS: False,  # with another company
    PENDING: False,  # to which one is invited
    ASKED: False,  # which another workspace was asked to share
    ODD: False,  # of which Slack does not say so
    HIDDEN: False,  # that the bot cannot see
}
#: The ways of a command in Slack.
WAYS = ("mention", "slash", "click")


@dataclass
class World:
    """Both sandboxes with their people, and an adapter for each in App mode or token mode."""

    hub: GitHubSandbox
    slack: SlackSandbox
    adapters: Mapping[str, Adapter]

    def adapter(self, wanted: Query) -> Adapter:
        return self.adapters[wanted.connector.split(":")[0].rpartition(".")[2]]


@contextmanager
def world(mode: str) -> Iterator[World]:
    with ExitStack() as stack:
        hub = stack.enter_context(GitHubSandbox("", "secret"))
        chat = stack.enter_context(SlackSandbox("http://127.0.0.1:9", "secret", pace=0.0))
        people_on_github(hub)
        people_in_slack(chat)
        settings = Settings(github_api_url=hub.api_url, github_token=hub.person_token("maria"))
        if mode == "app":
            app = {"github_app_id": str(hub.app_id), "github_app_private_key": hub.private_key}
            settings = settings._replace(github_token="", **app)
        on_github = GitHubAdapter(settings, timeout=5, permissions={"issues": "write"})
        yield World(hub, chat, {"github": on_github, "slack": connect(chat.api_url)})


def people_on_github(hub: GitHubSandbox) -> None:
    hub.set_permission(SHOP, "mona", "maintain")
    hub.set_permission(SHOP, "tess", "triage")
    hub.add_member("acme", "olga")
    hub.add_repository(FORK, {"mallory": "admin"}, installed=False)
    for login in ON_GITHUB:
        hub.person_token(login)


def people_in_slack(chat: SlackSandbox) -> None:
    space, like = chat.workspace, chat.workspace.users[ALICE]
    grid = {"team_id": "T0HOME", "enterprise_user": {"teams": [TEAM, "T0HOME"]}}
    changed: dict[str, Any] = {ZOE: {"deleted": True}, BOTTY: {"is_bot": True}, WANDA: grid}
    for user, different in changed.items():
        space._records.put("users", user, {**like, "id": user, "name": user, **different})
    space.add_channel("partners", shared=True)
    space.add_channel("hidden", private=True, member=False)
    flags: dict[str, Any] = {
        "pending": {"is_pending_ext_shared": True},
        "asked": {"pending_shared": ["T0PARTNER"]},
        "odd": {"is_ext_shared": None},
    }
    for name, different in flags.items():
        row = space.channel(space.add_channel(name))
        space._records.put("channels", row["id"], {**row, **different})


def on_github(world: World, login: str, place: str, command: str) -> Event:
    """Return the event of a comment with a command."""
    association, _ = ON_GITHUB.get(login, ("NONE", False))
    number = world.hub.account_id(login)
    kind = "Bot" if login.endswith("[bot]") else "User"
    user = {"login": login, "id": number, "type": kind}
    about: dict[str, Any] = {"number": 1, "title": "It crashes", "user": user}
    if place != "issue":
        about["pull_request"] = {"url": "https://api.github.com/repos/acme/shop/pulls/7"}
    body: dict[str, Any] = {
        "action": "created",
        "issue": about,
        "comment": {
            "id": 99,
            "body": f"/{command} s1",
            "user": user,
            "author_association": association,
            "created_at": "2026-11-29T21:00:00Z",
        },
        "repository": {
            "full_name": SHOP,
            "private": False,
            "owner": {"login": "acme", "id": 1, "type": "Organization"},
        },
        "sender": user,
    }
    if place == "fork's pull request":
        body["issue"]["head"] = {"repo": {"full_name": FORK, "owner": {"login": "mallory"}}}
    headers = {"x-github-event": "issue_comment", "x-github-delivery": f"{number}-{command}"}
    return github.to_event(json.dumps(body).encode(), headers, {}, 0.0)


def in_slack(world: World, user: str, channel: str, way: str, command: str) -> Event:
    """Return the event of a mention, a slash command, or a click on a button of that name."""
    person = world.slack.workspace.users[user]
    place = world.slack.workspace.channels[channel]
    if way == "slash":
        form = payloads.slash_command(
            f"/{command}", "s1", place, person, "https://hooks.slack.com/"
        )
        sent, kind = urlencode(form).encode(), "application/x-www-form-urlencoded"
    else:
        body = _said(person, place, command) if way == "mention" else _clicked(person, place)
        sent, kind = json.dumps(body).encode(), "application/json"
    event = slack.to_event(sent, {"content-type": kind}, {}, 0.0)
    return event._replace(id=f"slack:{user}-{channel}-{way}-{command}")


def _said(person: dict[str, Any], place: dict[str, Any], command: str) -> dict[str, Any]:
    is_direct = bool(place["is_im"])
    text = f"/{command} s1" if is_direct else f"<@{BOT_USER}> /{command} s1"
    message = {"type": "message", "user": person["id"], "text": text, "channel": place["id"]}
    message |= {"team": person["team_id"], "ts": "1795980000.000100", "event_ts": "1.1"}
    message["channel_type"] = "im" if is_direct else "channel"
    if person["is_bot"]:
        message["bot_id"] = "B0BOTTY"
    envelope = payloads.envelope(message, shared=bool(place.get("is_ext_shared")))
    if "enterprise_user" in person:
        message["team"] = envelope["authorizations"][0]["enterprise_id"] = "E0ACME"
    return envelope


def _clicked(person: dict[str, Any], place: dict[str, Any]) -> dict[str, Any]:
    element = {"type": "button", "action_id": "a", "value": f"approve p1/{'a' * 64}"}
    block = {"type": "actions", "block_id": "b", "elements": [element]}
    message = {"ts": "1795980000.000100", "text": "May I?", "blocks": [block]}
    return payloads.block_actions(message, "a", place, person, "https://hooks.slack.com/")


def over_the_api(role: Any, command: str) -> Event:
    who = TokenHolder("acme", "ada", role)
    sent = ApiRequest(b'{"goal": "x"}', {"content-type": "application/json"}, who, 0.0)
    return start(sent, {}).event._replace(type=f"api.command.{command}")
