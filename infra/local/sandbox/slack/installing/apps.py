"""The apps of the sandbox Slack: their manifests, the tokens that configure them, their OAuth.
https://docs.slack.dev/app-manifests/configuring-apps-with-app-manifests"""

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from werkzeug.wrappers import Request, Response

from infra.local.sandbox.slack.installing.tokens import Grant, InstalledTokens
from infra.local.sandbox.slack.workspace import ALICE, APP, BOT_USER, TEAM, Refusal
from shared.events import Json
from shared.installations.scopes import BOT

#: Seconds: a token that configures apps, and the code of an installation.
_TOKEN_LASTS, _CODE_LASTS = 12 * 3600, 600
#: https://docs.slack.dev/reference/app-manifest
_NAME, _DESCRIPTION, _COMMANDS, _COMMAND = 35, 140, 50, 32


class _Code(NamedTuple):
    app: str
    redirect: str
    scopes: str
    made: float
    place: str


class Apps:
    """What api.slack.com keeps of one person's apps. `clock` gives the seconds since 1970."""

    def __init__(self, bot_token: str, clock: Callable[[], float] = time.time) -> None:
        self._bot_token = bot_token
        self._clock = clock
        self._lock = threading.RLock()
        self.manifests: dict[str, Json] = {}
        self.credentials: dict[str, dict[str, str]] = {}
        #: The rights that an installation was given last, and of which app it is.
        self.granted = ""
        self._installed = ""
        self._tokens: dict[str, float] = {}
        self._refresh: set[str] = set()
        self._codes: dict[str, _Code] = {}
        self.installed = InstalledTokens(clock)
        #: The workspace or the organisation that whoever installs chooses, where the page does not;
        #: '' as whoever says no.
        self.chosen = TEAM
        self.names: dict[str, str] = {TEAM: "acme"}
        self.methods: Mapping[str, Callable[[Json], Json]] = {
            "apps.manifest.create": self._create,
            "apps.manifest.export": self._export,
            "apps.manifest.update": self._update,
            "apps.manifest.validate": self._validate,
            "oauth.v2.access": self._access,
            "tooling.tokens.rotate": self._rotate,
        }

    def generate(self) -> str:
        """Let the person generate a configuration token; returns what renews it."""
        with self._lock:
            fresh = f"xoxe-1-{secrets.token_hex(16)}"
            self._refresh.add(fresh)
            return fresh

    def distribute(self, door: str) -> dict[str, str]:
        """Let there be an app that other workspaces may install, as its page under Manage
        Distribution does, and return its client. The first workspace has it already, by
        another's credentials."""
        with self._lock:
            keys = _client()
            self.manifests[APP] = _distributed(door)
            self.credentials[APP] = keys
            return keys

    def expire(self) -> None:
        """Let all tokens that configure apps be older than twelve hours."""
        with self._lock:
            self._tokens = dict.fromkeys(self._tokens, 0.0)

    def door(self) -> tuple[str, str]:
        """Return where the app that is installed hears what happens, and what signs it; nothing
        for one with Socket Mode, and before one is installed."""
        with self._lock:
            settings = self.manifests.get(self._installed, {}).get("settings", {})
            url = settings.get("event_subscriptions", {}).get("request_url", "")
            return url.removesuffix("/slack/events"), self.credentials.get(self._installed, {}).get(
                "signing_secret", ""
            )

    def call(self, method: str, token: str, arguments: Json) -> Json:
        """Perform one of the methods; raises Refusal."""
        with self._lock:
            if method.startswith("apps.manifest."):
                self._authorise(token)
            return self.methods[method](arguments)

    def authorize(self, request: Request) -> Response:
        """Install an app, as a person who presses Allow at once, or Cancel."""
        wanted = request.args
        with self._lock:
            app = next(
                (
                    id
                    for id, keys in self.credentials.items()
                    if keys["client_id"] == wanted.get("client_id")
                ),
                None,
            )
            if app is None:
                return Response("invalid_client_id", 400)
            held = self.manifests[app]["oauth_config"]
            redirect = wanted.get("redirect_uri", "")
            if redirect not in held.get("redirect_urls", []):
                return Response("bad_redirect_uri", 400)
            asked = {*filter(None, wanted.get("scope", "").split(","))}
            if asked - {*held["scopes"]["bot"]}:
                return Response("invalid_scope", 400)
            code = f"{secrets.token_hex(6)}.{secrets.token_hex(16)}"
            place = wanted.get("team") or self.chosen
            found = _Code(app, redirect, ",".join(sorted(asked)), self._clock(), place)
            self._codes[code] = found
        told = {"code": code} if place else {"error": "access_denied"}
        query = urlencode({**told, "state": wanted.get("state", "")})
        return Response(status=302, headers={"Location": f"{redirect}?{query}"})

    def _authorise(self, token: str) -> None:
        if not token:
            raise Refusal("not_authed")
        if not token.startswith("xoxe.xoxp-"):
            raise Refusal("not_allowed_token_type")
        if token not in self._tokens:
            raise Refusal("invalid_auth")
        if self._tokens[token] <= self._clock():
            raise Refusal("token_expired")

    def _rotate(self, arguments: Json) -> Json:
        old = str(arguments.get("refresh_token") or "")
        if old not in self._refresh:
            raise Refusal("invalid_refresh_token")
        self._refresh.remove(old)
        token, now = f"xoxe.xoxp-1-{secrets.token_hex(16)}", int(self._clock())
        self._tokens[token] = now + _TOKEN_LASTS
        return {
            "token": token,
            "refresh_token": self.generate(),
            "team_id": TEAM,
            "user_id": ALICE,
            "iat": now,
            "exp": now + _TOKEN_LASTS,
        }

    def _validate(self, arguments: Json) -> Json:
        _checked(arguments)
        return {}

    def _create(self, arguments: Json) -> Json:
        manifest = _checked(arguments)
        app = f"A{secrets.token_hex(5).upper()}"
        keys = _client()
        self.manifests[app], self.credentials[app] = manifest, keys
        scope = ",".join(manifest.get("oauth_config", {}).get("scopes", {}).get("bot", []))
        query = urlencode({"client_id": keys["client_id"], "scope": scope})
        page = f"https://slack.com/oauth/v2/authorize?{query}"
        return {"app_id": app, "credentials": keys, "oauth_authorize_url": page}

    def _export(self, arguments: Json) -> Json:
        return {"manifest": self.manifests[self._known(arguments)]}

    def _update(self, arguments: Json) -> Json:
        app, manifest = self._known(arguments), _checked(arguments)
        before, self.manifests[app] = self.manifests[app], manifest
        old, new = (one.get("oauth_config", {}).get("scopes") for one in (before, manifest))
        return {"app_id": app, "permissions_updated": old != new}

    def _known(self, arguments: Json) -> str:
        app = str(arguments.get("app_id") or "")
        if not app.startswith("A"):
            raise Refusal("invalid_app_id")
        if app not in self.manifests:
            raise Refusal("app_not_found")
        return app

    def _access(self, arguments: Json) -> Json:
        """Exchange a code, once. https://docs.slack.dev/reference/methods/oauth.v2.access"""
        client = arguments.get("client_id")
        app = next((a for a, keys in self.credentials.items() if keys["client_id"] == client), None)
        if app is None:
            raise Refusal("invalid_client_id")
        if self.credentials[app]["client_secret"] != arguments.get("client_secret"):
            raise Refusal("bad_client_secret")
        if arguments.get("grant_type") == "refresh_token":
            refresh = str(arguments.get("refresh_token"))
            return self._told(*self.installed.spend(app, refresh))
        found = self._codes.pop(str(arguments.get("code")), None)
        if found is None or found.app != app or self._clock() - found.made > _CODE_LASTS:
            raise Refusal("invalid_code")
        if found.redirect != arguments.get("redirect_uri"):
            raise Refusal("bad_redirect_uri")
        self.granted, self._installed = found.scopes, app
        rotates = bool(self.manifests[app].get("settings", {}).get("token_rotation_enabled"))
        grant = Grant(app, found.place, found.scopes)
        if found.place == TEAM and not rotates:
            return self._told(grant, {"access_token": self._bot_token})
        return self._told(grant, self.installed.issue(grant, rotates=rotates))

    def _told(self, grant: Grant, tokens: Json) -> Json:
        place, is_org = grant.place, grant.place.startswith("E")
        named = {"id": place, "name": self.names.get(place, place.lower())}
        return {
            **tokens,
            "token_type": "bot",
            "scope": grant.scopes,
            "bot_user_id": BOT_USER,
            "app_id": grant.app,
            "team": None if is_org else named,
            "enterprise": named if is_org else None,
            "authed_user": {"id": ALICE},
            "is_enterprise_install": is_org,
        }


def _client() -> dict[str, str]:
    return {
        "client_id": f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}",
        "client_secret": secrets.token_hex(16),
        "verification_token": secrets.token_hex(12),
        "signing_secret": secrets.token_hex(16),
    }


def _distributed(door: str) -> Json:
    """Return the part of a manifest that an installation asks."""
    scopes = {"bot": sorted(BOT)}
    return {"oauth_config": {"redirect_urls": [f"{door}/slack/oauth_redirect"], "scopes": scopes}}


def _checked(arguments: Json) -> Json:
    """Read a manifest; raises Refusal with all that is wrong, and where."""
    try:
        manifest = json.loads(str(arguments.get("manifest")))
    except ValueError:
        raise Refusal("invalid_manifest", errors=[_error("", "Expected JSON")]) from None
    errors = [*_mistakes(manifest)] if isinstance(manifest, dict) else [_error("", "No object")]
    if errors:
        raise Refusal("invalid_manifest", errors=errors)
    found: Json = manifest
    return found


def _mistakes(manifest: Json) -> Iterator[Json]:
    shown, features = manifest.get("display_information", {}), manifest.get("features", {})
    settings, oauth = manifest.get("settings", {}), manifest.get("oauth_config", {})
    if not 0 < len(shown.get("name", "")) <= _NAME:
        yield _error("/display_information/name", f"Expected 1 to {_NAME} characters")
    if len(shown.get("description", "")) > _DESCRIPTION:
        yield _error("/display_information/description", "Too long")
    socket = settings.get("socket_mode_enabled", False)
    yield from _addresses(settings, features, oauth, socket=socket)
    bot = oauth.get("scopes", {}).get("bot", [])
    if bot and "bot_user" not in features:
        yield _error("/features/bot_user", "Bot scopes require a bot user")
    if features.get("slash_commands") and "commands" not in bot:
        yield _error("/oauth_config/scopes/bot", "Slash commands require the scope commands")


def _addresses(settings: Json, features: Json, oauth: Json, *, socket: bool) -> Iterator[Json]:
    events = settings.get("event_subscriptions", {})
    if events.get("bot_events") and not (socket or _is_secure(events.get("request_url"))):
        said = "Event Subscription requires either Request URL or Socket Mode Enabled"
        yield _error("/settings/event_subscriptions", said)
    clicks = settings.get("interactivity", {})
    if clicks.get("is_enabled") and not (socket or _is_secure(clicks.get("request_url"))):
        yield _error("/settings/interactivity", "Interactivity requires a Request URL")
    commands = features.get("slash_commands", [])
    if len(commands) > _COMMANDS:
        yield _error("/features/slash_commands", f"At most {_COMMANDS}")
    for number, one in enumerate(commands):
        place = f"/features/slash_commands/{number}"
        if not one.get("command", "").startswith("/") or len(one["command"]) > _COMMAND:
            yield _error(f"{place}/command", "Expected / and a name")
        if not one.get("description"):
            yield _error(f"{place}/description", "Missing")
        if not (socket or _is_secure(one.get("url"))):
            yield _error(f"{place}/url", "Slash commands require a URL or Socket Mode enabled")
    for number, address in enumerate(oauth.get("redirect_urls", [])):
        if not _is_secure(address):
            yield _error(f"/oauth_config/redirect_urls/{number}", "Expected an https address")


def _is_secure(address: Any) -> bool:
    """Slack takes https only; the sandbox also what leads to this machine, where tests listen."""
    parts = urlsplit(str(address or ""))
    return parts.scheme == "https" or parts.hostname == "127.0.0.1"


def _error(pointer: str, message: str) -> Json:
    return {"message": message, "pointer": pointer}
