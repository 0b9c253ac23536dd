"""What ingestion is handed and what it makes of it: places, the files in them, what to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from shared.database import Row
from shared.memory import Trust


class Place(NamedTuple):
    """Where documents come from, and who may see them. Refs begin with `name`, addresses with
    `url`; `head` is the commit that is there now."""

    source: str
    name: str
    url: str
    audience: str
    head: str = ""


class File(NamedTuple):
    """A file by the hash of its content; `size` is in bytes, None when it is not known yet."""

    hash: str
    size: int | None = None


@dataclass(frozen=True)
class Found:
    """What a place holds now: all of it when `complete`, else what changed. `gone` are paths that
    changed by going, `moved` leads from new paths to old ones."""

    files: Mapping[str, File]
    complete: bool
    gone: frozenset[str] = frozenset()
    moved: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


class Source(Protocol):
    """A folder or a repository."""

    @property
    def place(self) -> Place: ...

    def find(self, base: str) -> Found:
        """Say what changed since the commit `base`, or all that is there when `base` is ''."""
        ...

    def fetch(self, path: str, file: File) -> bytes | str | None:
        """Return the content; why it is left out; or None when the file is gone."""
        ...


class Piece(NamedTuple):
    """What becomes one memory."""

    ref: str
    url: str
    text: str


@dataclass(frozen=True)
class Document:
    """What is taken of one file or issue. Without pieces nothing is remembered of it, for
    `reason`."""

    path: str
    hash: str
    pieces: tuple[Piece, ...]
    author: str = ""
    trust: Trust = "inside"
    reason: str = ""


@dataclass(frozen=True)
class Plan:
    """What there is to do: what to take, by path; what goes; what moves from where; what is left
    out and why. `known` is what was taken before, `same` counts what stays."""

    take: Mapping[str, File]
    gone: tuple[str, ...]
    moved: Mapping[str, str]
    refused: Mapping[str, str]
    known: Mapping[str, Row]
    same: int
