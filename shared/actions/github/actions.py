"""The actions that a flow may take on GitHub, as values; and `ListLabels`, since a flow that labels
needs it and the other queries take 10 ms to import."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal, NamedTuple, Self

from shared.actions import Action, Permission, Query, label_of
from shared.events import Event, Issue, Json
from shared.frozen import frozen


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
    """Shared by every action and query on GitHub."""

    connector: ClassVar[str] = "shared.actions.github:connect"


class _OnIssue(OnGitHub, Action):
    """Shared by every action on an issue or pull request."""

    permissions: ClassVar[Mapping[str, str]] = {"issues": "write"}
    issue: Issue

    @property
    def target(self) -> Issue:
        return self.issue

    @property
    def arguments(self) -> Json:
        """All fields but the target."""
        return {name: held for name, held in vars(self).items() if name != "issue"}


class _InRepository(OnGitHub, Action):
    """Shared by every action that creates something in a repository."""

    repository: Repository

    @property
    def target(self) -> Repository:
        return self.repository


@frozen
class AddLabels(_OnIssue):
    """Add labels that the repository already has. Others are left out and never created."""

    idempotent = True
    issue: Issue
    labels: tuple[str, ...]

    @property
    def weight(self) -> int:
        return len(self.labels)

    @property
    def arguments(self) -> Json:
        return {"labels": sorted(self.labels)}


@frozen
class Comment(_OnIssue):
    """Comment on an issue or pull request. Each flow has one sticky comment there, edited in
    place; its mark names the commit that it is `about`."""

    edits = True
    issue: Issue
    body: str
    sticky: bool = False
    about: str = ""

    @property
    def arguments(self) -> Json:
        about = {"about": self.about} if self.about else {}
        return {"body": self.body, "sticky": self.sticky, **about}

    def signed(self, footer: str) -> Self:
        return replace(self, body=_signed(self.body, footer))

    @classmethod
    def notice(cls, event: Event, text: str) -> Self | None:
        return cls(event.issue_target, text, sticky=True) if event.issue_target else None

    @classmethod
    def aside(cls, event: Event, name: str, text: str) -> Action | None:
        return NamedComment(event.issue_target, name, text) if event.issue_target else None

    @classmethod
    def withdrawn(cls, event: Event, name: str) -> Action | None:
        return cls.aside(event, name, "")


@frozen
class NamedComment(_OnIssue):
    """Show the one comment of this `name`, edited in place; an empty text takes it away."""

    edits = True
    issue: Issue
    name: str
    text: str


@frozen
class Assign(_OnIssue):
    """Assign people, by their logins, to an issue or pull request: all of them or nobody."""

    idempotent = True
    issue: Issue
    people: tuple[str, ...]

    @property
    def weight(self) -> int:
        return len(self.people)

    @property
    def arguments(self) -> Json:
        return {"people": sorted(self.people)}


@frozen
class CloseIssue(_OnIssue):
    """Close an issue or a pull request; a pull request has no reason. One that is closed already
    keeps the reason that it has."""

    idempotent = True
    issue: Issue
    reason: Literal["completed", "not_planned", "duplicate"] = "completed"


@frozen
class ReopenIssue(_OnIssue):
    """Reopen an issue or a pull request that was not merged."""

    idempotent = True
    issue: Issue


@frozen
class RemoveLabels(_OnIssue):
    """Take labels off an issue or pull request. One that it does not have is no error."""

    idempotent = True
    issue: Issue
    labels: tuple[str, ...]

    @property
    def weight(self) -> int:
        return len(self.labels)

    @property
    def arguments(self) -> Json:
        return {"labels": sorted(self.labels)}

    @classmethod
    def shown(cls, event: Event, state: str) -> Sequence[Action]:
        """Take a label off that gave a command, as soon as it is heard."""
        label = label_of(event)
        return (cls(event.issue, (label,)),) if label and not state else ()


@frozen
class SetMilestone(_OnIssue):
    """Put an issue or pull request into the milestone of this title or number, open or closed; None
    takes it out of its own."""

    idempotent = True
    issue: Issue
    milestone: str | int | None


@frozen
class LockIssue(_OnIssue):
    """Lock a conversation: only people with write access can comment then, and no app can. One that
    is locked already keeps the reason that it has."""

    idempotent = True
    issue: Issue
    reason: Literal["", "off-topic", "too heated", "resolved", "spam"] = ""


@frozen
class UnlockIssue(_OnIssue):
    """Open a locked conversation again."""

    idempotent = True
    issue: Issue


class ReviewComment(NamedTuple):
    """A comment on the lines `first` to `last` of a changed file, as at the head commit."""

    path: str
    first: int
    last: int
    body: str


@frozen
class SubmitReview(_OnIssue):
    """Review a pull request at `commit`, with all comments in one submission. It neither approves
    nor blocks. Comments whose lines are not in the diff any more are left out."""

    permissions: ClassVar[Mapping[str, str]] = {"pull_requests": "write"}
    verbatim = frozenset({"commit", "path"})
    issue: Issue
    commit: str
    body: str
    comments: tuple[ReviewComment, ...] = ()

    @property
    def arguments(self) -> Json:
        comments = [comment._asdict() for comment in self.comments]
        return {"commit": self.commit, "body": self.body, "comments": comments}


class Annotation(NamedTuple):
    """What a check says of a line of a file."""

    path: str
    line: int
    text: str


@frozen
class ReportCheck(_OnIssue):
    """Report a check of `commit`, the head of a pull request, with what it says of single lines. It
    is neutral, so it blocks nothing. Only an App can, with at most 50 annotations."""

    permissions: ClassVar[Mapping[str, str]] = {"checks": "write"}
    verbatim = frozenset({"commit", "path"})
    issue: Issue
    commit: str
    name: str
    title: str
    summary: str
    annotations: tuple[Annotation, ...] = ()

    @property
    def arguments(self) -> Json:
        return super().arguments | {"annotations": [one._asdict() for one in self.annotations]}


@frozen
class ReplyOnLines(_OnIssue):
    """Reply to a comment on lines of a pull request, in its thread."""

    permissions: ClassVar[Mapping[str, str]] = {"pull_requests": "write"}
    issue: Issue
    comment: int
    body: str

    @classmethod
    def notice(cls, event: Event, text: str) -> Self | None:
        said = event.payload.get("comment")
        begun = isinstance(said, dict) and said.get("in_reply_to_id")
        return cls(event.issue, begun, text) if begun else None


@frozen
class ResolveThread(_OnIssue):
    """Resolve the thread of a comment on lines of a pull request. Without Contents: write, which
    GitHub wants for that, it stays open."""

    permissions: ClassVar[Mapping[str, str]] = {"pull_requests": "write", "contents": "write"}
    idempotent = True
    issue: Issue
    comment: int


@frozen
class OpenIssue(_InRepository):
    """Open an issue. Labels that the repository lacks are left out, never created."""

    permissions: ClassVar[Mapping[str, str]] = {"issues": "write"}
    repository: Repository
    title: str
    body: str
    labels: tuple[str, ...] = ()

    @property
    def arguments(self) -> Json:
        return {"title": self.title, "body": self.body, "labels": sorted(self.labels)}

    def signed(self, footer: str) -> Self:
        return replace(self, body=_signed(self.body, footer))

    @classmethod
    def anywhere(cls, limit: int) -> Permission:
        """Allow it in every repository that the app is in, where a person consents to each."""
        return Permission(cls, limit, None)


@frozen
class OpenDraft(_InRepository):
    """Open a draft pull request that gives the file `path` this content, on a new branch from
    `base`; empty for the default branch."""

    permissions: ClassVar[Mapping[str, str]] = {"contents": "write", "pull_requests": "write"}
    verbatim = frozenset({"path", "content", "base"})
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


def _signed(body: str, footer: str) -> str:
    return f"{body}\n\n<sub>{footer}</sub>"


@frozen
class ListLabels(OnGitHub, Query):
    """Ask for the labels of `repository`, as `[{"name": …, "description": …}]`."""

    permissions: ClassVar[Mapping[str, str]] = {"issues": "read"}
    repository: str

    @property
    def scope(self) -> str:
        return f"github:{self.repository}"

    @property
    def arguments(self) -> Json:
        return {"repository": self.repository}
