"""What a flow may ask GitHub about the repository that its event came from, as values.

Whatever is asked, the answer is bounded: so many items, so many characters of each text.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from shared.actions import Adapter
from shared.actions.github.actions import OnGitHub

if TYPE_CHECKING:
    from shared.settings import Settings


class _About(OnGitHub):
    """What every query about a repository shares."""

    repository: str

    @property
    def scope(self) -> str:
        return f"github:{self.repository}"

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class SearchIssues(_About):
    """Query: issues, or pull requests, that hold the words, as `{"items": [issue …], "total":
    number, "complete": bool}`. GitHub's qualifiers, such as `is:open label:bug`, may be among them.
    """

    repository: str
    words: str
    kind: Literal["issue", "pr"] = "issue"
    limit: int = 30


@dataclass(frozen=True)
class SearchCode(_About):
    """Query: files of the default branch that hold the words, as `{"items": [{"path": …, "url":
    …}], "total": number, "complete": bool}`."""

    repository: str
    words: str
    limit: int = 30


@dataclass(frozen=True)
class ReadText(_About):
    """Query: a text file, as `{"path", "ref", "text", "size", "url", "complete"}`. `ref` is a
    branch, a tag or a commit; empty for the default branch. `most` is in characters."""

    repository: str
    path: str
    ref: str = ""
    most: int = 60_000


@dataclass(frozen=True)
class ListCommits(_About):
    """Query: the newest commits of a branch, as `{"items": [{"sha", "message", "author", "at",
    "url"} …], "complete": bool}`; since a date, and those of one path, if these are named."""

    repository: str
    ref: str = ""
    path: str = ""
    since: str = ""
    limit: int = 30


@dataclass(frozen=True)
class ListPulls(_About):
    """Query: pull requests, those that changed last first, as `{"items": [pull request …],
    "complete": bool}`. Of merged ones those that were merged last, `since` being when."""

    repository: str
    state: Literal["open", "closed", "merged", "all"] = "open"
    since: str = ""
    limit: int = 30


@dataclass(frozen=True)
class ReadIssue(_About):
    """Query: an issue or a pull request with its newest comments, these oldest first."""

    repository: str
    number: int
    comments: int = 30


@dataclass(frozen=True)
class ReadPull(_About):
    """Query: a pull request with its files and their patches, as far as `most` characters reach."""

    repository: str
    number: int
    files: int = 100
    most: int = 60_000


#: What a flow that only reads is given of the app's rights.
READS = {"contents": "read", "issues": "read", "pull_requests": "read", "metadata": "read"}


class _ReadOnly(_About):
    """What every query shares whose credentials can do nothing but read."""

    @staticmethod
    def connect(settings: "Settings") -> Adapter:
        """Build the adapter; loads what it needs only now."""
        from shared.actions.github.adapter import GitHubAdapter

        return GitHubAdapter(settings, permissions=READS)


@dataclass(frozen=True)
class RepositoryHead(_ReadOnly):
    """Query: the repository as GitHub describes it, and as `head` the commit of its default branch;
    '' when it is empty."""

    repository: str


@dataclass(frozen=True)
class ListFiles(_ReadOnly):
    """Query: all files at `commit`, as `[{"path": …, "sha": …, "size": …, "mode": …}]`; a mode is
    git's, 120000 for a symbolic link and 160000 for a submodule."""

    repository: str
    commit: str


@dataclass(frozen=True)
class CompareCommits(_ReadOnly):
    """Query: the files that changed from `base` to `head`, as `[{"filename": …, "sha": …, "status":
    …, "previous_filename": …}]`; None when GitHub cannot say, or not all of it."""

    repository: str
    base: str
    head: str


@dataclass(frozen=True)
class ReadFile(_ReadOnly):
    """Query: the content of the file `path` at `commit`, whose blob is `sha`, as `{"content":
    base64, "skipped": ""}` or with the reason why it is left out; None when there is none.
    `most` is in bytes."""

    repository: str
    path: str
    sha: str
    commit: str
    most: int


@dataclass(frozen=True)
class ListIssues(_ReadOnly):
    """Query: a page of the issues and pull requests, oldest first, as `{"issues": […], "pages":
    number}`, each issue as GitHub describes it."""

    repository: str
    page: int
