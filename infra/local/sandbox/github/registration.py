"""Apps that people register from a manifest: made on a page, turned into keys once, installed.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import json
import re
import secrets
import time
from urllib.parse import urlencode, urlsplit

from infra.local.sandbox.github.errors import GitHubError, not_found
from infra.local.sandbox.github.hooks import ALWAYS, Hooks
from infra.local.sandbox.github.state import SandboxState
from infra.local.sandbox.github.tokens import new_key
from infra.local.sandbox.github.views import Views
from shared.events import Json

#: Seconds for which the code of a manifest is good.
HOUR = 3600.0
_LEVELS = {"read", "write", "admin"}
_LONGEST_NAME = 34


class Registration:
    def __init__(self, state: SandboxState, views: Views, hooks: Hooks) -> None:
        self._state = state
        self._views = views
        self._hooks = hooks
        #: The person whose browser is signed in.
        self.person = "maria"

    def owner(self, organization: str) -> str:
        """Return who would own an App that the person registers; raises GitHubError, as GitHub
        does, for an organisation that is not theirs."""
        if not organization:
            return self.person
        mine = (
            row
            for row in self._state.rows("repositories")
            if row["name"].partition("/")[0] == organization
            and row["collaborators"].get(self.person) == "admin"
        )
        if next(mine, None) is None:
            raise not_found()
        return organization

    def create(self, organization: str, text: str, name: str, state: str) -> str:
        """Make the App and return the address that the browser goes to; raises GitHubError."""
        made = checked_manifest(text)
        name = name.strip()
        if not name or len(name) > _LONGEST_NAME:
            raise GitHubError(422, f"Name is too long (maximum is {_LONGEST_NAME} characters)")
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        with self._state.lock:
            if any(row.get("slug") == slug for row in self._state.rows("app")):
                raise GitHubError(422, "Name is already taken")
            hook = {"url": "", "active": False, **made.get("hook_attributes", {})}
            hook = {"content_type": "json", "active": True, **hook, "secret": ""}
            app = self._state.add(
                "app",
                key="",
                slug=slug,
                name=name,
                owner=self.owner(organization),
                permissions={"metadata": "read", **made.get("default_permissions", {})},
                events=made.get("default_events", []),
                hook={**hook, "secret": secrets.token_hex(20)},
                client_secret=secrets.token_hex(20),
                callback_urls=made.get("callback_urls", []),
            )
            code = secrets.token_hex(20)
            self._state.add("manifests", code=code, app=app["id"], ends=time.time() + HOUR)
        self._hooks.ping(app)
        query = urlencode({"code": code, **({"state": state} if state else {})})
        return f"{made['redirect_url']}?{query}"

    def convert(self, code: str) -> Json:
        """Return the App with its secrets, once; raises GitHubError for any other code."""
        with self._state.lock:
            row = self._state.first("manifests", code=code)
            app = self._state.get("app", row["app"]) if row else None
            if row is None or app is None or row["ends"] < time.time():
                raise not_found()
            self._state.remove("manifests", row)
            app = self._state.change("app", app, key=new_key())
        told = {"client_secret": app["client_secret"], "webhook_secret": app["hook"]["secret"]}
        return {**self._views.app(app), **told, "pem": app["key"]}

    def expire(self) -> None:
        """Let an hour pass for every code."""
        for row in self._state.rows("manifests"):
            self._state.change("manifests", row, ends=0.0)

    def delete(self, slug: str) -> None:
        """Delete an App with all that belongs to it."""
        app = self._app(slug)
        for row in self._state.rows("installations", app=app["id"]):
            self._state.remove("installations", row)
        self._state.remove("app", app)

    def renew_key(self, slug: str) -> str:
        """Generate another private key, as the App's page does, and return it; the old one ends."""
        return str(self._state.change("app", self._app(slug), key=new_key())["key"])

    def grow(self, slug: str, permissions: Json, events: list[str]) -> None:
        """Let the App ask for more; its installations have it when their owners agree."""
        app = self._app(slug)
        more = {"permissions": {**app["permissions"], **permissions}}
        self._state.change("app", app, **more, events=[*app["events"], *events])

    def _app(self, slug: str) -> Json:
        app = self._state.first("app", slug=slug)
        if app is None:
            raise not_found()
        return app

    def install(self, slug: str) -> Json:
        """Install an App on its owner's repositories; a second time changes nothing."""
        app = self._app(slug)
        found = self._state.first("installations", app=app["id"], owner=app["owner"])
        if found is None:
            found = self._state.add(
                "installations",
                app=app["id"],
                owner=app["owner"],
                permissions=app["permissions"],
                events=app["events"],
                suspended_at=None,
            )
            shown = self._views.installation(app["owner"], app)
            sender = self._views.account(self.person)
            payload = {"action": "created", "installation": shown, "sender": sender}
            self._hooks.tell(app, "installation", payload)
        return found


def checked_manifest(text: str) -> Json:
    """Return the manifest; raises GitHubError for one that GitHub does not take."""
    try:
        made = json.loads(text)
    except ValueError as err:
        raise GitHubError(422, "Manifest is no JSON") from err
    if not isinstance(made, dict) or not _is_url(made.get("url")):
        raise GitHubError(422, "Manifest needs a url")
    if not _is_url(made.get("redirect_url")):
        raise GitHubError(422, "Manifest needs a redirect_url")
    if "hook_attributes" in made and not _is_url(made["hook_attributes"].get("url")):
        raise GitHubError(422, "Hook url can't be blank")
    permissions, events = made.get("default_permissions", {}), made.get("default_events", [])
    if not all(level in _LEVELS for level in permissions.values()):
        raise GitHubError(422, "Default permission records are invalid")
    if unsupported := sorted(ALWAYS & {*events}):
        raise GitHubError(422, f"Default events unsupported: {', '.join(unsupported)}")
    return made


def _is_url(text: object) -> bool:
    return isinstance(text, str) and urlsplit(text).scheme in {"http", "https"}
