"""Answers the query of reviews: a pull request and the files that it changes."""

from shared.actions.github.queries import ReadChange
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
