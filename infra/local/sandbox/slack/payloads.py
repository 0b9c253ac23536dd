"""The bodies that Slack posts to an app: an event's envelope, a click, a slash command."""

import secrets
import time

from infra.local.sandbox.slack.views.open_views import trigger_id
from infra.local.sandbox.slack.views.presses import about, action_of
from infra.local.sandbox.slack.workspace import APP, BOT_USER, DOMAIN, TEAM
from shared.events import Json

#: The deprecated verification token, which is still in every payload.
_TOKEN = "sandbox-verification-token"


def envelope(event: Json, *, shared: bool = False, team: str = TEAM, org: str = "") -> Json:
    """Wrap an event as the Events API sends it; `shared` of a channel with another company.
    With an `org` it comes through the installation of the organisation.
    https://docs.slack.dev/apis/events-api/#callback-field"""
    authorization = {
        "enterprise_id": org or None,
        "team_id": None if org else team,
        "user_id": BOT_USER,
        "is_bot": True,
        "is_enterprise_install": bool(org),
    }
    return {
        "token": _TOKEN,
        "team_id": team,
        "enterprise_id": org or None,
        "context_team_id": team,
        "context_enterprise_id": org or None,
        "api_app_id": APP,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev0{secrets.token_hex(5).upper()}",
        "event_time": int(time.time()),
        "authorizations": [authorization],
        "is_ext_shared_channel": shared,
        "event_context": f"4-{secrets.token_hex(12)}",
    }


def slash_command(
    command: str, text: str, channel: Json, user: Json, response_url: str, *, trigger: str = ""
) -> dict[str, str]:
    """Build the form of a slash command.
    https://docs.slack.dev/interactivity/implementing-slash-commands"""
    return {
        "token": _TOKEN,
        "team_id": TEAM,
        "team_domain": DOMAIN,
        "channel_id": channel["id"],
        "channel_name": channel.get("name", "directmessage"),
        "user_id": user["id"],
        "user_name": user["name"],
        "command": command,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger or trigger_id(),
    }


def block_actions(
    message: Json,
    action_id: str,
    channel: Json,
    user: Json,
    response_url: str,
    *,
    trigger: str = "",
    value: str | None = None,
) -> Json:
    """Build the payload of a click on an element of `message`; raises Refusal without such one. Of
    a message that one person sees it has all but the message itself.
    https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""
    thread = {"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}
    is_alone = "to" in message
    return {
        **about("block_actions", user, trigger or trigger_id()),
        "channel": {"id": channel["id"], "name": channel.get("name", "directmessage")},
        "container": {
            "type": "message",
            "message_ts": message["ts"],
            "channel_id": channel["id"],
            "is_ephemeral": is_alone,
            **thread,
        },
        **({} if is_alone else {"message": message}),
        "state": {"values": {}},
        "actions": [action_of(message.get("blocks", []), action_id, value)],
        "response_url": response_url,
    }
