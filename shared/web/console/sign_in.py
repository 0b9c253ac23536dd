"""Signing in with GitHub, and what a session may see in each tenant."""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from chalice.app import Response

from shared.database import Database, Statement, queries
from shared.errors import ActionRejected, RequestRefused
from shared.log import log
from shared.settings import Settings
from shared.web.console.access import Reader
from shared.web.console.membership import memberships
from shared.web.console.rendering import HEADERS
from shared.web.console.sessions import LIFE, Session, Sessions
from shared.web.oauth.github import sign_in_page, token_of, whose

SQL = queries(__file__, "sign_in.sql")

#: The pages below the console: to GitHub, back from it, and out.
GO, BACK, OUT = "sign-in", "signed-in", "sign-out"
_OVER = "This sign-in is over, or was not begun in this browser. Begin again."


class ConsoleSignIn:
    """Signs people in. `url` is the console's whole address, which GitHub leads back to."""

    def __init__(
        self, settings: Settings, database: Database, sessions: Sessions, url: str
    ) -> None:
        self._settings = settings
        self._database = database
        self._sessions = sessions
        self._url = url

    def go(self, now: float) -> Response:
        """Lead the browser to GitHub, bound to it by a cookie."""
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        kept = urlsafe_b64encode(json.dumps([state, verifier, now]).encode()).decode()
        where = sign_in_page(self._settings, f"{self._url}/{BACK}", state, verifier)
        return _elsewhere(where, self._sessions.sealed("sign-in", kept))

    def come_back(
        self, query: Mapping[str, str], headers: Mapping[str, str], now: float
    ) -> Response:
        """Learn who it is and what they may see, and begin their session.

        Raises RequestRefused for whom nothing may be shown, ActionUnavailable without an answer.
        """
        state, verifier, begun = self._begun(headers)
        given = query.get("state", "")
        if not state or not secrets.compare_digest(
            state.encode(), given.encode("utf-8", "replace")
        ):
            raise RequestRefused(400, _OVER)
        if now - begun > 600 or not query.get("code"):
            raise RequestRefused(400, _OVER)
        try:
            token = token_of(self._settings, query["code"], f"{self._url}/{BACK}", verifier)
            account = whose(self._settings, token)
            found = memberships(self._settings, token, account.login)
        except ActionRejected as err:
            log("console sign-in refused", reason=str(err))
            raise RequestRefused(403, "GitHub does not say what you may see here.") from None
        if not found:
            raise RequestRefused(403, "You are no member of an organisation that the agent serves.")
        session = self._sessions.begin(account.login, tuple(one.tenant for one in found), now)
        for one in found:
            row = one._asdict() | {"audiences": sorted(one.audiences), "session": session.hashed}
            row |= {"account": account.id, "login": account.login, "ends": now + LIFE}
            self._database.run(one.tenant, [Statement(SQL["keep"], row)])
            log("console signed in", tenant=one.tenant, role=one.role)
        return _elsewhere(f"{self._url}/runs", self._sessions.cookie(session))

    def out(self, session: Session | None) -> Response:
        """End the session, here and in the browser."""
        for tenant in session.tenants if session else ():
            row = {"tenant": tenant, "session": session.hashed} if session else {}
            self._database.run(tenant, [Statement(SQL["end"], row)])
        return _elsewhere(f"{self._url}/{GO}", self._sessions.ended())

    def _begun(self, headers: Mapping[str, str]) -> tuple[str, str, float]:
        try:
            state, verifier, begun = json.loads(
                urlsafe_b64decode(self._sessions.unsealed("sign-in", headers))
            )
        except ValueError:
            return "", "", 0.0
        return str(state), str(verifier), float(begun)


def reader_of(database: Database, session: Session, wanted: str, now: float) -> Reader:
    """Return what the person of a session may see in the tenant that is wanted, or their first.

    Raises RequestRefused: 403 for another tenant, 401 when the session was ended.
    """
    tenant = wanted or next(iter(session.tenants), "")
    if tenant not in session.tenants:
        raise RequestRefused(403, "You may see nothing of this tenant.")
    row = {"tenant": tenant, "session": session.hashed, "now": now}
    [found] = database.run(tenant, [Statement(SQL["read"], row)])
    if not found:
        raise RequestRefused(401, "Your session is over. Sign in again.")
    return Reader(tenant, found[0]["login"], found[0]["role"], tuple(found[0]["audiences"]))


def _elsewhere(address: str, cookie: str) -> Response:
    headers: dict[str, str | list[str]] = {**HEADERS, "Location": address, "Set-Cookie": [cookie]}
    return Response("", headers=headers, status_code=302)
