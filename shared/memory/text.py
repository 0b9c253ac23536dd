"""What of people's text can be stored."""

#: What is kept of one text, in characters. The longest body of an issue is 65,536.
STORED_CHARACTERS = 16_000


def storable(text: str) -> str:
    """The beginning, without what Postgres refuses: NUL, and halves of surrogate pairs."""
    return text[:STORED_CHARACTERS].replace("\0", "").encode("utf-8", "replace").decode()
