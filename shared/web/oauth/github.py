"""GitHub's side of a proof: the page where a person signs in, and whose account a code stands for.
https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app"""

import hashlib
import json
from base64 import urlsafe_b64encode
from typing import Any, NamedTuple
from urllib.parse import urlencode

import urllib3

from shared.errors import ActionRejected, ActionUnavailable
from shared.people.addresses import api_url, web_url
from shared.settings import Settings

#: Seconds for each of the two calls.
_TIMEOUT = 6.0


class GitHubAccount(NamedTuple):
    """An account; its id stays when its login changes."""

    id: str
    login: str


def sign_in_page(settings: Settings, back: str, state: str, verifier: str) -> str:
    """Return the page where a person signs in, and comes `back` with a code. GitHub Enterprise
    Servers that know no PKCE ignore it."""
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "client_id": settings.require("github_client_id"),
        "redirect_uri": back,
        "state": state,
        "code_challenge": urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
        "allow_signup": "false",
    }
    return f"{web_url(settings)}/login/oauth/authorize?{urlencode(query)}"


def account_of(settings: Settings, code: str, back: str, verifier: str) -> GitHubAccount:
    """Return whose account a code stands for. The token that it is exchanged for is used once, and
    kept nowhere.

    Raises ActionRejected for a code that GitHub does not take, ActionUnavailable without an answer.
    """
    return whose(settings, token_of(settings, code, back, verifier))


def token_of(settings: Settings, code: str, back: str, verifier: str) -> str:
    """Return the token that a code is exchanged for; raises as `account_of` does."""
    fields = {
        "client_id": settings.require("github_client_id"),
        "client_secret": settings.credential("github_client_secret").value,
        "code": code,
        "redirect_uri": back,
        "code_verifier": verifier,
    }
    given = _asked("POST", f"{web_url(settings)}/login/oauth/access_token", body=urlencode(fields))
    token = given.get("access_token")
    if not isinstance(token, str) or not token:
        reason = str(given.get("error") or "no token")[:60]
        raise ActionRejected(f"github: could not tell whose code it is: {reason}")
    return token


def whose(settings: Settings, token: str) -> GitHubAccount:
    """Return whose token it is; raises as `account_of` does."""
    found = asked_as(settings, token, "/user")
    id_, login = found.get("id"), found.get("login")
    if type(id_) is not int or not isinstance(login, str) or not login:
        raise ActionRejected("github: its answer names no account; check GITHUB_API_URL")
    return GitHubAccount(str(id_), login)


def asked_as(settings: Settings, token: str, path: str) -> dict[str, Any]:
    """Return what GitHub answers a person at `path`; raises as `account_of` does."""
    return _asked("GET", f"{api_url(settings)}{path}", Authorization=f"Bearer {token}")


def _asked(method: str, url: str, body: str | None = None, **headers: str) -> dict[str, Any]:
    """Call GitHub, follow no redirect, and return the JSON object that it answers with."""
    sent = {"Accept": "application/json", "User-Agent": "agent-flows", **headers}
    sent |= {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
    doing = "github: could not tell whose code it is"
    try:
        answer = urllib3.request(
            method, url, body=body, headers=sent, timeout=_TIMEOUT, retries=False, redirect=False
        )
    except (urllib3.exceptions.HTTPError, OSError) as err:
        raise ActionUnavailable(f"{doing}: {type(err).__name__}", sent=False) from None
    if answer.status >= 500 or answer.status == 429:
        raise ActionUnavailable(f"{doing}: HTTP {answer.status}", sent=False)
    try:
        found = json.loads(answer.data)
    except ValueError:
        found = None
    if answer.status >= 300 or not isinstance(found, dict):
        raise ActionRejected(f"{doing}: HTTP {answer.status}; check GITHUB_CLIENT_ID")
    return found
