"""Canonical JSON: one text for one value, so that it can be compared and hashed."""

import hashlib
import json
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from shared.redaction.redacting import without_secrets

#: The metadata of a dataclass's field that is large: its digest stands in its place.
DIGESTED = {"digested": True}


def canonical(value: object) -> str:
    """Return the one JSON text of `value`: sorted keys, no spaces, sets sorted, broken surrogates
    replaced."""
    text = _ENCODER.encode(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def canonical_without_secrets(value: object) -> str:
    """Return the canonical JSON of `value` with its secrets masked."""
    text = canonical(value)
    plain = json.loads(text)
    masked = without_secrets(plain)
    return text if masked is plain else canonical(masked)


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical JSON of `value`, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _hashed(kept) if "digested" in field.metadata else kept
            for field in fields(value)
            for kept in [getattr(value, field.name)]
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, set | frozenset):
        return sorted(value, key=canonical)
    raise TypeError(f"{type(value).__name__} cannot be journaled; use plain JSON or a dataclass")


def _hashed(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
)


def as_column(text: str) -> str:
    """Return text as a column of Postgres takes it: without NUL and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
