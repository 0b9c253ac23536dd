"""The endpoints about pull requests: opened upon branches, listed, and what they change."""

from functools import partial

from infra.local.sandbox.github.call import ApiReply, Call, Listing
from infra.local.sandbox.github.errors import invalid, not_found
from infra.local.sandbox.github.pull_views import pull_request
from shared.events import Json


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
    for branch in ("head", "base"):
        if not isinstance(fields.get(branch), str):
            raise invalid("PullRequest", branch, "missing_field")
    pull = {name: fields[name] for name in ("head", "base")} | {"draft": bool(fields.get("draft"))}
    row = call.site.pulls.open(
        actor, repository, fields.get("title"), fields.get("body"), pull, strict=True
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
    return ApiReply(Listing(call.site.pulls.files(repository, row), dict))


def _pull(call: Call, owner: str, name: str, number: int) -> Json:
    row = call.issue(owner, name, number)
    if not row["pull"]:
        raise not_found()
    return row
