"""The manifest of the Slack app: slack.yaml with a name and the addresses of a deployment, and what
Slack's own copy of it differs in."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import quote, urlsplit

import yaml

from infra.project import ROOT
from shared.errors import SettingsError
from shared.events import Json

FILE = ROOT / "infra" / "apps" / "slack.yaml"
#: The last parts of the addresses, after the front door's.
EVENTS, INTERACTIVE, COMMANDS = "/slack/events", "/slack/interactive", "/slack/commands"
REDIRECT = "/slack/oauth_redirect"
#: Characters of a name: https://docs.slack.dev/reference/app-manifest
LONGEST_NAME = 35
#: Slack documents no limit for its page's address; servers in general take a line of 8 KB.
LONGEST_ADDRESS = 8000


def manifest(name: str, door: str = "") -> Json:
    """Return the manifest of an app called `name` whose requests go to the front door; without a
    door they come through Socket Mode."""
    made: Json = deepcopy(yaml.safe_load(FILE.read_text("utf-8")))
    made["display_information"]["name"] = name[:LONGEST_NAME]
    settings = made["settings"]
    settings["socket_mode_enabled"] = not door
    if door:
        door = door.rstrip("/")
        settings["event_subscriptions"]["request_url"] = door + EVENTS
        settings["interactivity"]["request_url"] = door + INTERACTIVE
        made["oauth_config"]["redirect_urls"] = [door + REDIRECT]
        for command in made["features"]["slash_commands"]:
            command["url"] = door + COMMANDS
    return made


def scopes(wanted: Json) -> frozenset[str]:
    """Return the rights that the bot asks for."""
    return frozenset(wanted["oauth_config"]["scopes"]["bot"])


def differences(wanted: Json, found: Json) -> list[str]:
    """Say where Slack's copy is not what is wanted, a line for each place.

    Slack's copy has more than ours: defaults that we do not name are no difference.
    """
    return list(_differences("", wanted, found))


def _differences(place: str, wanted: Any, found: Any) -> Iterator[str]:
    if isinstance(wanted, dict):
        held = found if isinstance(found, dict) else {}
        for name, value in wanted.items():
            yield from _differences(f"{place}.{name}" if place else name, value, held.get(name))
    elif isinstance(wanted, list):
        there = found if isinstance(found, list) else []
        yield from (f"{place} lacks {_shown(one)}" for one in wanted if not _has(there, one))
        yield from (f"{place} has {_shown(one)} too" for one in there if not _has(wanted, one))
    elif wanted != found and not (wanted is False and found is None):
        yield f"{place} is {_shown(found)}, not {_shown(wanted)}"


def _has(values: list[Any], one: Any) -> bool:
    """Tell if a list holds the value, or an object with all that is the same in both."""
    if not isinstance(one, dict):
        return one in values
    return any(
        isinstance(other, dict) and all(other[name] == one[name] for name in one.keys() & other)
        for other in values
    )


def _shown(value: Any) -> str:
    named = value.get("command", value) if isinstance(value, dict) else value
    return "nothing" if named is None else str(named)


class Site:
    """The pages beside the API that SLACK_API_URL names: slack.com's, GovSlack's, a stand-in's."""

    def __init__(self, api_url: str) -> None:
        parts = urlsplit(api_url)
        host = parts.hostname or ""
        is_slack = host in {"slack.com", "slack-gov.com"}
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._apps = f"https://api.{host}" if is_slack else self._origin

    @property
    def apps(self) -> str:
        """The list of a person's apps, with the tokens that configure apps below it."""
        return f"{self._apps}/apps"

    @property
    def authorize(self) -> str:
        return f"{self._origin}/oauth/v2/authorize"

    def page(self, app_id: str, part: str = "") -> str:
        """Return the page of an app, or the list of apps where its id is not known."""
        return "/".join(filter(None, (self.apps, app_id, part if app_id else "")))

    def creation(self, wanted: Json) -> str:
        """Return the page that makes an app of a manifest; raises SettingsError when a browser
        could not carry it.

        https://docs.slack.dev/app-manifests/configuring-apps-with-app-manifests
        """
        text = json.dumps(wanted, separators=(",", ":"), ensure_ascii=False)
        address = f"{self.apps}?new_app=1&manifest_json={quote(text, safe='')}"
        if len(address) > LONGEST_ADDRESS:
            raise SettingsError("the manifest is too long for an address")
        return address
