"""The bodies that Slack posts when somebody uses a shortcut, a dialog or the app's home.

https://docs.slack.dev/reference/interaction-payloads
"""

import time
from typing import Any

from infra.local.sandbox.slack.views.methods import shown
from infra.local.sandbox.slack.workspace import APP, DOMAIN, TEAM, Refusal
from shared.events import Json

#: Where the state of an element holds what a person gave it.
_HELD = {
    "plain_text_input": "value",
    "static_select": "selected_option",
    "checkboxes": "selected_options",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "conversations_select": "selected_conversation",
}


def about(kind: str, user: Json, trigger: str) -> Json:
    """Return what all of them have."""
    person = {"id": user["id"], "username": user["name"], "name": user["name"]}
    return {
        "type": kind,
        "token": "sandbox-verification-token",
        "api_app_id": APP,
        "team": {"id": TEAM, "domain": DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
        "user": {**person, "team_id": user["team_id"]},
        "trigger_id": trigger,
    }


def shortcut(callback_id: str, user: Json, trigger: str) -> Json:
    stamp = f"{time.time():.6f}"
    return {**about("shortcut", user, trigger), "callback_id": callback_id, "action_ts": stamp}


def message_action(
    callback_id: str, user: Json, trigger: str, channel: Json, message: Json, *, response_url: str
) -> Json:
    return {
        **about("message_action", user, trigger),
        "callback_id": callback_id,
        "action_ts": f"{time.time():.6f}",
        "channel": {"id": channel["id"], "name": channel.get("name", "directmessage")},
        "message_ts": message["ts"],
        "message": message,
        "response_url": response_url,
    }


def submission(view: Json, values: Json, user: Json, trigger: str) -> Json:
    filled = {**shown(view), "state": {"values": state_of(view, values)}}
    return {**about("view_submission", user, trigger), "view": filled, "response_urls": []}


def closed(view: Json, user: Json, trigger: str, *, all_: bool) -> Json:
    body = about("view_closed", user, trigger)
    del body["trigger_id"]
    return {**body, "view": shown(view), "is_cleared": all_}


def view_action(view: Json, action: Json, values: Json, user: Json, trigger: str) -> Json:
    container = {"type": "view", "view_id": view["id"]}
    seen = {**shown(view), "state": {"values": state_of(view, values)}}
    body = about("block_actions", user, trigger)
    return {**body, "container": container, "view": seen, "actions": [action]}


def action_of(blocks: list[Json], action_id: str, value: Any = None) -> Json:
    """Return what a person's press of an element tells; raises Refusal without such one."""
    for block in blocks:
        elements = [*(block.get("elements") or ()), block.get("element"), block.get("accessory")]
        for element in elements:
            if isinstance(element, dict) and element.get("action_id") == action_id:
                seen = {"block_id": block["block_id"], "action_ts": f"{time.time():.6f}"}
                return {"type": element["type"], "action_id": action_id, **seen} | _said(
                    element, value
                )
    raise Refusal("no_such_action")


def state_of(view: Json, values: Json) -> Json:
    """Return the state of a view's inputs: what a person gave them, else what they began with."""
    state: Json = {}
    for block in view["blocks"]:
        element = block.get("element")
        if isinstance(element, dict):
            held = _held(element, values.get(block["block_id"]))
            state[block["block_id"]] = {element["action_id"]: {"type": element["type"], **held}}
    return state


def _said(element: Json, value: Any) -> Json:
    if element["type"] == "feedback_buttons":
        chosen = element["negative_button" if value == "negative" else "positive_button"]
        return {"text": chosen["text"], "value": chosen["value"]}
    if element["type"] in _HELD:
        return _held(element, value)
    told: Json = {name: element[name] for name in ("text", "value") if name in element}
    return told if value is None else {**told, "value": value}


def _held(element: Json, value: Any) -> Json:
    name = _HELD.get(element["type"], "value")
    if value is None:
        return {
            name: element.get(name.replace("selected", "initial").replace("value", "initial_value"))
        }
    if name == "selected_option":
        return {name: _option(element, value)}
    if name == "selected_options":
        return {name: [_option(element, one) for one in value]}
    return {name: value or None}


def _option(element: Json, value: str) -> Json | None:
    """Return the option of this value; a client that lies may send another."""
    if not value:
        return None
    other = {"text": {"type": "plain_text", "text": value}, "value": value}
    return next((one for one in element["options"] if one["value"] == value), other)
