"""Performs actions on GitHub, and finds what they made by the mark that is hidden in it."""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from shared.actions import Action, Json, Mark, Query, Receipt
from shared.actions.github import AddLabels, Comment, ListLabels, NamedComment
from shared.actions.github_contents import Contents
from shared.actions.github_markdown import Stamp, compose, read_stamp
from shared.actions.github_session import GitHubSession
from shared.errors import ActionRejected, EffectUnknown
from shared.events import Issue
from shared.settings import Settings

#: How far back to look through the comments of an issue: ten requests.
_LOOKED_THROUGH = 1000


class GitHubAdapter:
    """`timeout` is in seconds, for each request. Threads may share it.

    With `permissions` the tokens of an app are good for these and nothing else.
    """

    def __init__(
        self,
        settings: Settings,
        timeout: int = 10,
        permissions: Mapping[str, str] | None = None,
    ) -> None:
        """Raises SettingsError when the settings name no identity on GitHub."""
        self._session = GitHubSession(settings, timeout, permissions)
        self._contents = Contents(self._session)

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        """Do it. A sticky comment edits the one in `previous`, or the one that it finds."""
        if isinstance(action, AddLabels):
            return self._add_labels(action)
        if isinstance(action, Comment):
            return self._comment(action, mark, previous)
        if isinstance(action, NamedComment):
            return self._named_comment(action, mark, previous)
        raise ActionRejected(f"github: {type(action).__name__} is no action on GitHub")

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        """Look whether the effect is there. Raises EffectUnknown for a comment that could stand
        further back than anyone should page through."""
        if isinstance(action, AddLabels):
            return self._find_labels(action)
        if isinstance(action, Comment):
            found = self._find_comment(action.issue, mark)
            return _commented(found, sticky=action.sticky) if found else None
        if isinstance(action, NamedComment):
            found = self._find_comment(action.issue, mark)
            return _named(found, action.name) if found else None
        raise ActionRejected(f"github: {type(action).__name__} is no action on GitHub")

    def read(self, query: Query) -> Any:
        """Answer with plain JSON."""
        if isinstance(query, ListLabels):
            return [
                {"name": label["name"], "description": label["description"] or ""}
                for label in self._labels(query.repository)
            ]
        return self._contents.read(query)

    def _labels(self, repository: str) -> list[Json]:
        return list(self._session.every(f"list the labels of {repository}", repository, "/labels"))

    def _choose(self, action: AddLabels) -> tuple[list[str], list[str]]:
        """Split the wanted labels into the repository's own names for them and what it lacks."""
        names = {
            label["name"].casefold(): label["name"]
            for label in self._labels(action.issue.repository)
        }
        wanted = {label.strip().casefold(): label for label in action.labels}
        known = [names[key] for key in wanted if key in names]
        return known, [label for key, label in wanted.items() if key not in names]

    def _add_labels(self, action: AddLabels) -> Receipt:
        # GitHub creates a label that it does not know, so only known ones may be sent.
        known, unknown = self._choose(action)
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
        known, unknown = self._choose(action)
        path = f"/issues/{action.issue.number}/labels"
        doing = f"list the labels of {action.issue.ref}"
        there = {
            label["name"] for label in self._session.every(doing, action.issue.repository, path)
        }
        return _labelled(action.issue, known, unknown) if there.issuperset(known) else None

    def _comment(self, action: Comment, mark: Mark, previous: Receipt | None) -> Receipt:
        body = {"body": compose(action.body, mark, sticky=action.sticky)}
        repository = action.issue.repository
        if action.sticky:
            made = previous.id if previous and (previous.data or {}).get("sticky") else None
            edited = self._edit(action.issue, made, body) if made else None
            if edited is None:
                found, _ = self._own_comment(
                    action.issue, lambda stamp: stamp.sticky and stamp.mark.flow == mark.flow
                )
                edited = self._edit(action.issue, found["id"], body) if found else None
            if edited is not None:
                return _commented(edited, sticky=True)
        path = f"/issues/{action.issue.number}/comments"
        answer = self._session.request(
            f"comment on {action.issue.ref}", repository, "POST", path, body
        )
        return _commented(answer.data, sticky=action.sticky)

    def _named_comment(self, action: NamedComment, mark: Mark, previous: Receipt | None) -> Receipt:
        """Edit the comment that `previous` tells of, if it has this name and is still there."""
        body = {"body": compose(action.text, mark, sticky=False)}
        if previous and (previous.data or {}).get("name") == action.name:
            edited = self._edit(action.issue, previous.id, body)
            if edited is not None:
                return _named(edited, action.name)
        path, doing = f"/issues/{action.issue.number}/comments", f"comment on {action.issue.ref}"
        answer = self._session.request(doing, action.issue.repository, "POST", path, body)
        return _named(answer.data, action.name)

    def _edit(self, issue: Issue, comment: str | int, body: Json) -> Json | None:
        """Return the edited comment, or None when it is gone."""
        path = f"/issues/comments/{comment}"
        doing = f"edit comment {comment} on {issue.ref}"
        edited: Json | None = self._session.edit(doing, issue.repository, path, body)
        return edited

    def _find_comment(self, issue: Issue, mark: Mark) -> Json | None:
        found, complete = self._own_comment(issue, lambda stamp: stamp.mark.key == mark.key)
        if found is None and not complete:
            raise EffectUnknown(
                f"github: {issue.ref} has more than {_LOOKED_THROUGH} comments, and the"
                f" newest of them do not hold effect {mark.key[:12]}; look for it there"
            )
        return found

    def _own_comment(
        self, issue: Issue, wanted: Callable[[Stamp], bool]
    ) -> tuple[Json | None, bool]:
        """Return the newest comment that is ours and `wanted`, and whether all were looked at."""
        path, doing = f"/issues/{issue.number}/comments", f"list the comments of {issue.ref}"
        comments = self._session.newest_first(doing, issue.repository, path)
        for comment in islice(comments, _LOOKED_THROUGH):
            stamp = read_stamp(comment["body"])
            if stamp and wanted(stamp) and self._is_ours(comment):
                return comment, True
        return None, next(comments, None) is None

    def _is_ours(self, comment: Json) -> bool:
        """Tell whether our own login wrote it: anybody can copy a mark."""
        author: str = (comment["user"] or {}).get("login", "")
        return author.lower() == self._session.login()


def _labelled(issue: Issue, known: list[str], unknown: list[str]) -> Receipt:
    return Receipt(id=issue.ref, data={"labels": known, "unknown": unknown})


def _commented(comment: Json, *, sticky: bool) -> Receipt:
    return Receipt(id=str(comment["id"]), url=comment["html_url"], data={"sticky": sticky})


def _named(comment: Json, name: str) -> Receipt:
    return Receipt(id=str(comment["id"]), url=comment["html_url"], data={"name": name})
