"""What a flow may do and ask on GitHub, as values."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from shared.actions import Action, Adapter, Json, Permission
from shared.events import Event, Issue

if TYPE_CHECKING:
    from shared.settings import Settings


class _OnGitHub:
    """What every action and query on GitHub shares."""

    @staticmethod
    def connect(settings: "Settings") -> Adapter:
        """Build the adapter; loads what it needs only now."""
        from shared.actions.github_adapter import GitHubAdapter

        return GitHubAdapter(settings)


class _OnIssue(_OnGitHub):
    """What every action on an issue or pull request shares."""

    idempotent: ClassVar[bool] = False
    issue: Issue

    @property
    def target(self) -> Issue:
        return self.issue

    @property
    def weight(self) -> int:
        return 1

    def signed(self, footer: str) -> Self:
        return self

    @classmethod
    def at_most(cls: type[Action], limit: int) -> Permission:
        return Permission(cls, limit)

    def drafted(self, text: str) -> Action | None:
        return None

    @classmethod
    def notice(cls, event: Event, text: str) -> Self | None:
        return None


@dataclass(frozen=True)
class AddLabels(_OnIssue):
    """Add labels that the repository already has; one that it lacks is left out, never created."""

    idempotent = True
    issue: Issue
    labels: tuple[str, ...]

    @property
    def weight(self) -> int:
        return len(self.labels)

    @property
    def arguments(self) -> Json:
        return {"labels": sorted(self.labels)}


@dataclass(frozen=True)
class Comment(_OnIssue):
    """Comment on an issue or pull request. A sticky comment exists once per flow and is edited in
    place."""

    issue: Issue
    body: str
    sticky: bool = False

    @property
    def arguments(self) -> Json:
        return {"body": self.body, "sticky": self.sticky}

    def signed(self, footer: str) -> Self:
        return replace(self, body=f"{self.body}\n\n<sub>{footer}</sub>")

    @classmethod
    def notice(cls, event: Event, text: str) -> Self | None:
        return cls(event.issue_target, text, sticky=True) if event.issue_target else None


@dataclass(frozen=True)
class NamedComment(_OnIssue):
    """Show a comment that exists once by its `name` and is edited in place."""

    issue: Issue
    name: str
    text: str

    @property
    def arguments(self) -> Json:
        return {"name": self.name, "text": self.text}


@dataclass(frozen=True)
class ListLabels(_OnGitHub):
    """Query: the names and descriptions of the labels of `repository`, as `[{"name": …,
    "description": …}]`."""

    repository: str

    @property
    def scope(self) -> str:
        return f"github:{self.repository}"

    @property
    def arguments(self) -> dict[str, Any]:
        return {"repository": self.repository}


#: What a flow that only reads is given of the app's rights.
READS = {"contents": "read", "issues": "read", "pull_requests": "read", "metadata": "read"}


class _FromGitHub:
    """What every query to GitHub shares whose credentials can do nothing but read."""

    repository: str

    @staticmethod
    def connect(settings: "Settings") -> Adapter:
        """Build the adapter; loads what it needs only now."""
        from shared.actions.github_adapter import GitHubAdapter

        return GitHubAdapter(settings, permissions=READS)

    @property
    def scope(self) -> str:
        return f"github:{self.repository}"

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class RepositoryHead(_FromGitHub):
    """Query: the repository as GitHub describes it, and as `head` the commit of its default branch;
    '' when it is empty."""

    repository: str


@dataclass(frozen=True)
class ListFiles(_FromGitHub):
    """Query: all files at `commit`, as `[{"path": …, "sha": …, "size": …, "mode": …}]`; a mode is
    git's, 120000 for a symbolic link and 160000 for a submodule."""

    repository: str
    commit: str


@dataclass(frozen=True)
class CompareCommits(_FromGitHub):
    """Query: the files that changed from `base` to `head`, as `[{"filename": …, "sha": …, "status":
    …, "previous_filename": …}]`; None when GitHub cannot say, or not all of it."""

    repository: str
    base: str
    head: str


@dataclass(frozen=True)
class ReadFile(_FromGitHub):
    """Query: the content of the file `path` at `commit`, whose blob is `sha`, as `{"content":
    base64, "skipped": ""}` or with the reason why it is left out; None when there is none.
    `most` is in bytes."""

    repository: str
    path: str
    sha: str
    commit: str
    most: int


@dataclass(frozen=True)
class ListIssues(_FromGitHub):
    """Query: a page of the issues and pull requests, oldest first, as `{"issues": […], "pages":
    number}`, each issue as GitHub describes it."""

    repository: str
    page: int
