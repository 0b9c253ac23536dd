"""The queries that a flow may put to GitHub, as values: those of plans, then those of ingestion.

Each answer to a plan is bounded: so many items, so many characters of each text.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from shared.actions import Query
from shared.actions.github.actions import OnGitHub
from shared.events import Json
from shared.frozen import frozen


class _About(OnGitHub, Query):
    """Shared by every query about a repository."""

    repository: str

    @property
    def scope(self) -> str:
        return f"github:{self.repository}"

    @property
    def arguments(self) -> Json:
        named = vars(self).items()
        return {name: [*held] if isinstance(held, tuple) else held for name, held in named}


@frozen
class FindIssues(_About):
    """Ask for the issues, the pull requests, or both that all of this holds of, those without
    activity for longest first, as `{"items": [issue …], "complete": bool}`.

    They have each of `labels` and none of `without`. `assignee` is a login and `milestone` a title
    or a number; `none` asks for those without one, and `*` for those with any. Moments are dates,
    such as 2026-11-21, or times; `event.days_ago(60)` is one. Who writes a comment or changes a
    label updates an issue.
    """

    permissions: ClassVar[Mapping[str, str]] = {"issues": "read", "pull_requests": "read"}
    repository: str
    kind: Literal["issue", "pr", "any"] = "issue"
    state: Literal["open", "closed", "all"] = "open"
    labels: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    assignee: str = ""
    milestone: str | int = ""
    opened_before: str = ""
    opened_since: str = ""
    updated_before: str = ""
    updated_since: str = ""
    limit: int = 30


@frozen
class SearchIssues(_About):
    """Ask for issues, or pull requests, with these words, as `{"items": [issue …], "total": number,
    "complete": bool}`. The words may include GitHub's qualifiers, such as `is:open label:bug`."""

    permissions: ClassVar[Mapping[str, str]] = {"issues": "read", "pull_requests": "read"}
    repository: str
    words: str
    kind: Literal["issue", "pr"] = "issue"
    limit: int = 30


@frozen
class SearchCode(_About):
    """Ask for files of the default branch with these words, as `{"items": [{"path": …, "url":
    …}], "total": number, "complete": bool}`."""

    permissions: ClassVar[Mapping[str, str]] = {"contents": "read"}
    repository: str
    words: str
    limit: int = 30


@frozen
class ReadText(_About):
    """Ask for a text file, as `{"path", "ref", "text", "size", "url", "complete"}`. `ref` is a
    branch, a tag or a commit; empty for the default branch. `most` is in characters."""

    permissions: ClassVar[Mapping[str, str]] = {"contents": "read"}
    repository: str
    path: str
    ref: str = ""
    most: int = 60_000


@frozen
class ReadTeamFiles(_About):
    """Ask for the file `path` as the default branch has it, and that of the owner's public
    repository `.github`, as `{"repository": …, "organisation": …}`: each `{"text", "problem"}`, or
    None when there is none. `most` is in bytes. With a `commit` ask for the repository's at that
    commit alone."""

    permissions: ClassVar[Mapping[str, str]] = {"contents": "read"}
    repository: str
    path: str
    most: int = 65_536
    commit: str = ""


@frozen
class ReadTexts(_About):
    """Ask for text files as the commit `ref` has them, by default that of the default branch, as
    `{path: text}`, in one request. What is no text, is not there, or has more than `most` bytes is
    left out; at most 100 paths are read."""

    permissions: ClassVar[Mapping[str, str]] = {"contents": "read"}
    repository: str
    paths: tuple[str, ...]
    most: int = 60_000
    ref: str = ""


@frozen
class ReadSources(_About):
    """Ask what stands now in issues, pull requests and files of the default branch, in one request,
    as `{"repository": as AskRepository, "issues": {number: {"title", "text", "states", "comments":
    [text …]}}, "files": {path: text}}`. What is gone is left out; None when the repository is."""

    permissions: ClassVar[Mapping[str, str]] = {
        "contents": "read",
        "issues": "read",
        "pull_requests": "read",
    }
    repository: str
    numbers: tuple[int, ...] = ()
    paths: tuple[str, ...] = ()


@frozen
class ListCommits(_About):
    """Ask for the newest commits of a branch, as `{"items": [{"sha", "message", "author", "at",
    "url"} …], "complete": bool}`, optionally since a date and of one path."""

    permissions: ClassVar[Mapping[str, str]] = {"contents": "read"}
    repository: str
    ref: str = ""
    path: str = ""
    since: str = ""
    limit: int = 30


@frozen
class ListPulls(_About):
    """Ask for pull requests, the last changed first, as `{"items": [pull request …], "complete":
    bool}`. Merged ones are sorted and limited by the time of the merge."""

    permissions: ClassVar[Mapping[str, str]] = {"pull_requests": "read"}
    repository: str
    state: Literal["open", "closed", "merged", "all"] = "open"
    since: str = ""
    limit: int = 30


@frozen
class ReadIssue(_About):
    """Ask for an issue or a pull request with its newest comments, the oldest of them first."""

    permissions: ClassVar[Mapping[str, str]] = {"issues": "read"}
    repository: str
    number: int
    comments: int = 30


@frozen
class ReadPull(_About):
    """Ask for a pull request with its files, and their patches up to `most` characters."""

    permissions: ClassVar[Mapping[str, str]] = {"pull_requests": "read"}
    repository: str
    number: int
    files: int = 100
    most: int = 60_000


@frozen
class ReadChange(_About):
    """Ask for a pull request with all of its changed files, as `{"pull", "files", "complete",
    "hidden", "base"}`, each as GitHub describes it. The patches of the files `hidden` are too large
    to be shown; they changed since the commit `base`."""

    permissions: ClassVar[Mapping[str, str]] = {"pull_requests": "read", "contents": "read"}
    repository: str
    number: int


@frozen
class ReadChecks(_About):
    """Ask what is red at the head of a pull request, as `{"commit", "state", "failed": [{"name",
    "ended", "by", "url", "job", "text", "annotations"} …], "red", "waiting", "passed",
    "complete"}`: at most `limit` checks and statuses, with the first `annotations` of each. Who
    knows the `commit` already saves a request, and is told no state."""

    permissions: ClassVar[Mapping[str, str]] = {
        "checks": "read",
        "pull_requests": "read",
        "statuses": "read",
    }
    repository: str
    number: int
    limit: int = 5
    annotations: int = 20
    commit: str = ""


@frozen
class ReadJobLog(_About):
    """Ask for the end of the log of a job of GitHub Actions, as `{"text": …}`; `most` is in bytes.
    It is empty when GitHub has no log any more."""

    permissions: ClassVar[Mapping[str, str]] = {"actions": "read"}
    repository: str
    job: int
    most: int = 256_000


@frozen
class CompareFiles(_About):
    """Ask for the files that changed from the commit `base` to `head`, each as GitHub describes it;
    None when `head` does not descend from `base`, or GitHub cannot list them all."""

    permissions: ClassVar[Mapping[str, str]] = {"contents": "read"}
    repository: str
    base: str
    head: str


@frozen
class ReadReactions(_About):
    """Ask for the reactions of people to a comment, as `[{"content": "-1", "login": …, "id": …}]`:
    `at` the lines of a pull request, or in the conversation of an issue."""

    permissions: ClassVar[Mapping[str, str]] = {"issues": "read", "pull_requests": "read"}
    repository: str
    comment: int
    at: Literal["lines", "conversation"] = "lines"


@frozen
class ReadReviewThread(_About):
    """Ask for the thread that the comment began on lines of a pull request, oldest first, as
    `[{"id", "by", "is_bot", "is_own", "body"} …]`: its beginning and its newest replies."""

    permissions: ClassVar[Mapping[str, str]] = {"pull_requests": "read"}
    repository: str
    number: int
    comment: int


@frozen
class RepositoryHead(_About):
    """Ask for the repository as GitHub describes it, with the commit of its default branch as
    `head`; '' when it is empty."""

    permissions: ClassVar[Mapping[str, str]] = {"contents": "read"}
    repository: str


@frozen
class ListFiles(_About):
    """Ask for all files at `commit`, as `[{"path": …, "sha": …, "size": …, "mode": …}]`; a mode is
    git's, 120000 for a symbolic link and 160000 for a submodule."""

    permissions: ClassVar[Mapping[str, str]] = {"contents": "read"}
    repository: str
    commit: str


@frozen
class CompareCommits(_About):
    """Ask for the files that changed from `base` to `head`, as `[{"filename": …, "sha": …,
    "status": …, "previous_filename": …}]`; None when GitHub cannot give the whole list."""

    permissions: ClassVar[Mapping[str, str]] = {"contents": "read"}
    repository: str
    base: str
    head: str


@frozen
class ReadFile(_About):
    """Ask for the file `path` at `commit`, whose blob is `sha`, as `{"content": base64, "skipped":
    ""}` or with the reason for skipping it; None when it is gone. `most` is in bytes."""

    permissions: ClassVar[Mapping[str, str]] = {"contents": "read"}
    repository: str
    path: str
    sha: str
    commit: str
    most: int


@frozen
class ListComments(_About):
    """Ask for a page of the comments on all issues and pull requests, oldest first, as
    `{"comments": […], "next": cursor, "pages": number}`, each comment as GitHub describes it.

    The next page is the one `after` that cursor; '' is none. GitHub may not count the pages: 0.
    """

    permissions: ClassVar[Mapping[str, str]] = {"issues": "read", "pull_requests": "read"}
    repository: str
    after: str = ""


@frozen
class ListIssues(_About):
    """Ask for a page of the issues and pull requests, oldest first, as `{"issues": […], "next":
    cursor, "pages": number}`, as ListComments does, each issue as GitHub describes it."""

    permissions: ClassVar[Mapping[str, str]] = {"issues": "read", "pull_requests": "read"}
    repository: str
    after: str = ""
