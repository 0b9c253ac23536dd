"""What a flow may ask GitHub about the repository that its event came from, as values.

Whatever is asked, the answer is bounded: so many items, so many characters of each text.
"""

from dataclasses import dataclass
from typing import Any, Literal

from shared.actions.github import OnGitHub


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
