"""Replays a saved delivery: signs it as its platform would and posts it to the front door."""

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import urllib3

from shared.errors import SettingsError
from shared.settings import Settings

Json = dict[str, Any]


class Delivery(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


def read_delivery(file: Path, event: str, settings: Settings) -> Delivery:
    """Read `{"headers": …, "body": …}` or a bare payload, and sign it.

    `event` names the GitHub event of a bare payload, such as `issues`. The delivery id in the
    headers is kept: sent twice, it is one event. Raises SettingsError when the file is no delivery
    or its secret is not set.
    """
    try:
        saved = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as err:
        raise SettingsError(f"{file} cannot be read as JSON: {type(err).__name__}") from err
    if not isinstance(saved, dict):
        raise SettingsError(f"{file} holds no delivery; expected an object with headers and body")
    whole = {"headers", "body"} <= saved.keys()
    headers = {k.lower(): str(v) for k, v in saved["headers"].items()} if whole else {}
    payload = saved["body"] if whole else saved
    event = event or headers.get("x-github-event", "")
    if event:
        return _github(payload, event, headers, settings)
    if isinstance(payload, dict) and (slack := _slack_path(payload)):
        return _slack(payload, slack, settings)
    raise SettingsError(f"{file} is no Slack request; for a GitHub payload say --event issues")


def send(delivery: Delivery, url: str) -> tuple[int, str]:
    """Post it to the front door at `url` and return the status and the answer."""
    address = url.rstrip("/") + delivery.path
    try:
        answer = urllib3.request(
            "POST", address, body=delivery.body, headers=delivery.headers, retries=False, timeout=15
        )
    except urllib3.exceptions.HTTPError as err:
        raise SettingsError(f"{url} does not answer; is ./scripts/dev running?") from err
    return answer.status, answer.data.decode("utf-8", "replace")


def _github(payload: Any, event: str, given: Mapping[str, str], settings: Settings) -> Delivery:
    body = _bytes(payload)
    key = settings.require("github_webhook_secret").encode()
    headers = {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": given.get("x-github-delivery") or str(uuid.uuid4()),
        "x-hub-signature-256": "sha256=" + hmac.digest(key, body, hashlib.sha256).hex(),
    }
    return Delivery("/github/webhook", headers, body)


def _slack(payload: Json, path: str, settings: Settings) -> Delivery:
    body, kind = _bytes(payload), "application/json"
    if path != "/slack/events":
        form = payload if path == "/slack/commands" else {"payload": body.decode()}
        body, kind = urlencode(form).encode(), "application/x-www-form-urlencoded"
    stamp = str(int(time.time()))
    key = settings.require("slack_signing_secret").encode()
    signature = hmac.digest(key, b"v0:%s:%s" % (stamp.encode(), body), hashlib.sha256).hex()
    headers = {
        "content-type": kind,
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={signature}",
    }
    return Delivery(path, headers, body)


def _slack_path(payload: Json) -> str:
    if payload.get("type") in {"event_callback", "url_verification"}:
        return "/slack/events"
    if "command" in payload:
        return "/slack/commands"
    return "/slack/interactive" if "trigger_id" in payload else ""


def _bytes(payload: Any) -> bytes:
    """A body that was saved as text is sent as it was, byte for byte."""
    text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    return text.encode("utf-8", "replace")
