"""The GitHub App as GitHub knows it: made from a manifest, asked about, pointed at its webhook.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from infra.apps.github_rights import Rights
from shared.actions.github.paths import APP, of_app, of_manifest
from shared.errors import ActionRejected
from shared.events import Json
from shared.github_app.client import PyGithubClient, app_client
from shared.people.addresses import api_url, web_url
from shared.settings import Settings

#: Seconds that GitHub may take to connect, and for each part of an answer.
_TIMEOUT = 20
#: GitHub's most characters in the name of an App.
_LONGEST_NAME = 34
#: The owner's word for their own account.
ME = "@me"


def registration_url(settings: Settings, owner: str, state: str) -> str:
    """Return the page that takes a manifest for an App of `owner`, an organisation or ME."""
    below = "" if owner == ME else f"/organizations/{quote(owner, safe='')}"
    return f"{web_url(settings)}{below}/settings/apps/new?state={quote(state, safe='')}"


def manifest(
    name: str, rights: Rights, back: str, hook: str, site: str, *, sign_in: Sequence[str] = ()
) -> Json:
    """Return the manifest of the App `name`. GitHub sends events to `hook`, the person who made it
    back to the page `back`, and those who sign in to one of `sign_in`; `site` tells more about
    it."""
    return {
        "name": name[:_LONGEST_NAME],
        "url": site,
        "description": "Answers with what the team already knows.",
        "public": False,
        "redirect_url": back,
        **({"callback_urls": [*sign_in]} if sign_in else {}),
        "hook_attributes": {"url": hook, "active": True},
        "default_permissions": dict(rights.permissions),
        "default_events": sorted(rights.events),
    }


class NewApp(NamedTuple):
    """What GitHub tells once, and never again: all but `id` and `slug` is secret."""

    id: str
    slug: str
    key: str
    webhook_secret: str
    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"NewApp({self.slug})"


def convert(settings: Settings, code: str) -> NewApp:
    """Turn the code of a manifest into the App's credentials, which works once, within an hour.

    Raises ActionRejected for a code that GitHub does not take, ActionUnavailable.
    """
    doing = "turn the code into the App's keys"
    client = PyGithubClient(api_url(settings), None, "", _TIMEOUT)
    try:
        path = of_manifest(doing, code)
        made = client.call(doing, "POST", path, writes=True).data
    finally:
        client.close()
    try:
        return NewApp(
            str(made["id"]),
            made["slug"],
            made["pem"],
            made["webhook_secret"] or "",
            made["client_id"],
            made["client_secret"],
        )
    except (KeyError, TypeError) as err:
        raise ActionRejected(
            "github: the answer to the code is not GitHub's; check GITHUB_API_URL"
        ) from err


class RegisteredApp:
    """The App of the settings, asked by its own key; each call raises an ActionError when GitHub
    says no or is away."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError without an App in them."""
        self._client = app_client(settings, _TIMEOUT)
        self._web = web_url(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def about(self) -> Json:
        found: Json = self._client.call("read the App", "GET", APP, writes=False).data
        return found

    def installations(self) -> list[Json]:
        """Return its first hundred installations."""
        doing = "list the App's installations"
        path = of_app(doing, ("installations",))
        found: list[Json] = self._client.call(
            doing, "GET", path, parameters={"per_page": 100}, writes=False
        ).data
        return found

    def hook(self) -> str:
        """Return the address of its webhook."""
        doing = "read the App's webhook"
        path = of_app(doing, ("hook", "config"))
        return str(self._client.call(doing, "GET", path, writes=False).data.get("url") or "")

    def set_hook(self, url: str, secret: str) -> None:
        """Point its webhook at `url`, signed with `secret`."""
        doing = "set the App's webhook"
        body: dict[str, Any] = {"url": url, "content_type": "json", "secret": secret}
        body["insecure_ssl"] = "0"
        self._client.call(doing, "PATCH", of_app(doing, ("hook", "config")), body, writes=True)

    def page(self, app: Mapping[str, Any], below: str = "") -> str:
        """Return the page of its settings, for its owner."""
        owner = app["owner"]
        of = "" if owner.get("type") == "User" else f"/organizations/{quote(owner['login'])}"
        return f"{self._web}{of}/settings/apps/{quote(app['slug'])}{below}"
