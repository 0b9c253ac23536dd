"""Writes comments, edits those that exist once, and finds each by its mark."""

from collections.abc import Callable
from itertools import islice

from shared.actions import Mark, Receipt
from shared.actions.github.actions import Comment, NamedComment
from shared.actions.github.markdown import Stamp, compose, read_stamp
from shared.actions.github.session import GitHubSession
from shared.errors import EffectUnknown
from shared.events import Issue, Json

#: How far back to look through the comments of an issue: ten requests.
_LOOKED_THROUGH = 1000


class Comments:
    """Threads may share it."""

    def __init__(self, session: GitHubSession) -> None:
        self._session = session

    def write(self, action: Comment, mark: Mark, previous: Receipt | None) -> Receipt:
        """Write it. A sticky comment edits the one in `previous`, or the one that it finds."""
        body = compose(action.body, mark, sticky=action.sticky)
        if action.sticky:
            made = previous.id if previous and (previous.data or {}).get("sticky") else None
            edited = self._edit(action.issue, made, body) if made else None
            if edited is None:
                found, _ = self._own(
                    action.issue, lambda stamp: stamp.sticky and stamp.mark.flow == mark.flow
                )
                edited = self._edit(action.issue, found["id"], body) if found else None
            if edited is not None:
                return _commented(edited, sticky=True)
        return _commented(self._add(action.issue, body), sticky=action.sticky)

    def show(self, action: NamedComment, mark: Mark, previous: Receipt | None) -> Receipt:
        """Edit the comment that `previous` tells of, if it has this name and is still there."""
        body = compose(action.text, mark, sticky=False)
        if previous and (previous.data or {}).get("name") == action.name:
            edited = self._edit(action.issue, previous.id, body)
            if edited is not None:
                return _named(edited, action.name)
        return _named(self._add(action.issue, body), action.name)

    def find(self, action: Comment | NamedComment, mark: Mark) -> Receipt | None:
        """Look for it among the newest; raises EffectUnknown when it could stand further back."""
        issue = action.issue
        found, complete = self._own(issue, lambda stamp: stamp.mark.key == mark.key)
        if found is None and not complete:
            raise EffectUnknown(
                f"github: {issue.ref} has more than {_LOOKED_THROUGH} comments, and the"
                f" newest of them do not hold effect {mark.key[:12]}; look for it there"
            )
        if found is None:
            return None
        if isinstance(action, NamedComment):
            return _named(found, action.name)
        return _commented(found, sticky=action.sticky)

    def _add(self, issue: Issue, body: str) -> Json:
        path, doing = f"/issues/{issue.number}/comments", f"comment on {issue.ref}"
        added: Json = self._session.request(
            doing, issue.repository, "POST", path, {"body": body}
        ).data
        return added

    def _edit(self, issue: Issue, comment: str | int, body: str) -> Json | None:
        """Return the edited comment, or None when it is gone."""
        path = f"/issues/comments/{comment}"
        doing = f"edit comment {comment} on {issue.ref}"
        edited: Json | None = self._session.edit(doing, issue.repository, path, {"body": body})
        return edited

    def _own(self, issue: Issue, wanted: Callable[[Stamp], bool]) -> tuple[Json | None, bool]:
        """Return the newest comment that is ours and `wanted`, and whether all were looked at."""
        path, doing = f"/issues/{issue.number}/comments", f"list the comments of {issue.ref}"
        comments = self._session.newest_first(doing, issue.repository, path)
        for comment in islice(comments, _LOOKED_THROUGH):
            stamp = read_stamp(comment["body"])
            if stamp and wanted(stamp) and self._session.wrote(comment):
                return comment, True
        return None, next(comments, None) is None


def _commented(comment: Json, *, sticky: bool) -> Receipt:
    return Receipt(id=str(comment["id"]), url=comment["html_url"], data={"sticky": sticky})


def _named(comment: Json, name: str) -> Receipt:
    return Receipt(id=str(comment["id"]), url=comment["html_url"], data={"name": name})
