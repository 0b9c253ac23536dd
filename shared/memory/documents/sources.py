"""The values of ingestion: a source of documents, the files found there, and what has changed."""

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple, Protocol

from shared.database import Row
from shared.frozen import frozen
from shared.memory import Trust


class DocumentOrigin(NamedTuple):
    """The folder or repository that documents come from, and the audience that may see them.

    Refs begin with `name`, addresses with `url`. `head` is the commit that is there now,
    `number` that of a repository of GitHub.
    """

    source: str
    name: str
    url: str
    audience: str
    head: str = ""
    number: int = 0


class File(NamedTuple):
    """A file by the hash of its content. `size` is in bytes, None while it is unknown."""

    hash: str
    size: int | None = None


@frozen
class SourceFiles:
    """All files of a source if `complete`, else those that changed.

    `gone` are deleted paths, `moved` leads from new paths to old ones, `refused` from paths to the
    reason why they are left out.
    """

    files: Mapping[str, File]
    complete: bool
    gone: frozenset[str] = frozenset()
    moved: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


class DocumentSource(Protocol):
    """A folder or a repository."""

    @property
    def origin(self) -> DocumentOrigin: ...

    def find(self, base: str) -> SourceFiles:
        """Find the changes since the commit `base`, or all files if `base` is ''."""
        ...

    def fetch(self, path: str, file: File) -> bytes | str | None:
        """Return the content, the reason why it is left out, or None if the file is gone."""
        ...


class Piece(NamedTuple):
    """The part of a document that becomes one memory."""

    ref: str
    url: str
    text: str


@frozen
class Document:
    """A file, an issue or a comment in pieces. It has none if it is left out, for `reason`."""

    path: str
    hash: str
    pieces: tuple[Piece, ...]
    author: str = ""
    trust: Trust = "inside"
    reason: str = ""


@frozen
class Changes:
    """The difference between a source and what was taken of it before, by path.

    `take` are files to read, `gone` documents to forget, `moved` leads from new paths to old ones,
    `refused` to reasons. `known` is what was taken before; `same` counts the unchanged files.
    """

    take: Mapping[str, File]
    gone: tuple[str, ...]
    moved: Mapping[str, str]
    refused: Mapping[str, str]
    known: Mapping[str, Row]
    same: int
