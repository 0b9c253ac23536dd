"""GitHub's pages where a person signs in for an App, and the exchange of the code.
https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app"""

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from typing import NamedTuple
from urllib.parse import urlencode

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from infra.local.sandbox.github.state import SandboxState
from infra.local.sandbox.github.tokens import Tokens
from shared.events import Json

#: Seconds for which a code is good.
_LASTS = 600.0
#: The client secret of the App that the sandbox has from the start.
SECRET = "sandbox-client-secret"


class _Code(NamedTuple):
    client: str
    login: str
    back: str
    challenge: str
    ends: float


class PersonSignIn:
    """`person` is who sits at the browser; '' for somebody who presses Cancel."""

    def __init__(self, state: SandboxState, tokens: Tokens) -> None:
        self._state = state
        self._tokens = tokens
        self._codes: dict[str, _Code] = {}
        self.person = "maria"

    def authorize(self, request: Request) -> Response:
        wanted = request.args
        app = self._app(wanted.get("client_id", ""))
        back = wanted.get("redirect_uri", "")
        if app is None:
            return Response("Not Found", 404)
        allowed = app.get("callback_urls") or []
        if back not in allowed and (allowed or not back.startswith("http://127.0.0.1:")):
            return Response("The redirect_uri is not associated with this application.", 400)
        state = {"state": wanted["state"]} if "state" in wanted else {}
        if not self.person:
            denied = {"error": "access_denied", "error_description": "The user has denied it."}
            return redirect(f"{back}?{urlencode({**denied, **state})}")
        code = secrets.token_hex(10)
        self._codes[code] = _Code(
            wanted["client_id"],
            self.person,
            back,
            wanted.get("code_challenge", ""),
            time.time() + _LASTS,
        )
        return redirect(f"{back}?{urlencode({'code': code, **state})}")

    def exchange(self, form: Json) -> Json:
        """Return a token for a code, once; what is wrong is an answer too."""
        app = self._app(str(form.get("client_id")))
        given = str(form.get("client_secret"))
        if app is None or given != (app.get("client_secret") or SECRET):
            return {"error": "incorrect_client_credentials"}
        code = self._codes.pop(str(form.get("code")), None)
        if code is None or code.client != form.get("client_id") or code.ends < time.time():
            return {"error": "bad_verification_code"}
        if code.back != form.get("redirect_uri"):
            return {"error": "redirect_uri_mismatch"}
        if code.challenge and code.challenge != _challenge(str(form.get("code_verifier"))):
            return {"error": "bad_verification_code"}
        return {"access_token": self._tokens.of(code.login), "token_type": "bearer", "scope": ""}

    def client_id(self) -> str:
        """The Client ID of the sandbox's own App."""
        return f"Iv23sandbox{self._tokens.app_id}"

    def _app(self, client_id: str) -> Json | None:
        number = client_id.removeprefix("Iv23sandbox")
        return self._state.get("app", int(number)) if number.isdecimal() else None


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
