"""What of people's text can be stored, and when two texts are the same."""

import unicodedata
from hashlib import sha256

#: What is kept of one text, in characters. The longest body of an issue is 65,536.
STORED_CHARACTERS = 16_000


def storable(text: str) -> str:
    """The beginning, without what Postgres refuses: NUL, and halves of surrogate pairs."""
    return text[:STORED_CHARACTERS].replace("\0", "").encode("utf-8", "replace").decode()


def digest_of(text: str) -> str:
    """The same for texts that differ in width, case or white space alone."""
    plain = unicodedata.normalize("NFKC", storable(text)).casefold()
    return short_hash(" ".join(plain.split()))


def short_hash(*parts: str) -> str:
    """32 hexadecimal digits of all parts."""
    return sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
