"""Prepares people's texts for Postgres, and hashes them for comparison."""

import unicodedata
from hashlib import sha256

#: Characters that are kept of one text. The longest body of an issue is 65,536.
STORED_CHARACTERS = 16_000


def storable(text: str) -> str:
    """Cut the text, and remove what Postgres refuses: NUL, and halves of surrogate pairs."""
    return text[:STORED_CHARACTERS].replace("\0", "").encode("utf-8", "replace").decode()


def digest_of(text: str) -> str:
    """Hash a text, ignoring differences in width, case and white space."""
    plain = unicodedata.normalize("NFKC", storable(text)).casefold()
    return short_hash(" ".join(plain.split()))


def short_hash(*parts: str) -> str:
    """Return 32 hexadecimal digits for all parts together."""
    return sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
