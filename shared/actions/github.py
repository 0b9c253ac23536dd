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
