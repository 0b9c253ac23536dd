"""What the tools for GitHub give back. Plans refer to these fields by name, so the names stay.

`text`, `title`, `message` and `patch` are what people wrote. `complete` is False when there is more
than what is shown. Times read 2026-11-21T12:00:00Z.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Label:
    name: str
    description: str


@dataclass(frozen=True)
class Labels:
    items: tuple[Label, ...]


@dataclass(frozen=True)
class FoundIssue:
    number: int
    kind: str
    title: str
    state: str
    author: str
    labels: tuple[str, ...]
    assignees: tuple[str, ...]
    text: str
    updated_at: str
    url: str


@dataclass(frozen=True)
class Issues:
    items: tuple[FoundIssue, ...]
    total: int
    complete: bool


@dataclass(frozen=True)
class Said:
    author: str
    text: str
    at: str
    url: str


@dataclass(frozen=True)
class WholeIssue(FoundIssue):
    comments: tuple[Said, ...]
    complete: bool


@dataclass(frozen=True)
class FoundFile:
    path: str
    url: str


@dataclass(frozen=True)
class Files:
    items: tuple[FoundFile, ...]
    total: int
    complete: bool


@dataclass(frozen=True)
class FileText:
    path: str
    ref: str
    text: str
    size: int
    url: str
    complete: bool


@dataclass(frozen=True)
class Commit:
    sha: str
    message: str
    author: str
    at: str
    url: str


@dataclass(frozen=True)
class Commits:
    items: tuple[Commit, ...]
    complete: bool


@dataclass(frozen=True)
class Pull:
    number: int
    title: str
    state: str
    draft: bool
    author: str
    labels: tuple[str, ...]
    base: str
    head: str
    text: str
    merged_at: str
    updated_at: str
    url: str


@dataclass(frozen=True)
class Pulls:
    items: tuple[Pull, ...]
    complete: bool


@dataclass(frozen=True)
class ChangedFile:
    path: str
    status: str
    additions: int
    deletions: int
    patch: str
    complete: bool


@dataclass(frozen=True)
class WholePull(Pull):
    files: tuple[ChangedFile, ...]
    complete: bool
