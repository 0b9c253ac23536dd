"""Signs the JSON web token by which a GitHub App identifies itself.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

import base64
import json
import time
from functools import lru_cache

from Cryptodome.Hash import SHA256
from Cryptodome.PublicKey import RSA
from Cryptodome.Signature import pkcs1_15

from shared.errors import SettingsError
from shared.log import log
from shared.settings import Credential

#: In seconds: GitHub accepts a token for ten minutes at most, and its clock may be behind ours.
_LIFE, _SLACK = 540, 60


class AppJwt:
    """Gives the Authorization header of an app. Parses the key once and reuses a token for minutes.

    PyJWT would sign with cryptography, whose 4 MB would be a third of the bundle.
    """

    def __init__(self, app_id: str, private_key: Credential) -> None:
        self._app_id = app_id
        self._credential = private_key
        self._text = ""
        self._key: RSA.RsaKey | None = None
        self._token = ""
        self._renew_at = 0.0

    def __call__(self) -> str:
        """Return `Bearer …`; raises SettingsError when the key is invalid."""
        now, key = time.time(), self._present_key()
        if now >= self._renew_at:
            self._token = self._sign(key, int(now))
            self._renew_at = now + _LIFE - 2 * _SLACK
        return f"Bearer {self._token}"

    def renew(self) -> bool:
        """Tell if there is another key by now."""
        return bool(self._credential.renewed(self._text))

    def _present_key(self) -> RSA.RsaKey:
        """Return the key; a new one that cannot be read leaves the one before."""
        text = self._credential.value
        if self._key is None:
            self._key, self._text = _parsed(text), text
        elif text != self._text:
            self._text = text
            try:
                self._key, self._renew_at = _parsed(text), 0.0
            except SettingsError as err:
                log("new private key not taken", reason=str(err))
        return self._key

    def _sign(self, key: RSA.RsaKey, now: int) -> str:
        """Write and sign the claims with RS256 (RFC 7518)."""
        header = {"alg": "RS256", "typ": "JWT"}
        claims = {"iat": now - _SLACK, "exp": now + _LIFE, "iss": self._app_id}
        signed = b".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
        signature = pkcs1_15.new(key).sign(SHA256.new(signed))
        return (signed + b"." + _base64(signature)).decode()


@lru_cache(maxsize=2)  # the library looks whether its factors are prime, which takes a while
def _parsed(text: str) -> RSA.RsaKey:
    try:
        return RSA.import_key(pem(text))
    except (ValueError, IndexError) as err:
        raise SettingsError(
            "GITHUB_APP_PRIVATE_KEY is not an RSA key in PEM form; paste the .pem file from GitHub"
        ) from err


def _base64(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def pem(text: str) -> str:
    r"""Return the PEM text of a key with line ends, with `\n` in their place, or in base64.

    Raises SettingsError for anything else.
    """
    key = text.strip().replace("\\n", "\n")
    if "-----BEGIN" not in key:
        try:
            key = base64.b64decode("".join(key.split()), validate=True).decode("ascii")
        except ValueError:  # no base64, or no text in it
            key = ""
    if "-----BEGIN" not in key:
        raise SettingsError(
            "GITHUB_APP_PRIVATE_KEY is not a PEM key; paste the .pem file from GitHub,"
            r" with \n for line ends, or its base64"
        )
    return key
