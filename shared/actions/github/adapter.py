"""Performs actions on GitHub, and finds what they made by the mark that is hidden in it."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.actions import Action, Mark, Query, Receipt
from shared.actions.github.actions import (
    AddLabels,
    Assign,
    Comment,
    ListLabels,
    NamedComment,
    OpenDraft,
    OpenIssue,
)
from shared.actions.github.comments import Comments
from shared.actions.github.issues import Issues
from shared.actions.github.pulls import Pulls
from shared.actions.github.session import GitHubSession
from shared.errors import ActionRejected
from shared.events import Issue, Json
from shared.settings import Settings


class GitHubAdapter:
    """`timeout` is in seconds, for each request. Threads may share it.

    With `permissions` the tokens of an app are good for these and nothing else.
    """

    def __init__(
        self,
        settings: Settings,
        timeout: int = 10,
        permissions: Mapping[str, str] | None = None,
        session: type[GitHubSession] = GitHubSession,
    ) -> None:
        """Raises SettingsError when the settings name no identity on GitHub."""
        self._session = session(settings, timeout, permissions)
        self._comments = Comments(self._session)
        self._issues = Issues(self._session, self._choose)
        self._pulls = Pulls(self._session)

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        """Do it. A sticky comment edits the one in `previous`, or the one that it finds."""
        match action:
            case AddLabels():
                return self._add_labels(action)
            case Comment():
                return self._comments.write(action, mark, previous)
            case NamedComment():
                return self._comments.show(action, mark, previous)
            case OpenIssue():
                return self._issues.open(action, mark)
            case Assign():
                return self._issues.assign(action)
            case OpenDraft():
                return self._pulls.open(action, mark)
        raise ActionRejected(f"github: {type(action).__name__} is no action on GitHub")

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        """Look whether the effect is there. Raises EffectUnknown for what could stand further back
        than anyone should page through."""
        match action:
            case AddLabels():
                return self._find_labels(action)
            case Comment() | NamedComment():
                return self._comments.find(action, mark)
            case OpenIssue():
                return self._issues.find(action, mark)
            case Assign():
                return self._issues.find_assigned(action)
            case OpenDraft():
                return self._pulls.find(action, mark)
        raise ActionRejected(f"github: {type(action).__name__} is no action on GitHub")

    def read(self, query: Query) -> Any:
        """Answer with plain JSON."""
        if isinstance(query, ListLabels):
            return [
                {"name": label["name"], "description": label["description"] or ""}
                for label in self._labels(query.repository)
            ]
        # Only flows that read more make the types of what may be asked.
        from shared.actions.github.contents import Contents
        from shared.actions.github.reading import Reading

        reading = Reading(self._session)
        if reading.answers(query):
            return reading.read(query)
        return Contents(self._session).read(query)

    def _labels(self, repository: str) -> list[Json]:
        return list(self._session.every(f"list the labels of {repository}", repository, "/labels"))

    def _choose(self, repository: str, labels: Iterable[str]) -> tuple[list[str], list[str]]:
        """Split the wanted labels into the repository's own names for them and what it lacks."""
        names = {label["name"].casefold(): label["name"] for label in self._labels(repository)}
        wanted = {label.strip().casefold(): label for label in labels}
        known = [names[key] for key in wanted if key in names]
        return known, [label for key, label in wanted.items() if key not in names]

    def _add_labels(self, action: AddLabels) -> Receipt:
        # GitHub creates a label that it does not know, so only known ones may be sent.
        known, unknown = self._choose(action.issue.repository, action.labels)
        if known:
            self._session.request(
                f"label {action.issue.ref}",
                action.issue.repository,
                "POST",
                f"/issues/{action.issue.number}/labels",
                {"labels": known},
            )
        return _labelled(action.issue, known, unknown)

    def _find_labels(self, action: AddLabels) -> Receipt | None:
        known, unknown = self._choose(action.issue.repository, action.labels)
        path = f"/issues/{action.issue.number}/labels"
        doing = f"list the labels of {action.issue.ref}"
        there = {
            label["name"] for label in self._session.every(doing, action.issue.repository, path)
        }
        return _labelled(action.issue, known, unknown) if there.issuperset(known) else None


def _labelled(issue: Issue, known: list[str], unknown: list[str]) -> Receipt:
    return Receipt(id=issue.ref, data={"labels": known, "unknown": unknown})
