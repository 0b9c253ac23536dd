"""Answers the queries of reviews: a pull request with the files that it changes, reactions, and the
thread of a comment."""

from shared.actions.github.queries import ReadChange, ReadReactions, ReadReviewThread
from shared.actions.github.session import GitHubSession
from shared.events import Json
from shared.marks import own_mark

#: GitHub lists no more files of a pull request.
#: https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
LISTED = 3_000
#: The newest replies of a thread, and characters of each comment.
_REPLIES, _SAID = 30, 4_000


def read_change(session: GitHubSession, query: ReadChange) -> Json:
    doing, path = f"read {query.repository}#{query.number}", ("pulls", query.number)
    pull = session.request(doing, query.repository, "GET", path).data
    files = [*session.every(doing, query.repository, (*path, "files"))]
    return {"pull": pull, "files": files, "complete": len(files) < LISTED}


def read_reactions(session: GitHubSession, query: ReadReactions) -> list[Json]:
    doing = f"read the reactions to a comment in {query.repository}"
    path = ("pulls", "comments", query.comment, "reactions")
    return [
        {"content": row["content"], "login": (row["user"] or {}).get("login", "")}
        for row in session.every(doing, query.repository, path)
        if (row["user"] or {}).get("type") != "Bot"
    ]


def read_review_thread(session: GitHubSession, query: ReadReviewThread) -> list[Json]:
    """GitHub names the first comment of the thread in each reply."""
    doing = f"read a thread of {query.repository}#{query.number}"
    rows = sorted(
        (
            row
            for row in session.every(doing, query.repository, ("pulls", query.number, "comments"))
            if query.comment in (row["id"], row.get("in_reply_to_id"))
        ),
        key=lambda row: int(row["id"]),
    )
    return [_said(session, row) for row in [*rows[:1], *rows[1:][-_REPLIES:]]]


def _said(session: GitHubSession, row: Json) -> Json:
    user, body = row["user"] or {}, row["body"] or ""
    is_own = (mark := own_mark(body)) is not None and session.wrote(row)
    return {
        "id": row["id"],
        "by": user.get("login", ""),
        "is_bot": user.get("type") == "Bot",
        "is_own": is_own,
        "body": (body[: mark.start()].rstrip() if mark and is_own else body)[:_SAID],
    }
