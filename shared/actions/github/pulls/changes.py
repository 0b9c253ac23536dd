"""Answers the queries of reviews: a pull request with the files that it changes, and reactions."""

from shared.actions.github.queries import ReadChange, ReadReactions
from shared.actions.github.session import GitHubSession
from shared.events import Json

#: GitHub lists no more files of a pull request.
#: https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
LISTED = 3_000


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
