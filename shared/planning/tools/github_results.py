"""The results of the tools for GitHub. Plans refer to these fields by name, so the names stay.

`text`, `title`, `message` and `patch` are texts of people. `complete` is False when there is more
than the result shows. Times read 2026-11-21T12:00:00Z.
"""

from shared.frozen import frozen


@frozen
class Label:
    name: str
    description: str


@frozen
class Labels:
    items: tuple[Label, ...]


@frozen
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


@frozen
class FoundIssues:
    items: tuple[FoundIssue, ...]
    total: int
    complete: bool


@frozen
class IssueComment:
    author: str
    text: str
    at: str
    url: str


@frozen
class WholeIssue(FoundIssue):
    comments: tuple[IssueComment, ...]
    complete: bool


@frozen
class FoundFile:
    path: str
    url: str


@frozen
class FoundFiles:
    items: tuple[FoundFile, ...]
    total: int
    complete: bool


@frozen
class FileText:
    path: str
    ref: str
    text: str
    size: int
    url: str
    complete: bool


@frozen
class Commit:
    sha: str
    message: str
    author: str
    at: str
    url: str


@frozen
class ListedCommits:
    items: tuple[Commit, ...]
    complete: bool


@frozen
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


@frozen
class ListedPulls:
    items: tuple[Pull, ...]
    complete: bool


@frozen
class ChangedFile:
    path: str
    status: str
    additions: int
    deletions: int
    patch: str
    complete: bool


@frozen
class WholePull(Pull):
    files: tuple[ChangedFile, ...]
    complete: bool
