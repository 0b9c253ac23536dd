"""Posts to a front door what Slack posts, signed as Slack signs it."""

import json
import time
from http.client import HTTPConnection, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from slack_sdk.signature import SignatureVerifier

from shared.events import Json

_FORM = "application/x-www-form-urlencoded"


class Answer(NamedTuple):
    """What the front door said. The names of `headers` are in lower case."""

    status: int
    body: bytes
    headers: dict[str, str]


class FrontDoor:
    """The ingress at `url`, which may have a path of its own.

    Every method raises TimeoutError when no answer came within `patience` seconds, and OSError or
    HTTPException when the connection failed.
    """

    def __init__(self, url: str, signing_secret: str, patience: float) -> None:
        self._url = urlsplit(url)
        self._signer = SignatureVerifier(signing_secret)
        self._patience = patience

    def event(self, payload: Json, headers: dict[str, str] | None = None) -> Answer:
        """Post an event of the Events API; `headers` tell of an earlier attempt."""
        body = json.dumps(payload, ensure_ascii=False).encode()
        return self._post("/slack/events", body, "application/json", headers or {})

    def interaction(self, payload: Json) -> Answer:
        """Post a click, a shortcut or the submission of a view."""
        body = urlencode({"payload": json.dumps(payload, ensure_ascii=False)}).encode()
        return self._post("/slack/interactive", body, _FORM, {})

    def command(self, form: dict[str, str]) -> Answer:
        """Post a slash command."""
        return self._post("/slack/commands", urlencode(form).encode(), _FORM, {})

    def _post(self, path: str, body: bytes, kind: str, extra: dict[str, str]) -> Answer:
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": kind,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": str(
                self._signer.generate_signature(timestamp=timestamp, body=body)
            ),
            **extra,
        }
        scheme = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        connection = scheme(self._url.netloc, timeout=self._patience)
        try:
            connection.request("POST", self._url.path.rstrip("/") + path, body, headers)
            response = connection.getresponse()
            answered = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, response.read(), answered)
        finally:
            connection.close()
