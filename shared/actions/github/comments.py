"""Writes comments, edits sticky and named ones in place, and finds each by its mark; reacts."""

from collections.abc import Callable
from itertools import islice

from shared.actions import Mark, Receipt
from shared.actions.github.actions import Comment, NamedComment
from shared.actions.github.markdown import Stamp, compose, fingerprint, read_stamp
from shared.actions.github.paths import Segments
from shared.actions.github.reactions import AddReaction, Kind, Reactable, RemoveReaction
from shared.actions.github.session import GitHubSession
from shared.errors import EffectUnknown
from shared.events import Issue, Json

#: The number of an issue's comments to search: ten requests.
_SEARCHED = 1000


def write_comment(
    session: GitHubSession, action: Comment, mark: Mark, previous: Receipt | None
) -> Receipt:
    """Write it. A sticky comment edits the one in `previous`, or the one that a search finds."""
    issue = action.issue
    body = compose(action.body, mark, sticky=action.sticky, about=action.about)
    edited = None
    if action.sticky:
        if previous and (previous.data or {}).get("sticky"):
            edited = edit_comment(session, issue, previous.id, body)
        if edited is None:
            found, _ = _search(session, issue, lambda of: of.sticky and of.mark.flow == mark.flow)
            edited = edit_comment(session, issue, found["id"], body) if found else None
    return _receipt(action, edited or _add(session, issue, body))


def show_comment(
    session: GitHubSession, action: NamedComment, mark: Mark, previous: Receipt | None
) -> Receipt:
    """Edit the comment in `previous` if it has this name and still exists; else write one."""
    issue, body = action.issue, compose(action.text, mark, sticky=False)
    is_same = previous and (previous.data or {}).get("name") == action.name
    if not action.text:
        if previous and is_same and previous.id:
            doing = f"take a comment on {issue.ref} away"
            session.remove(doing, issue.repository, ("issues", "comments", previous.id))
        return previous or Receipt("0")
    edited = edit_comment(session, issue, previous.id, body) if previous and is_same else None
    return _receipt(action, edited or _add(session, issue, body))


def find_comment(
    session: GitHubSession, action: Comment | NamedComment, mark: Mark
) -> Receipt | None:
    """Search the newest comments; raises EffectUnknown when it could be an older one."""
    found, complete = _search(session, action.issue, lambda stamp: stamp.mark.key == mark.key)
    if found is None and not complete:
        raise EffectUnknown(
            f"github: {action.issue.ref} has more than {_SEARCHED} comments, and the newest"
            f" of them do not hold effect {mark.key[:12]}; look for it there"
        )
    return _receipt(action, found) if found else None


def _add(session: GitHubSession, issue: Issue, body: str) -> Json:
    path, doing = ("issues", issue.number, "comments"), f"comment on {issue.ref}"
    added: Json = session.request(doing, issue.repository, "POST", path, {"body": body}).data
    return added


def edit_comment(
    session: GitHubSession, issue: Issue, comment: str | int, body: str
) -> Json | None:
    """Return the edited comment, or None when it is gone."""
    path, doing = ("issues", "comments", comment), f"edit a comment on {issue.ref}"
    edited: Json | None = session.edit(doing, issue.repository, path, {"body": body})
    return edited


def _search(
    session: GitHubSession, issue: Issue, is_wanted: Callable[[Stamp], bool]
) -> tuple[Json | None, bool]:
    """Return our newest wanted comment, and whether the search covered all comments."""
    path, doing = ("issues", issue.number, "comments"), f"list the comments of {issue.ref}"
    comments = session.newest_first(doing, issue.repository, path)
    for comment in islice(comments, _SEARCHED):
        stamp = read_stamp(comment["body"])
        if stamp and is_wanted(stamp) and session.wrote(comment):
            return comment, True
    return None, next(comments, None) is None


def _receipt(action: Comment | NamedComment, comment: Json) -> Receipt:
    data: Json = (
        {"name": action.name} if isinstance(action, NamedComment) else {"sticky": action.sticky}
    )
    data |= {"at": comment["created_at"], "text": fingerprint(comment)}
    return Receipt(str(comment["id"]), comment["html_url"], data)


def add_reaction(session: GitHubSession, action: AddReaction, *_: object) -> Receipt:
    """GitHub answers with the one that is there already.

    https://docs.github.com/en/rest/reactions/reactions
    """
    body = {"content": action.reaction}
    path, doing = reactions_of(action.to), f"react to {action.to.ref}"
    added = session.request(doing, action.to.repository, "POST", path, body).data
    return Receipt(str(added["id"]))


def remove_reaction(
    session: GitHubSession, action: RemoveReaction, mark: Mark, previous: Receipt | None
) -> Receipt:
    doing, path = f"take a reaction from {action.to.ref}", reactions_of(action.to)
    for row in session.every(doing, action.to.repository, path):
        if row["content"] == action.reaction and session.wrote(row):
            session.remove(doing, action.to.repository, (*path, row["id"]))
    return Receipt("")


def reactions_of(to: Reactable) -> Segments:
    places: dict[Kind, Segments] = {
        "issue": ("issues",),
        "comment": ("issues", "comments"),
        "review comment": ("pulls", "comments"),
    }
    return (*places[to.kind], to.id, "reactions")
