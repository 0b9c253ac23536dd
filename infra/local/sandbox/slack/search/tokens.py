"""Action tokens: each event of a person's message brings one, with which the app may search what
that person may see, for a while.

Slack's page shows the token under `assistant_thread`; what it sends has it at the top of the event.
https://docs.slack.dev/ai/using-data-access-api/
https://github.com/slack-go/slack/issues/1577
"""

import secrets
import threading
import time

from infra.local.sandbox.slack.workspace import BOT_USER
from shared.events import Json

#: Slack's page says "short-lived"; nothing says how short.
LIFE = 900.0


class ActionTokens:
    """Threads may share it."""

    def __init__(self) -> None:
        self._given: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def brought(self, event: Json) -> Json:
        """Return the event with a token, if it is what a person wrote to the app."""
        user, kind = event.get("user"), event.get("type")
        if kind not in {"message", "app_mention"} or not user or user == BOT_USER:
            return event
        token = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**13)}.{secrets.token_hex(16)}"
        with self._lock:
            self._given[token] = (str(user), time.monotonic() + LIFE)
        return {**event, "action_token": token}

    def owner(self, token: str) -> str:
        """Return the person whose token it is; '' when it is none, or is no longer."""
        user, until = self._given.get(token, ("", 0.0))
        return user if time.monotonic() < until else ""

    def expire(self) -> None:
        """Let all tokens end."""
        with self._lock:
            self._given.clear()
