"""The results of the tools for GitHub. Plans refer to these fields by name, so the names stay.

`text`, `title`, `message` and `patch` are texts of people. `complete` is False when there is more
than the result shows. Times read 2026-11-21T12:00:00Z.
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
class FoundIssues:
    items: tuple[FoundIssue, ...]
    total: int
    complete: bool


@dataclass(frozen=True)
class IssueComment:
    author: str
    text: str
    at: str
    url: str


@dataclass(frozen=True)
class WholeIssue(FoundIssue):
    comments: tuple[IssueComment, ...]
    complete: bool


@dataclass(frozen=True)
class FoundFile:
    path: str
    url: str


@dataclass(frozen=True)
class FoundFiles:
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
class ListedCommits:
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
class ListedPulls:
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
