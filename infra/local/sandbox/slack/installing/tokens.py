"""The bot tokens that installations of the sandbox Slack were given.
https://docs.slack.dev/authentication/using-token-rotation"""

import secrets
import threading
from collections.abc import Callable
from typing import NamedTuple

from infra.local.sandbox.slack.workspace import Refusal
from shared.events import Json

#: Seconds for which a token that expires is good.
LASTS = 43_200


class Grant(NamedTuple):
    """One token: of which app, for which workspace, or which organisation as a whole."""

    app: str
    place: str
    scopes: str
    expires: float = 0.0
    gone: str = ""


class InstalledTokens:
    """All tokens but that of the deployment with one workspace. Threads may share it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._lock = threading.RLock()
        self._tokens: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        #: Seconds for which the tokens are good that are issued from now on.
        self.lasts = LASTS
        #: How many refresh tokens were spent.
        self.rotations = 0

    def issue(self, grant: Grant, *, rotates: bool) -> Json:
        """Return the part of an answer of oauth.v2.access that holds the tokens."""
        with self._lock:
            if not rotates:
                token = f"xoxb-{secrets.token_hex(12)}"
                self._tokens[token] = grant
                return {"access_token": token}
            token, refresh = (f"{kind}-1-{secrets.token_hex(12)}" for kind in ("xoxe.xoxb", "xoxe"))
            self._tokens[token] = grant._replace(expires=self.clock() + self.lasts)
            self._refresh[refresh] = grant
            return {"access_token": token, "refresh_token": refresh, "expires_in": self.lasts}

    def spend(self, app: str, refresh: str) -> tuple[Grant, Json]:
        """Return the next tokens for a refresh token, which is good once; raises Refusal."""
        with self._lock:
            grant = self._refresh.pop(refresh, None)
            if grant is None or grant.app != app:
                raise Refusal("invalid_refresh_token")
            self.rotations += 1
            return grant, self.issue(grant, rotates=True)

    def knows(self, token: str) -> bool:
        return token in self._tokens

    def place(self, token: str) -> str:
        """Return the workspace or the organisation of a token; raises Refusal."""
        with self._lock:
            grant = self._tokens.get(token)
            if grant is None:
                raise Refusal("invalid_auth")
            if grant.gone:
                raise Refusal(grant.gone)
            if 0 < grant.expires <= self.clock():
                raise Refusal("token_expired")
            return grant.place

    def scopes(self, token: str) -> str:
        return self._tokens[token].scopes

    def end(self, place: str, reason: str) -> None:
        """Let all tokens of a workspace or an organisation be refused for this reason."""
        with self._lock:
            for held in (self._tokens, self._refresh):
                for token, grant in held.items():
                    if grant.place == place:
                        held[token] = grant._replace(gone=reason)
            self._refresh = {t: one for t, one in self._refresh.items() if not one.gone}
