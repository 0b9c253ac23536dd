"""Calls the ingress as API Gateway does, with signed requests and a list in place of the bus."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

from shared.events import Event, Json
from shared.settings import Settings
from shared.web.ingress import Ingress, build
from tests.events.published import github_delivery, slack_requests

SETTINGS = Settings(
    github_webhook_secret="github secret",
    slack_signing_secret="slack secret",
    github_app_id="99",
)
NOW = 1_700_000_000
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class Door:
    """An ingress with a list in place of the bus, called as API Gateway calls it."""

    def __init__(self, made: Settings = SETTINGS, /, **settings: str) -> None:
        self.published: list[Event] = []
        self.failure: Exception | None = None
        made = made._replace(**settings) if settings else made
        self.app = build(Ingress(made, self._publish, lambda: NOW))

    def _publish(self, event: Event) -> None:
        if self.failure:
            raise self.failure
        self.published.append(event)

    def call(self, path: str, body: bytes | str | None, headers: Json, method: str = "POST") -> Any:
        """Return API Gateway's view of the answer; bytes travel as base64."""
        encoded = base64.b64encode(body).decode() if isinstance(body, bytes) else body
        return self.app(
            {
                "resource": path,
                "path": path,
                "httpMethod": method,
                "headers": headers,
                "multiValueHeaders": {name: [value] for name, value in headers.items()},
                "queryStringParameters": None,
                "multiValueQueryStringParameters": None,
                "pathParameters": None,
                "stageVariables": None,
                "requestContext": {"resourcePath": path, "httpMethod": method, "stage": "live"},
                "body": encoded,
                "isBase64Encoded": isinstance(body, bytes),
            },
            None,
        )

    def github(self, body: bytes, event: str = "issues", kind: str = JSON) -> Any:
        return self.call("/github/webhook", body, github_headers(body, event, kind))

    def slack(self, body: bytes, path: str = "events", kind: str = JSON) -> Any:
        return self.call(f"/slack/{path}", body, slack_headers(body, kind))


def github_headers(body: bytes, event: str, kind: str) -> dict[str, str]:
    digest = hmac.new(b"github secret", body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": kind,
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X-Hub-Signature-256": f"sha256={digest}",
    }


def slack_headers(body: bytes, kind: str, at: int = NOW) -> dict[str, str]:
    digest = hmac.new(b"slack secret", b"v0:%d:%s" % (at, body), hashlib.sha256).hexdigest()
    return {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": str(at),
        "X-Slack-Signature": f"v0={digest}",
    }


def an_issue(**changes: object) -> bytes:
    payload = github_delivery("issues", "opened").payload
    payload["issue"] |= changes
    return json.dumps(payload, ensure_ascii=False).encode()


def slack_body(name: str) -> bytes:
    return json.dumps(slack_requests()[name]).encode()


def a_command(**fields: str) -> bytes:
    return urlencode(slack_requests()["command"] | fields).encode()
