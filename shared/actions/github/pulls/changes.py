"""Answers the query of reviews: a pull request and the files that it changes."""

from shared.actions.github.paths import is_reference, parts
from shared.actions.github.queries import ReadChange
from shared.actions.github.session import GitHubSession
from shared.actions.github.snapshot import COMPARED
from shared.errors import ActionRejected
from shared.events import Json

#: GitHub lists no more files of a pull request.
#: https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
LISTED = 3_000


def read_change(session: GitHubSession, query: ReadChange) -> Json:
    doing, path = f"read {query.repository}#{query.number}", ("pulls", query.number)
    pull = session.request(doing, query.repository, "GET", path).data
    files = [*session.every(doing, query.repository, (*path, "files"))]
    since = _since(session, query, pull["head"]["sha"]) if query.since else None
    return {"pull": pull, "files": files, "complete": len(files) < LISTED, "since": since}


def _since(session: GitHubSession, query: ReadChange, head: str) -> list[Json] | None:
    """List what changed from a commit to the head; None when the head does not descend from it."""
    if not is_reference(query.since):
        raise ActionRejected("github: could not compare commits: not a valid commit")
    doing = f"compare two commits of {query.repository}"
    path = ("compare", *parts(f"{query.since}...{head}"))
    found = session.look(doing, query.repository, path, per_page=1)
    if found is None or found["status"] not in {"ahead", "identical"}:
        return None
    files: list[Json] = found.get("files") or []
    return files if len(files) < COMPARED else None
