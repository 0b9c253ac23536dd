"""Slack's API for the configuration of apps: makes, reads and updates an app from its manifest. The
token for it a person generates once; it is renewed here."""

import json
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

from slack_sdk.errors import SlackApiError
from slack_sdk.web import WebClient

from infra.apps.slack_manifest import Site
from shared.errors import AgentFlowsError
from shared.events import Json

#: Seconds that a token must still be good for to be used.
_MARGIN = 300
#: Slack's answers that mean: another token. https://docs.slack.dev/reference/methods/apps.manifest.create
_TOKEN_IS_OVER = {"token_expired", "token_revoked", "invalid_auth", "not_authed"}
#: The answer to a token that renewed before.
USED_UP = "invalid_refresh_token"


class SlackDeclined(AgentFlowsError):
    """Slack refused, and a person must do something. `reason` is Slack's own word."""

    def __init__(self, said: str, reason: str = "") -> None:
        super().__init__(said)
        self.reason = reason


class PairStore(Protocol):
    """Keeps the token and what renews it, for one owner's eyes."""

    def pair(self) -> Mapping[str, str]:
        """Return `token`, `refresh_token`, `expires`, and the digest of what a person `generated`,
        as far as they are kept."""
        ...

    def keep_pair(self, pair: Mapping[str, str]) -> None: ...


class NewSlackApp(NamedTuple):
    """What Slack tells once, when it makes an app."""

    app_id: str
    client_id: str
    client_secret: str
    signing_secret: str


class ConfigurationApi:
    """The methods apps.manifest.*, as the person whose token is kept.

    What renews a token can be used once. So a new pair is kept before anything is done with it. If
    the process dies between Slack's answer and that, the old pair is of no use any more: a person
    generates another.
    """

    def __init__(self, api_url: str, store: PairStore) -> None:
        self._store = store
        self._site = Site(api_url)
        self._client = WebClient(base_url=api_url)

    @property
    def is_ready(self) -> bool:
        """Is there something to begin with?"""
        return bool(self._store.pair().get("refresh_token"))

    def begin(self, refresh_token: str) -> None:
        """Take over what a person generated; raises SlackDeclined when Slack does not know it."""
        if refresh_token.startswith("xoxe.xoxp-"):
            raise SlackDeclined("that is the Access Token; the Refresh Token beside it is wanted")
        self._rotate(refresh_token, generated=_digest(refresh_token))

    def has_begun(self, refresh_token: str) -> bool:
        """Tell if the pair that is kept came of this token, which is good for nothing more."""
        return self._store.pair().get("generated") == _digest(refresh_token)

    def create(self, wanted: Json) -> NewSlackApp:
        made = self._call("apps.manifest.create", manifest=json.dumps(wanted))
        keys = made["credentials"]
        return NewSlackApp(
            made["app_id"], keys["client_id"], keys["client_secret"], keys["signing_secret"]
        )

    def validate(self, wanted: Json) -> None:
        """Raises SlackDeclined, with what is wrong and where."""
        self._call("apps.manifest.validate", manifest=json.dumps(wanted))

    def export(self, app_id: str) -> Json:
        found: Json = self._call("apps.manifest.export", app_id=app_id)["manifest"]
        return found

    def look(self, app_id: str) -> Json | None:
        """Return it as far as that renews no token, which is work that must not be cut off."""
        pair = self._store.pair()
        if self._is_over(pair):
            return None
        try:
            answer = self._sent("apps.manifest.export", pair["token"], {"app_id": app_id})
        except SlackDeclined as err:
            if err.reason in _TOKEN_IS_OVER:
                return None
            raise
        found: Json = answer["manifest"]
        return found

    def update(self, app_id: str, wanted: Json) -> bool:
        """Replace the app's configuration; tell if it must be installed again for new rights."""
        answer = self._call("apps.manifest.update", app_id=app_id, manifest=json.dumps(wanted))
        return bool(answer.get("permissions_updated"))

    def _call(self, method: str, **arguments: str) -> Any:
        """Call a method; once more with a renewed token when Slack says that it is over."""
        pair = self._store.pair()
        if self._is_over(pair):
            pair = self._rotate(pair.get("refresh_token", ""))
        try:
            return self._sent(method, pair["token"], arguments)
        except SlackDeclined as err:
            if err.reason not in _TOKEN_IS_OVER:
                raise
        pair = self._rotate(self._store.pair().get("refresh_token", ""))
        return self._sent(method, pair["token"], arguments)

    @staticmethod
    def _is_over(pair: Mapping[str, str]) -> bool:
        return float(pair.get("expires") or 0) - time.time() < _MARGIN

    def _rotate(self, refresh_token: str, **more: str) -> Mapping[str, str]:
        answer = self._sent("tooling.tokens.rotate", "", {"refresh_token": refresh_token})
        pair = {
            "token": str(answer["token"]),
            "refresh_token": str(answer["refresh_token"]),
            "expires": str(answer["exp"]),
            **more,
        }
        self._store.keep_pair(pair)
        return pair

    def _sent(self, method: str, token: str, arguments: Mapping[str, str]) -> Any:
        """Raises SlackDeclined when Slack refuses or does not answer."""
        data = {**arguments, "token": token} if token else dict(arguments)
        try:
            return self._client.api_call(method, data=data).data
        except SlackApiError as err:
            raise self._refused(method, err.response) from None
        except OSError as err:
            raise SlackDeclined(
                f"{method}: no answer from {self._client.base_url} ({type(err).__name__}); check"
                " the network and SLACK_API_URL; the same command goes on"
            ) from None

    def _refused(self, method: str, answer: Any) -> SlackDeclined:
        reason = str(answer.get("error") or f"HTTP {answer.status_code}")
        return SlackDeclined(f"{method}: {self._explained(reason, answer)}", reason)

    def _explained(self, reason: str, answer: Any) -> str:
        if reason == "invalid_manifest":
            errors = answer.get("errors") or []
            places = "; ".join(f"{one.get('pointer')}: {one.get('message')}" for one in errors)
            return f"Slack does not take the manifest: {places}"
        if reason == USED_UP or reason in _TOKEN_IS_OVER:
            return (
                f"{reason}: such a token can be used once, and this one was; generate another"
                f' under "Your App Configuration Tokens" at {self._site.apps}'
            )
        if reason in {"app_not_found", "invalid_app_id", "no_permission", "app_not_eligible"}:
            return f"{reason}: whoever generated the token does not manage this app"
        if reason == "ratelimited":
            return "Slack takes no more of this now; try again in a minute"
        return reason


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
