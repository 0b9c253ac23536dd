"""Encrypts the tokens of installations with AES-GCM, so that the database alone opens nothing."""

import re
from base64 import urlsafe_b64decode
from os import urandom
from typing import Any, NamedTuple

from Cryptodome.Cipher import AES

from shared.errors import SettingsError

_EXPECTED = "expected NAME:KEY,…, each KEY 32 bytes in base64; docs/settings.md"
#: Bytes of the nonce, as NIST SP 800-38D recommends for GCM, and of what proves the whole.
_NONCE, _TAG = 12, 16


class Sealed(NamedTuple):
    """What only the key of this name opens."""

    key: str
    box: bytes


class TokenKeys:
    """The keys of SLACK_TOKEN_KEYS: the first one seals, each opens what it sealed.

    What is sealed `about` something opens about nothing else, so that no token can be put into the
    row of another workspace.
    """

    def __init__(self, setting: str) -> None:
        """Raises SettingsError for what are no keys."""
        pairs = [part.strip().partition(":") for part in setting.split(",") if part.strip()]
        self._keys = {name: _key(name, text) for name, _, text in pairs}
        if not self._keys or len(self._keys) < len(pairs):
            raise SettingsError(f"SLACK_TOKEN_KEYS names no key, or one twice; {_EXPECTED}")
        self._first = pairs[0][0]

    def seal(self, text: str, about: str) -> Sealed:
        nonce = urandom(_NONCE)
        cipher = _cipher(self._keys[self._first], nonce, about)
        box, tag = cipher.encrypt_and_digest(text.encode())
        return Sealed(self._first, nonce + box + tag)

    def open(self, sealed: Sealed, about: str) -> str:
        """Raises SettingsError when the key is gone, or the box is that of something else."""
        key = self._keys.get(sealed.key)
        if key is None:
            raise SettingsError(
                f"the token was sealed with the key {sealed.key!r}, which SLACK_TOKEN_KEYS no"
                " longer has: put it back, or install the app there again"
            )
        try:
            box = bytes(sealed.box)
            cipher = _cipher(key, box[:_NONCE], about)
            text: bytes = cipher.decrypt_and_verify(box[_NONCE:-_TAG], box[-_TAG:])
            return text.decode()
        except ValueError as err:
            raise SettingsError(
                f"the token does not open with the key {sealed.key!r}: the key was changed, or the"
                " row is not this workspace's; install the app there again"
            ) from err


def _cipher(key: bytes, nonce: bytes, about: str) -> Any:
    cipher: Any = AES.new(key, AES.MODE_GCM, nonce=nonce, mac_len=_TAG)
    cipher.update(about.encode())
    return cipher


def _key(name: str, text: str) -> bytes:
    try:
        key = urlsafe_b64decode(text.replace("+", "-").replace("/", "_"))
    except ValueError:
        key = b""
    if len(key) != 32 or not re.fullmatch(r"\w{1,32}", name):
        raise SettingsError(f"SLACK_TOKEN_KEYS has a part that is no named key; {_EXPECTED}")
    return key
