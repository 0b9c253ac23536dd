"""Submits reviews of pull requests, and finds each by its mark."""

from collections.abc import Iterator, Sequence
from itertools import chain

from shared.actions import Mark, Receipt
from shared.actions.github.actions import ReviewComment, SubmitReview
from shared.actions.github.markdown import compose, read_stamp
from shared.actions.github.pulls.diff import file_diffs
from shared.actions.github.session import GitHubSession
from shared.errors import ActionRejected
from shared.events import Json

_UNPROCESSABLE = 422


def submit_review(
    session: GitHubSession, action: SubmitReview, mark: Mark, previous: Receipt | None
) -> Receipt:
    """Submit it with all comments. When GitHub refuses one of them it refuses them all, so then
    those go whose lines are not in the diff, and it is tried once more.

    https://docs.github.com/en/rest/pulls/reviews#create-a-review-for-a-pull-request
    """
    try:
        review = _submit(session, action, mark, action.comments)
    except ActionRejected as err:
        if err.status != _UNPROCESSABLE or not action.comments:
            raise
        kept = _anchored(session, action)
        if len(kept) == len(action.comments):
            raise
        review = _submit(session, action, mark, kept)
    return _receipt(session, action, review, mark)


def find_review(session: GitHubSession, action: SubmitReview, mark: Mark) -> Receipt | None:
    """Look for it among the reviews of the pull request."""
    issue = action.issue
    path = ("pulls", issue.number, "reviews")
    for review in session.newest_first(_doing(action), issue.repository, path):
        stamp = read_stamp(review["body"])
        if stamp and stamp.mark.key == mark.key and session.wrote(review):
            return _receipt(session, action, review, mark)
    return None


def _submit(
    session: GitHubSession, action: SubmitReview, mark: Mark, comments: tuple[ReviewComment, ...]
) -> Json:
    left_out = len(action.comments) - len(comments)
    note = f"\n\n{left_out} of the comments no longer fit the diff." if left_out else ""
    body = {
        "commit_id": action.commit,
        "event": "COMMENT",
        "body": compose(action.body + note, mark, sticky=False),
        "comments": [_comment(comment, mark) for comment in comments],
    }
    path = ("pulls", action.issue.number, "reviews")
    review: Json = session.request(_doing(action), action.issue.repository, "POST", path, body).data
    return review


def _comment(comment: ReviewComment, mark: Mark) -> Json:
    more = comment.last > comment.first
    return {
        "path": comment.path,
        "line": comment.last,
        "side": "RIGHT",
        **({"start_line": comment.first, "start_side": "RIGHT"} if more else {}),
        "body": compose(comment.body, mark, sticky=False),
    }


def _anchored(session: GitHubSession, action: SubmitReview) -> tuple[ReviewComment, ...]:
    """Return the comments whose lines stand in one hunk of the diff as GitHub shows it now."""
    path = ("pulls", action.issue.number, "files")
    rows = session.every(_doing(action), action.issue.repository, path)
    files = {file.path: file for file in file_diffs(rows)}
    return tuple(
        comment
        for comment in action.comments
        if (file := files.get(comment.path)) and file.hunk_of(comment.first, comment.last)
    )


def _receipt(session: GitHubSession, action: SubmitReview, review: Json, mark: Mark) -> Receipt:
    path = ("pulls", action.issue.number, "reviews", review["id"], "comments")
    rows = [*session.every(_doing(action), action.issue.repository, path)]
    comments = [
        {"id": row["id"], "path": row["path"], "url": row["html_url"], "place": place}
        for row, place in zip(rows, _places(action, mark, rows), strict=True)
    ]
    return Receipt(str(review["id"]), review["html_url"], {"comments": comments})


def _places(action: SubmitReview, mark: Mark, rows: Sequence[Json]) -> Iterator[int]:
    """Yield the place of each comment among those of the action: some may be left out, and GitHub
    promises no order. It gives no lines here, so the text tells which is which."""
    told = [one for one in action.comments if isinstance(one, ReviewComment)]
    left = {place: _comment(one, mark) for place, one in enumerate(told)}
    for row in rows:
        alike = (place for place, one in left.items() if _is_like(one, row))
        here = (place for place, one in left.items() if one["path"] == row["path"])
        place = next(chain(alike, here, left, (-1,)))
        left.pop(place, None)
        yield place


def _is_like(comment: Json, row: Json) -> bool:
    is_here: bool = comment["path"] == row["path"]
    return is_here and comment["body"].split() == row["body"].split()


def _doing(action: SubmitReview) -> str:
    return f"review {action.issue.ref}"
