"""Reactions to issues, pull requests and comments, as values. Nobody is notified of them."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple

from shared.actions import Action, label_of
from shared.actions.github.actions import OnGitHub
from shared.events import Event, Json
from shared.frozen import frozen

Kind = Literal["issue", "comment", "review comment"]
Reaction = Literal["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"]
#: How the end of a command is shown; one that goes on keeps its 👀.
_ENDS: Mapping[str, Reaction] = {"done": "rocket", "failed": "confused"}
#: The reactions by which a run shows how a command stands.
SIGNS: frozenset[Reaction] = frozenset({"eyes", *_ENDS.values()})
_GOING_ON = frozenset({"retrying", "parked"})


class Reactable(NamedTuple):
    """What people react to, as a target: an issue by its number, or a comment by its id."""

    repository: str
    kind: Kind
    id: int

    @property
    def ref(self) -> str:
        return f"{self.repository} {self.kind} {self.id}"

    @property
    def scope(self) -> str:
        return f"github:{self.repository}"


class _OfReaction(OnGitHub, Action):
    """Shared by both: adding twice is adding once, and so is taking back."""

    permissions: ClassVar[Mapping[str, str]] = {"issues": "write", "pull_requests": "write"}
    idempotent = True
    to: Reactable
    reaction: Reaction

    @property
    def target(self) -> Reactable:
        return self.to

    @property
    def arguments(self) -> Json:
        return {"reaction": self.reaction}


@frozen
class AddReaction(_OfReaction):
    """React to an issue, a pull request, or a comment."""

    to: Reactable
    reaction: Reaction

    @classmethod
    def shown(cls, event: Event, state: str) -> Sequence[Action]:
        """Show how a command stands: 👀 at once, and 🚀 or 😕 in its place at the end."""
        to = _command(event)
        if to is None or state in _GOING_ON:
            return ()
        if not state:
            return (AddReaction(to, "eyes"),)
        end = [AddReaction(to, _ENDS[state])] if state in _ENDS else []
        return (*end, RemoveReaction(to, "eyes"))


@frozen
class RemoveReaction(_OfReaction):
    """Take our own reaction back."""

    to: Reactable
    reaction: Reaction


def _command(event: Event) -> Reactable | None:
    """Return the comment, or the issue, that gave a command; None for all other events, and for a
    label, which is taken off."""
    if event.source != "github" or ".command." not in event.type or label_of(event):
        return None
    issue, comment = event.issue, event.payload.get("comment")
    if isinstance(comment, dict):
        on_lines = "pull_request_review_id" in comment
        kind: Kind = "review comment" if on_lines else "comment"
        id_ = comment.get("id")
        return Reactable(issue.repository, kind, id_) if isinstance(id_, int) else None
    is_review = isinstance(event.payload.get("review"), dict)  # nobody reacts to its own text
    return None if is_review else Reactable(issue.repository, "issue", issue.number)
