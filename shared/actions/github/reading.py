"""Answers the queries of plans, each within bounds: pages, items, characters. All of them raise
ActionRejected for what does not exist."""

from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Literal

from shared.actions.github.issues import named_milestone
from shared.actions.github.paths import Segments, parts
from shared.actions.github.queries import (
    FindIssues,
    ListCommits,
    ListPulls,
    ReadIssue,
    ReadPull,
    ReadText,
    SearchCode,
    SearchIssues,
)
from shared.actions.github.session import GitHubSession
from shared.errors import ActionRejected
from shared.events import Json
from shared.marks import is_marked

#: The most items of any answer, which is also GitHub's largest page.
MOST = 100
#: The most pages to read for one answer.
_PAGES = 10
#: Characters of a text in a list, of the text that a query is about, and of a comment.
_BRIEF, _FULL, _SAID = 1_000, 20_000, 3_000
#: The largest file that GitHub includes in its response, in bytes.
#: https://docs.github.com/en/rest/repos/contents#get-repository-content
_INLINE = 1024 * 1024


def search_issues(session: GitHubSession, query: SearchIssues) -> Json:
    here = f"/repos/{query.repository}".lower()

    def inside(item: Json) -> bool:
        return str(item["repository_url"]).lower().endswith(here)

    words = f"is:{query.kind} {query.words}"
    found = _found(session, "issues", query, words, inside)
    return found | {"items": [_issue(item) for item in found["items"]]}


def find_issues(session: GitHubSession, query: FindIssues) -> Json:
    """List them: a search allows 30 requests a minute in place of thousands an hour, and its index
    lags behind.

    https://docs.github.com/en/rest/issues/issues#list-repository-issues
    https://docs.github.com/en/rest/search/search#rate-limit
    """
    doing, limit = f"find issues of {query.repository}", _limit(query.limit)
    opened, updated = _moment(query.opened_before), _moment(query.updated_before)
    asked = {
        "since": max(_moment(query.opened_since), _moment(query.updated_since)),
        "labels": ",".join(label.strip() for label in query.labels if "," not in label),
        "assignee": query.assignee,
        "milestone": named_milestone(session, query.repository, query.milestone),
    }
    order = {"state": query.state, "sort": "updated", "direction": "asc"}
    named = {name: value for name, value in asked.items() if value}
    # What changes meanwhile moves to the end of the list, so it may come twice.
    found: dict[int, Json] = {}
    for row in _rows(session, doing, query.repository, ("issues",), **order, **named):
        if row is None or (len(found) == limit and row["number"] not in found):
            return {"items": [*found.values()], "complete": False}
        if updated and row["updated_at"] >= updated:
            break
        if (not opened or row["created_at"] < opened) and _is_wanted(query, row):
            found[row["number"]] = _found_issue(row)
    return {"items": [*found.values()], "complete": True}


def _is_wanted(query: FindIssues, row: Json) -> bool:
    """Tell if the query is for this one, as far as GitHub cannot be asked."""
    kind = "pr" if "pull_request" in row else "issue"
    labels = {label["name"].casefold() for label in row["labels"]}
    return (
        query.kind in {"any", kind}
        and row["created_at"] >= _moment(query.opened_since)
        and labels.issuperset(label.strip().casefold() for label in query.labels)
        and labels.isdisjoint(label.strip().casefold() for label in query.without)
    )


def search_code(session: GitHubSession, query: SearchCode) -> Json:
    def inside(item: Json) -> bool:
        return str(item["repository"]["full_name"]).lower() == query.repository.lower()

    found = _found(session, "code", query, query.words, inside)
    items = [{"path": item["path"], "url": item["html_url"]} for item in found["items"]]
    return found | {"items": items}


def _found(
    session: GitHubSession,
    kind: Literal["issues", "code"],
    query: SearchIssues | SearchCode,
    words: str,
    inside: Callable[[Json], bool],
) -> Json:
    """Search, and leave out whatever GitHub may find elsewhere all the same."""
    doing, limit = f"search the {kind} of {query.repository}", _limit(query.limit)
    page = session.search(doing, query.repository, kind, words, limit)
    items = [item for item in page["items"] if inside(item)]
    alone = len(items) == len(page["items"])
    total = page["total_count"] if alone else len(items)
    whole = alone and not page["incomplete_results"] and total <= len(items)
    return {"items": items, "total": total, "complete": whole}


def read_text(session: GitHubSession, query: ReadText) -> Json:
    doing = f"read a file of {query.repository}"
    named = {"ref": query.ref} if query.ref else {}
    path = ("contents", *parts(query.path.strip("/")))
    found = session.request(doing, query.repository, "GET", path, **named).data
    if isinstance(found, list) or found["type"] != "file":
        kind = "folder" if isinstance(found, list) else found["type"]
        raise ActionRejected(f"github: could not {doing}: it is a {kind}; name a file")
    if found["size"] > _INLINE:
        raise ActionRejected(
            f"github: could not {doing}: it has {found['size']:,} bytes; the limit is {_INLINE:,}"
        )
    text = _decoded(found["content"])
    if text is None:
        raise ActionRejected(f"github: could not {doing}: it is not text in UTF-8")
    return {
        "path": found["path"],
        "ref": query.ref,
        "text": text[: query.most],
        "size": found["size"],
        "url": found["html_url"],
        "complete": len(text) <= query.most,
    }


def list_commits(session: GitHubSession, query: ListCommits) -> Json:
    wanted = {"sha": query.ref, "path": query.path.strip("/"), "since": _moment(query.since)}
    named = {name: value for name, value in wanted.items() if value}
    doing, limit = f"list the commits of {query.repository}", _limit(query.limit)
    rows = session.request(doing, query.repository, "GET", ("commits",), per_page=limit, **named)
    items = [_commit(row) for row in rows.data]
    return {"items": items, "complete": not rows.next_query}


def list_pulls(session: GitHubSession, query: ListPulls) -> Json:
    limit, since = _limit(query.limit), _moment(query.since)
    merged = query.state == "merged"
    found: list[Json] = []
    doing, state = f"list the pull requests of {query.repository}", query.state
    order = {"state": "closed" if merged else state, "sort": "updated", "direction": "desc"}
    for row in _rows(session, doing, query.repository, ("pulls",), **order):
        if row is None:
            return {"items": _last(found, limit, merged=merged), "complete": False}
        if since and row["updated_at"] < since:
            break
        if len(found) >= limit and (not merged or _settled(found, limit, row)):
            return {"items": _last(found, limit, merged=merged), "complete": False}
        if not merged or (row["merged_at"] and row["merged_at"] >= since):
            found.append(_listed_pull(row))
    return {"items": _last(found, limit, merged=merged), "complete": len(found) <= limit}


def _rows(
    session: GitHubSession, doing: str, repository: str, path: Segments, **asked: str
) -> Iterator[Json | None]:
    """Yield the rows of a list, and None for those behind the limit of pages."""
    for count, page in enumerate(session.listed(doing, repository, path, **asked), 1):
        yield from page.data
        if count == _PAGES and page.next_query:
            yield None
            return


def read_issue(session: GitHubSession, query: ReadIssue) -> Json:
    doing, path = f"read {query.repository}#{query.number}", ("issues", query.number)
    row = session.request(doing, query.repository, "GET", path).data
    limit = min(max(query.comments, 0), MOST)
    newest = session.newest_first(doing, query.repository, (*path, "comments"))
    said = list(islice(newest, limit)) if limit and row["comments"] else []
    return {
        **_issue(row, _FULL),
        "comments": [_comment(comment) for comment in reversed(said)],
        "complete": row["comments"] <= len(said),
    }


def read_pull(session: GitHubSession, query: ReadPull) -> Json:
    doing, path = f"read {query.repository}#{query.number}", ("pulls", query.number)
    row = session.request(doing, query.repository, "GET", path).data
    listed = session.request(
        doing, query.repository, "GET", (*path, "files"), per_page=_limit(query.files)
    )
    left, files = query.most, []
    for file in listed.data:
        patch = file.get("patch") or ""
        files.append(_file(file, patch[:left], complete=len(patch) <= left))
        left = max(left - len(patch), 0)
    whole = not listed.next_query and all(file["complete"] for file in files)
    return {
        **_listed_pull(row),
        "text": _cut(row["body"], _FULL),
        "files": files,
        "complete": whole,
    }


def _issue(row: Json, longest: int = _BRIEF) -> Json:
    return {
        "number": row["number"],
        "kind": "pr" if "pull_request" in row else "issue",
        "title": row["title"],
        "state": row["state"],
        "author": _author(row),
        "labels": [label["name"] for label in row["labels"]],
        "assignees": [_login(person) for person in row["assignees"]],
        "text": _cut(row["body"], longest),
        "updated_at": row["updated_at"],
        "url": row["html_url"],
    }


def _found_issue(row: Json) -> Json:
    milestone = row["milestone"]
    same = ("created_at", "closed_at", "comments", "locked", "state_reason")
    more = {name: row.get(name) for name in same}
    return _issue(row) | more | {"milestone": milestone["title"] if milestone else ""}


def _listed_pull(row: Json) -> Json:
    return {
        "number": row["number"],
        "title": row["title"],
        "state": "merged" if row["merged_at"] else row["state"],
        "draft": row["draft"],
        "author": _author(row),
        "labels": [label["name"] for label in row["labels"]],
        "base": row["base"]["ref"],
        "head": row["head"]["ref"],
        "text": _cut(row["body"], _BRIEF),
        "merged_at": row["merged_at"] or "",
        "updated_at": row["updated_at"],
        "url": row["html_url"],
    }


def _comment(row: Json) -> Json:
    return {
        "author": _author(row),
        "text": _cut(row["body"], _SAID),
        "at": row["created_at"],
        "url": row["html_url"],
    }


def _commit(row: Json) -> Json:
    author = row["commit"]["author"] or {}
    # Whoever commits writes any name there; no login has a space.
    claimed = f"{name} (says the commit)" if (name := author.get("name")) else ""
    return {
        "sha": row["sha"],
        "message": _cut(row["commit"]["message"], _BRIEF),
        "author": _login(row["author"]) or claimed,
        "at": author.get("date", ""),
        "url": row["html_url"],
    }


def _file(row: Json, patch: str, *, complete: bool) -> Json:
    names = ("status", "additions", "deletions")
    same = {name: row[name] for name in names}
    return {"path": row["filename"], **same, "patch": patch, "complete": complete}


def _last(pulls: list[Json], limit: int, *, merged: bool) -> list[Json]:
    """Return the first ones, or the ones merged last."""
    ordered = sorted(pulls, key=lambda pull: pull["merged_at"], reverse=True) if merged else pulls
    return ordered[:limit]


def _settled(merged: list[Json], limit: int, row: Json) -> bool:
    """Tell whether the rows after `row` are too old to count: they were neither changed nor merged
    later."""
    return bool(_last(merged, limit, merged=True)[-1]["merged_at"] >= row["updated_at"])


def _limit(wanted: int) -> int:
    return min(max(wanted, 1), MOST)


def _moment(text: str) -> str:
    """Return a date or a time as GitHub writes it; raises ActionRejected for anything else."""
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as err:
        raise ActionRejected("github: `since` is not a date; write one such as 2026-11-21") from err
    at = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _decoded(content: str) -> str | None:
    """Return a file as text, or None when it is not text."""
    try:
        text = b64decode(content).decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _cut(text: str | None, longest: int) -> str:
    whole = text or ""
    return whole if len(whole) <= longest else f"{whole[: longest - 1]}…"


def _author(row: Json) -> str:
    """Return who wrote a body. With GITHUB_TOKEN the agent and a person share a login, and who
    puts our mark into their own text is not the agent."""
    login = _login(row["user"])
    return f"{login} (marked as the agent's)" if is_marked(row["body"] or "") else login


def _login(account: Json | None) -> str:
    return str(account["login"]) if account else ""
