"""Checks what a Slack app was given, as far as Slack and our own front door can tell."""

import secrets
import time
from typing import NamedTuple

import urllib3
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web import SlackResponse, WebClient

from infra.apps.slack_config import SlackDeclined
from infra.apps.slack_manifest import EVENTS

#: Seconds until the door must have answered; a cold start takes one or two.
_PATIENCE = 15.0


class Bot(NamedTuple):
    """The bot that a token is of, and its rights."""

    team: str
    team_name: str
    user: str
    name: str
    app_id: str
    scopes: frozenset[str]


def check_bot_token(token: str, api_url: str) -> Bot:
    """Ask Slack whose token it is; raises SlackDeclined."""
    if token and not token.startswith(("xoxb-", "xoxe.xoxb-")):
        raise SlackDeclined("that is no bot token; expected xoxb-…", "not_a_bot")
    client = WebClient(token=token, base_url=api_url)
    said = _asked(client, "auth.test", "the bot token")
    granted = str(said.headers.get("x-oauth-scopes") or said.headers.get("X-OAuth-Scopes") or "")
    return Bot(
        str(said["team_id"]),
        str(said.get("team") or said["team_id"]),
        str(said["user_id"]),
        str(said.get("user") or said["user_id"]),
        str(said.get("app_id") or ""),
        frozenset(filter(None, (one.strip() for one in granted.split(",")))),
    )


def check_app_token(token: str, api_url: str) -> None:
    """See that an app-level token opens Socket Mode; raises SlackDeclined."""
    if token and not token.startswith("xapp-"):
        raise SlackDeclined("that is no app-level token; expected xapp-…", "not_app_level")
    client = WebClient(base_url=api_url)
    try:
        client.apps_connections_open(app_token=token)
    except SlackApiError as err:
        reason = str(err.response.get("error") or err.response.status_code)
        hint = {
            "missing_scope": "; it needs the scope connections:write",
            "not_allowed_token_type": "; it needs an app-level token with connections:write",
        }.get(reason, "; is Socket Mode on in the app?")
        raise SlackDeclined(
            f"Slack answered {reason} to the app-level token{hint}", reason
        ) from None
    except OSError as err:
        raise _away(client, err) from None


def check_door(door: str, signing_secret: str) -> None:
    """Let the front door answer a challenge that is signed as Slack signs; raises SlackDeclined."""
    challenge = secrets.token_urlsafe(24)
    body = f'{{"type":"url_verification","challenge":"{challenge}","token":""}}'.encode()
    stamp = str(int(time.time()))
    signature = SignatureVerifier(signing_secret).generate_signature(timestamp=stamp, body=body)
    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": str(signature),
    }
    address = door.rstrip("/") + EVENTS
    try:
        answer = urllib3.request(
            "POST", address, body=body, headers=headers, timeout=_PATIENCE, retries=False
        )
    except (urllib3.exceptions.HTTPError, OSError) as err:
        raise SlackDeclined(
            f"no answer from {address} ({type(err).__name__}); see the log of the ingress"
        ) from None
    if answer.status == 401:
        raise SlackDeclined(
            f"{address} does not take our signature: the functions read another signing secret;"
            " wait a minute and run this again"
        )
    if answer.status != 200 or challenge.encode() not in answer.data:
        raise SlackDeclined(
            f"{address} answered {answer.status} to Slack's challenge; see the log of the ingress"
        )


def _asked(client: WebClient, method: str, what: str) -> SlackResponse:
    try:
        return client.api_call(method)
    except SlackApiError as err:
        reason = str(err.response.get("error") or err.response.status_code)
        hint = "copy it again" if reason in {"invalid_auth", "not_authed"} else "look at the app"
        raise SlackDeclined(f"Slack answered {reason} to {what}; {hint}", reason) from None
    except OSError as err:
        raise _away(client, err) from None


def _away(client: WebClient, err: OSError) -> SlackDeclined:
    return SlackDeclined(
        f"no answer from {client.base_url} ({type(err).__name__}); check the network and"
        " SLACK_API_URL; the same command goes on"
    )


def missing(wanted: frozenset[str], bot: Bot) -> list[str]:
    """Name the rights that the bot lacks; none where Slack does not tell its rights."""
    return sorted(wanted - bot.scopes) if bot.scopes else []
