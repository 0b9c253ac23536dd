"""The endpoints of the search: issues and pull requests, and the code of default branches."""

import shlex
from collections.abc import Mapping, Sequence

from infra.local.sandbox.github.call import ApiReply, Call
from infra.local.sandbox.github.errors import invalid
from infra.local.sandbox.github.git.commits import FILE
from infra.local.sandbox.github.git.views import CommitViews
from shared.events import Json

#: Only smaller files are searched, in bytes.
#: https://docs.github.com/en/rest/search/search#search-code
_SEARCHED = 384 * 1024
#: One of these the search wants from an app.
_KINDS = {"is:issue", "is:pr", "is:pull-request", "type:issue", "type:pr"}
#: The fields of a repository that the search shows.
_MINIMAL = (
    "id",
    "node_id",
    "name",
    "full_name",
    "private",
    "owner",
    "html_url",
    "description",
    "fork",
    "url",
)


def search_issues(call: Call) -> ApiReply:
    """Find issues by repo:, is:, state:, label:, author: and words that they must contain."""
    terms, places = _terms(call)
    if call.who.owner and not _KINDS & {*terms}:
        raise invalid("Search", "q", "Query must include 'is:issue' or 'is:pull-request'")
    state, views = call.site.state, call.site.views
    found = []
    for row in reversed(state.rows("issues")):
        repository = state.get("repositories", row["repository"])
        if repository is None or not _within(call, repository, places):
            continue
        issue = views.issue(row)
        if all(_matches(term, issue) for term in terms):
            found.append({**issue, "score": 1.0})
    return _page(call, found, search_type="lexical")


def search_code(call: Call) -> ApiReply:
    """Find files of the default branches by repo:, path:, extension: and words."""
    terms, places = _terms(call)
    if all(":" in term for term in terms):
        raise invalid("Search", "q", "The search is too short")
    found = []
    for repository in call.site.state.rows("repositories"):
        head = call.site.commits.head(repository, repository["default_branch"])
        if head and _within(call, repository, places):
            found += _files(call, repository, head, terms)
    return _page(call, found)


def _terms(call: Call) -> tuple[list[str], list[str]]:
    """Split a query into terms that must all hold, and repositories, of which one must."""
    if not (query := call.query.get("q", "").strip()):
        raise invalid("Search", "q", "missing")
    try:
        terms = shlex.split(query)
    except ValueError:
        terms = query.split()
    places = [t.partition(":")[2].lower() for t in terms if t.lower().startswith("repo:")]
    return [term for term in terms if not term.lower().startswith("repo:")], places


def _within(call: Call, repository: Json, places: Sequence[str]) -> bool:
    """Tell if the search covers a repository: one that the caller may read, and asked for."""
    seen = call.level(repository) != "none" and call.who.may(call.needs, "read")
    return seen and (not places or repository["name"].lower() in places)


def _matches(term: str, issue: Json) -> bool:
    name, _, value = term.lower().partition(":")
    kind = "pr" if "pull_request" in issue else "issue"
    merged = bool(issue.get("pull_request", {}).get("merged_at"))
    labels = {label["name"].lower() for label in issue["labels"]}
    known: Mapping[str, bool] = {
        "is": value in {kind, issue["state"], "pull-request" if kind == "pr" else kind}
        or (value == "merged" and merged),
        "type": value == kind,
        "state": value == issue["state"],
        "label": value in labels,
        "author": value == issue["user"]["login"].lower(),
        "assignee": value in {person["login"].lower() for person in issue["assignees"]},
    }
    text = f"{issue['title']}\n{issue['body'] or ''}".lower()
    return known[name] if value and name in known else term.lower() in text


def _files(call: Call, repository: Json, head: str, terms: Sequence[str]) -> list[Json]:
    commits = call.site.commits
    views = CommitViews(call.site.views, commits, repository)
    whole = call.site.views.repository(repository)
    links = {name: url for name, url in whole.items() if name.endswith("_url")}
    shown = {name: whole[name] for name in _MINIMAL} | links
    found = []
    for path, (mode, sha) in commits.get(repository, head)["files"].items():
        if mode != FILE or commits.size(sha) >= _SEARCHED:
            continue
        text = f"{path}\n{commits.blob(repository, sha).decode('utf-8', 'replace')}".lower()
        if all(_holds(term.lower(), path.lower(), text) for term in terms):
            file = views.file(path, mode, sha, head)
            names = ("name", "path", "sha", "url", "git_url", "html_url")
            same = {name: file[name] for name in names}
            found.append({**same, "repository": shown, "score": 1.0})
    return found


def _holds(term: str, path: str, text: str) -> bool:
    name, _, value = term.partition(":")
    if value and name == "path":
        return path.startswith(value.strip("/"))
    if value and name == "extension":
        return path.endswith(f".{value}")
    return term in text


def _page(call: Call, found: list[Json], **more: str) -> ApiReply:
    size = call.number("per_page", 30, 100)
    start = (call.number("page", 1, 10_000) - 1) * size
    page = found[start : start + size]
    body = {"total_count": len(found), "incomplete_results": False, "items": page}
    return ApiReply(body | more)
