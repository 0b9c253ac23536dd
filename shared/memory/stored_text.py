"""Prepares people's texts for Postgres, and hashes them for comparison."""

import unicodedata
from hashlib import sha256

from shared.redaction.redacting import redacted

#: Characters that are kept of one text. The longest body of an issue is 65,536.
STORED_CHARACTERS = 16_000
#: A secret at the cut is seen whole.
_LONGEST_SECRET = 4_000


def storable(text: str) -> str:
    """Mask the secrets of the text, cut it, and remove what Postgres refuses: NUL, and halves of
    surrogate pairs."""
    text = redacted(text[: STORED_CHARACTERS + _LONGEST_SECRET])
    return text[:STORED_CHARACTERS].replace("\0", "").encode("utf-8", "replace").decode()


def digest_of(text: str) -> str:
    """Hash a text, ignoring differences in width, case and white space."""
    plain = unicodedata.normalize("NFKC", storable(text)).casefold()
    return short_hash(" ".join(plain.split()))


def short_hash(*parts: str) -> str:
    """Return 32 hexadecimal digits for all parts together."""
    return sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
