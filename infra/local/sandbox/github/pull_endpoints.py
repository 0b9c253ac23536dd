"""The endpoints about pull requests: opened upon branches, listed, and what they change."""

from functools import partial

from infra.local.sandbox.github.call import ApiReply, Call, Listing
from infra.local.sandbox.github.commit_views import CommitViews
from infra.local.sandbox.github.errors import invalid, not_found
from infra.local.sandbox.github.pull_views import pull_request
from shared.events import Json

#: GitHub shows no more files of a pull request.
#: https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
_FILES = 3000


def list_pulls(call: Call, owner: str, name: str) -> ApiReply:
    repository, query = call.repository(owner, name), call.query
    state, head, base = query.get("state", "open"), query.get("head", ""), query.get("base")
    rows = call.site.state.rows("issues", repository=repository["id"])
    wanted = [row for row in rows if row["pull"] and state in {"all", row["state"]}]
    if ":" in head:  # else it is no filter
        wanted = [row for row in wanted if f"{owner}:{row['pull']['head']}" == head]
    if base:
        wanted = [row for row in wanted if row["pull"]["base"] == base]
    sort = query.get("sort", "created")
    if sort == "updated":
        wanted.sort(key=lambda row: row["updated_at"])
    if query.get("direction", "desc" if sort == "created" else "asc") == "desc":
        wanted.reverse()
    return ApiReply(Listing(wanted, partial(pull_request, call.site.views, repository)))


def open_pull(call: Call, owner: str, name: str) -> ApiReply:
    repository = call.repository(owner, name)
    actor = call.write(owner, name, permission="pull_requests")
    fields = call.fields
    pull: Json = {"sha": f"{len(call.site.state.rows('issues')) + 1:040x}"}
    for branch in ("head", "base"):
        if not isinstance(fields.get(branch), str):
            raise invalid("PullRequest", branch, "missing_field")
        pull[branch] = fields[branch]
    pull["draft"] = bool(fields.get("draft"))
    # A repository without commits takes any names, so that one can play without git.
    if not call.site.commits.is_empty(repository):
        pull["sha"] = _checked(call, repository, pull["head"], pull["base"])
    row = call.site.changes.open_issue(
        actor, repository, fields.get("title"), fields.get("body"), pull=pull
    )
    return ApiReply(pull_request(call.site.views, repository, row), 201)


def get_pull(call: Call, owner: str, name: str, number: int) -> ApiReply:
    repository = call.repository(owner, name)
    return ApiReply(pull_request(call.site.views, repository, _pull(call, owner, name, number)))


def edit_pull(call: Call, owner: str, name: str, number: int) -> ApiReply:
    repository, row = call.repository(owner, name), _pull(call, owner, name, number)
    actor = call.write(owner, name, row["author"], permission="pull_requests")
    row = call.site.changes.edit_issue(actor, row, call.fields)
    return ApiReply(pull_request(call.site.views, repository, row))


def list_files(call: Call, owner: str, name: str, number: int) -> ApiReply:
    repository, row = call.repository(owner, name), _pull(call, owner, name, number)
    commits, pull = call.site.commits, row["pull"]
    if commits.is_empty(repository):
        return ApiReply(Listing([], dict))
    head = commits.head(repository, pull["head"]) or pull["sha"]
    base = commits.head(repository, pull["base"])
    views = CommitViews(call.site.views, commits, repository)
    return ApiReply(Listing(views.changed(base, head)[:_FILES], dict))


def _checked(call: Call, repository: Json, head: str, base: str) -> str:
    """Return the head's commit; raises GitHubError as GitHub does for branches that do not do."""
    commits = call.site.commits
    branch = head.rpartition(":")[2]
    for field, name in (("head", branch), ("base", base)):
        if not commits.head(repository, name):
            raise invalid("PullRequest", field, "invalid")
    sha = commits.head(repository, branch)
    before = {row["sha"] for row in commits.history(repository, commits.head(repository, base))}
    if sha in before:
        raise invalid("PullRequest", "head", f"No commits between {base} and {branch}")
    rows = call.site.state.rows("issues", repository=repository["id"], state="open")
    if any(r["pull"] and (r["pull"]["head"], r["pull"]["base"]) == (branch, base) for r in rows):
        owner = repository["name"].partition("/")[0]
        reason = f"A pull request already exists for {owner}:{branch}."
        raise invalid("PullRequest", "head", reason)
    return sha


def _pull(call: Call, owner: str, name: str, number: int) -> Json:
    row = call.issue(owner, name, number)
    if not row["pull"]:
        raise not_found()
    return row
