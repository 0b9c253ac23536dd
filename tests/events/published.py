"""Reads the published GitHub payloads and the Slack requests that lie beside this file."""

import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from shared.events import Json

_HERE = Path(__file__).parent


class Delivery(NamedTuple):
    event: str
    payload: Json


@cache
def github_deliveries() -> list[Delivery]:
    """Return all published deliveries; copy a payload before you change it."""
    events = json.loads(lzma.decompress((_HERE / "github.json.xz").read_bytes()))
    return [Delivery(event["name"], payload) for event in events for payload in event["examples"]]


def github_delivery(event: str, action: str = "") -> Delivery:
    """Return a copy of the first published delivery of `event` with `action`."""
    found = next(
        delivery
        for delivery in github_deliveries()
        if delivery.event == event and delivery.payload.get("action", "") == action
    )
    return Delivery(found.event, json.loads(json.dumps(found.payload)))


def slack_requests() -> dict[str, Any]:
    """Return a fresh copy of all Slack requests by name."""
    requests: dict[str, Any] = json.loads((_HERE / "slack.json").read_text("utf-8"))
    return requests
