"""Answers the queries of reviews: a pull request with the files that it changes, reactions, and the
thread of a comment."""

from collections.abc import Sequence

from shared.actions.github.pulls.trees import differing
from shared.actions.github.queries import ReadChange, ReadReactions, ReadReviewThread
from shared.actions.github.session import GitHubSession
from shared.events import Json
from shared.marks import own_mark

#: GitHub lists no more files of a pull request.
#: https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
LISTED = 3_000
#: The newest replies of a thread, and characters of each comment.
_REPLIES, _SAID = 30, 4_000
#: Lines of all patches together; a file behind them has neither a patch nor counts. One file is
#: left out from as many lines on, or 500 KB.
#: https://docs.github.com/en/repositories/creating-and-managing-repositories/repository-limits
SHOWN, _NEARLY = 20_000, 0.9
_WITH_TEXT = frozenset({"added", "modified", "renamed", "changed"})


def read_change(session: GitHubSession, query: ReadChange) -> Json:
    doing, path = f"read {query.repository}#{query.number}", ("pulls", query.number)
    pull = session.request(doing, query.repository, "GET", path).data
    files = [*session.every(doing, query.repository, (*path, "files"))]
    complete = len(files) < LISTED and len(files) >= pull.get("changed_files", 0)
    hidden = _hidden(files)
    base = _left(session, query, pull) if hidden or not complete else ""
    if not complete and base:
        more = _unlisted(session, query.repository, base, pull["head"]["sha"], files)
        complete = more is not None
        files += more or ()
        hidden += [row["filename"] for row in more or () if row["changes"]]
    return {"pull": pull, "files": files, "complete": complete, "hidden": hidden, "base": base}


def _unlisted(
    session: GitHubSession, repository: str, base: str, head: str, listed: Sequence[Json]
) -> list[Json] | None:
    """Return the changed files that GitHub does not list, by the trees of both commits; None when
    these are too large. Git alone tells a renamed file that was edited, too, from a new one."""
    found = differing(session, repository, base, head)
    known = {name for row in listed for name in (row["filename"], row.get("previous_filename"))}
    return None if found is None else [row for row in found if row["filename"] not in known]


def _hidden(files: Sequence[Json]) -> list[str]:
    """Return the files whose patch is left out though they are no binaries: a large one has its
    counts, and those behind the last line that GitHub shows of a change have none."""
    shown = sum(row.get("patch", "").count("\n") + 1 for row in files if row.get("patch"))
    is_full = shown > SHOWN * _NEARLY
    return [
        row["filename"]
        for row in files
        if not row.get("patch") and row["status"] in _WITH_TEXT and (row["changes"] or is_full)
    ]


def _left(session: GitHubSession, query: ReadChange, pull: Json) -> str:
    """Return the commit at which the change left its base. Only the first page has the files.

    https://docs.github.com/en/rest/commits/commits#compare-two-commits
    """
    doing, ends = f"read {query.repository}#{query.number}", (pull["base"], pull["head"])
    path = ("compare", "...".join(end["sha"] for end in ends))
    found = session.look(doing, query.repository, path, per_page=1, page=2)
    return str(found["merge_base_commit"]["sha"]) if found else ""


def read_reactions(session: GitHubSession, query: ReadReactions) -> list[Json]:
    doing = f"read the reactions to a comment in {query.repository}"
    kind = "pulls" if query.at == "lines" else "issues"
    path = (kind, "comments", query.comment, "reactions")
    return [
        {
            "content": row["content"],
            "login": (row["user"] or {}).get("login", ""),
            "id": str((row["user"] or {}).get("id", "")),
        }
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
