"""Signed sessions: what the browser keeps, for how long, and the token of its forms."""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, NamedTuple

from shared.settings import Credential

#: Seconds until one signs in again, and after which a page hands out a fresh cookie.
LIFE, ROTATES_AFTER = 8 * 3600, 900
_COOKIE = "agent-flows-console"


class Session(NamedTuple):
    """`id` names it in forms and in the database; times are seconds since the epoch. `begun` stays
    when its cookie is renewed."""

    id: str
    login: str
    tenants: tuple[str, ...]
    begun: float
    signed: float

    @property
    def hashed(self) -> str:
        """Return the name under which the database knows it, which opens nothing."""
        return hashlib.sha256(self.id.encode()).hexdigest()


class Sessions:
    """Signs sessions with the setting CONSOLE_KEY. While that is changed, the one before it counts
    for an hour more (shared/aws/secrets.py)."""

    def __init__(self, key: Credential, *, secure: bool) -> None:
        self._key = key
        self._secure = secure

    def begin(self, login: str, tenants: tuple[str, ...], now: float) -> Session:
        return Session(secrets.token_urlsafe(24), login, tenants, now, now)

    def cookie(self, session: Session) -> str:
        """Return the Set-Cookie header; it lives as long as the session still may."""
        body = urlsafe_b64encode(json.dumps(session).encode()).decode()
        left = int(session.begun + LIFE - session.signed)
        return self._header(f"{body}.{_mac(self._key.value, 'session', body)}", left)

    def ended(self) -> str:
        """Return the Set-Cookie header that ends it."""
        return self._header("", 0)

    def sealed(self, purpose: str, body: str) -> str:
        """Return a Set-Cookie header that keeps `body` in this browser for ten minutes."""
        return self._header(f"{body}.{_mac(self._key.value, purpose, body)}", 600, purpose)

    def unsealed(self, purpose: str, headers: Mapping[str, str]) -> str:
        """Return what was sealed for this purpose in the browser that asks; '' when nothing was."""
        try:
            kept = SimpleCookie(headers.get("cookie") or "").get(self._name(purpose))
        except CookieError:
            return ""
        body, _, mac = (kept.value if kept else "").partition(".")
        return body if body and self._is_ours(purpose, body, mac) else ""

    def read(self, headers: Mapping[str, str], now: float) -> Session | None:
        """Return the session of a request; None when there is none, it is over or not ours."""
        if not (body := self.unsealed("session", headers)):
            return None
        try:
            fields: Any = json.loads(urlsafe_b64decode(body))
            id_, login, tenants, begun, signed = fields
            session = Session(id_, login, tuple(tenants), float(begun), float(signed))
        except (ValueError, TypeError):
            return None
        return session if session.signed <= now + 60 and now < session.begun + LIFE else None

    def renewed(self, session: Session, now: float) -> str:
        """Return a fresh cookie for a session that was signed a while ago, else ''."""
        if now - session.signed < ROTATES_AFTER:
            return ""
        return self.cookie(session._replace(signed=now))

    def token(self, session: str) -> str:
        """Return the token that the forms of a session carry."""
        return _mac(self._key.value, "form", session)

    def accepts(self, session: str, token: str) -> bool:
        """Was this token made for a form of the session?"""
        return self._is_ours("form", session, token)

    def _name(self, purpose: str) -> str:
        # With this prefix a browser takes it from this host alone, and over HTTPS.
        return f"{'__Host-' if self._secure else ''}{_COOKIE}-{purpose}"

    def _header(self, value: str, seconds: int, purpose: str = "session") -> str:
        secure = "; Secure" if self._secure else ""
        # Lax, so that a link in a comment opens the console; forms carry a token of their own.
        kept = f"Path=/; HttpOnly; SameSite=Lax; Max-Age={max(seconds, 0)}{secure}"
        return f"{self._name(purpose)}={value}; {kept}"

    def _is_ours(self, purpose: str, body: str, mac: str) -> bool:
        found = False
        for key in self._key.accepted():
            if key:
                expected = _mac(key, purpose, body).encode()
                found |= hmac.compare_digest(expected, mac.encode("utf-8", "replace"))
        return found


def _mac(key: str, purpose: str, body: str) -> str:
    if len(key) < 16:  # never sign with what is not set
        raise ValueError("CONSOLE_KEY is shorter than 16 characters")
    return hmac.new(key.encode(), f"{purpose} {body}".encode(), hashlib.sha256).hexdigest()
