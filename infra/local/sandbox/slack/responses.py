"""The addresses at which an app may answer a click or a command for thirty minutes."""

import json
import secrets
import threading
from contextlib import suppress
from typing import NamedTuple

from werkzeug.wrappers import Response

from infra.local.sandbox.slack.blocks import checked_blocks
from infra.local.sandbox.slack.workspace import BOT_USER, Refusal, Workspace
from shared.events import Json


class _Occasion(NamedTuple):
    """The person and the place of a click or a command, and the message that was clicked on."""

    channel: str
    user: str
    ts: str


class Responses:
    """The target of each `response_url` in a payload.
    https://docs.slack.dev/interactivity/handling-user-interaction#message_responses"""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._occasions: dict[str, _Occasion] = {}
        self._lock = threading.Lock()

    def invite(self, channel: str, user: str, ts: str = "") -> str:
        """Make an address; returns its last part."""
        token = secrets.token_hex(12)
        with self._lock:
            self._occasions[token] = _Occasion(channel, user, ts)
        return token

    def take(self, token: str, body: Json) -> Response:
        """Show the app's answer."""
        with self._lock:
            occasion = self._occasions.get(token)
        if occasion is None:
            return Response("used_url", 404)
        try:
            self._show(occasion, body)
        except Refusal as err:
            return Response(err.error, 400)
        return Response("ok")

    def answered(self, token: str, body: bytes) -> None:
        """Show the body of the answer to a command itself, as JSON or as text."""
        if not body.strip():
            return
        with self._lock:
            occasion = self._occasions[token]
        try:
            content = json.loads(body)
        except ValueError:
            content = {"text": body.decode("utf-8", "replace")}
        with suppress(Refusal):  # a person sees nothing of an answer that Slack cannot show
            self._show(occasion, content if isinstance(content, dict) else {"text": str(content)})

    def _show(self, occasion: _Occasion, body: Json) -> None:
        channel, user, ts = occasion
        content: Json = {"text": str(body.get("text") or "")}
        if body.get("blocks"):
            content["blocks"] = checked_blocks(body["blocks"])
        is_alone = self._workspace.whispered(channel, ts) is not None
        if ts and body.get("delete_original"):
            gone = self._workspace.unwhisper if is_alone else self._workspace.delete
            gone(channel, ts)
        elif ts and body.get("replace_original") and is_alone:
            self._workspace.whisper(channel, user, ts, **content)
        elif ts and body.get("replace_original"):
            self._workspace.edit(channel, ts, BOT_USER, **content)
        elif body.get("response_type") == "in_channel":
            self._workspace.post(channel, BOT_USER, body.get("thread_ts"), **content)
        else:
            self._workspace.whisper(channel, user, **content)
