"""What a flow may do and ask on GitHub, as values."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from shared.actions import Action, Adapter, Permission
from shared.events import Event, Issue, Json

if TYPE_CHECKING:
    from shared.settings import Settings


#: The longest path that a flow writes, in characters.
_PATH = 400


class Repository(NamedTuple):
    """A repository as a target. `name` is `owner/name`."""

    name: str

    @property
    def ref(self) -> str:
        return self.name

    @property
    def scope(self) -> str:
        return f"github:{self.name}"


class OnGitHub:
    """What every action and query on GitHub shares."""

    @staticmethod
    def connect(settings: "Settings") -> Adapter:
        """Build the adapter; loads what it needs only now."""
        from shared.actions.github.adapter import GitHubAdapter

        return GitHubAdapter(settings)


class _Act(OnGitHub):
    """What every action on GitHub shares."""

    idempotent: ClassVar[bool] = False

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


class _OnIssue(_Act):
    """What every action on an issue or pull request shares."""

    issue: Issue

    @property
    def target(self) -> Issue:
        return self.issue


class _InRepository(_Act):
    """What every action shares that makes something new in a repository."""

    repository: Repository

    @property
    def target(self) -> Repository:
        return self.repository


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
        return replace(self, body=_signed(self.body, footer))

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
class Assign(_OnIssue):
    """Assign people, by their logins, to an issue or pull request: all of them or, when one cannot
    be assigned there, nobody."""

    idempotent = True
    issue: Issue
    people: tuple[str, ...]

    @property
    def weight(self) -> int:
        return len(self.people)

    @property
    def arguments(self) -> Json:
        return {"people": sorted(self.people)}


@dataclass(frozen=True)
class OpenIssue(_InRepository):
    """Open an issue. Labels that the repository lacks are left out, never created."""

    repository: Repository
    title: str
    body: str
    labels: tuple[str, ...] = ()

    @property
    def arguments(self) -> Json:
        return {"title": self.title, "body": self.body, "labels": sorted(self.labels)}

    def signed(self, footer: str) -> Self:
        return replace(self, body=_signed(self.body, footer))


@dataclass(frozen=True)
class OpenDraft(_InRepository):
    """Open a draft pull request that gives the file `path` this content, on a new branch upon
    `base`; empty for the default branch."""

    repository: Repository
    title: str
    body: str
    path: str
    content: str
    base: str = ""

    @property
    def arguments(self) -> Json:
        return {name: value for name, value in vars(self).items() if name != "repository"}

    def signed(self, footer: str) -> Self:
        return replace(self, body=_signed(self.body, footer))


def unwritable(path: str) -> str:
    """Say why no flow writes a file of this path; empty when it may."""
    parts = path.lower().split("/")
    if not path.isprintable() or "\\" in path or len(path) > _PATH:
        return "the path is too long or holds signs that no path should"
    if {"", ".", "..", ".git"} & set(parts):
        return "the path is none of a file in a repository"
    if parts[0] == ".github":
        return "what is in .github decides what runs there; a person must change it"
    return ""


def _signed(body: str, footer: str) -> str:
    return f"{body}\n\n<sub>{footer}</sub>"


@dataclass(frozen=True)
class ListLabels(OnGitHub):
    """Query: the names and descriptions of the labels of `repository`, as `[{"name": …,
    "description": …}]`."""

    repository: str

    @property
    def scope(self) -> str:
        return f"github:{self.repository}"

    @property
    def arguments(self) -> dict[str, Any]:
        return {"repository": self.repository}
