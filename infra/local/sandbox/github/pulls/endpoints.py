"""The endpoints about pull requests: opened upon branches, listed, and what they change."""

from functools import partial

from infra.local.sandbox.github.call import ApiReply, Call, Listing, Raw
from infra.local.sandbox.github.errors import GitHubError, invalid, not_found
from infra.local.sandbox.github.git.endpoints import as_text
from infra.local.sandbox.github.git.views import CommitViews
from infra.local.sandbox.github.pulls.views import pull_request
from shared.events import Json

#: https://docs.github.com/en/rest/pulls/pulls#list-commits-on-a-pull-request
_COMMITS = 250


def list_pulls(call: Call, owner: str, name: str) -> ApiReply:
    repository, query = call.repository(owner, name), call.query
    state, head, base = query.get("state", "open"), query.get("head", ""), query.get("base")
    rows = call.site.state.rows("issues", repository=repository["id"])
    wanted = [row for row in rows if row["pull"] and state in {"all", row["state"]}]
    if ":" in head:  # else it is no filter
        wanted = [row for row in wanted if _label(owner, row["pull"]) == head]
    if base:
        wanted = [row for row in wanted if row["pull"]["base"] == base]
    sort = query.get("sort", "created")
    if sort == "updated":
        wanted.sort(key=lambda row: row["updated_at"])
    if query.get("direction", "desc" if sort == "created" else "asc") == "desc":
        wanted.reverse()
    return ApiReply(Listing(wanted, partial(pull_request, call.site.views, repository)))


def _label(owner: str, pull: Json) -> str:
    return f"{pull.get('owner') or owner}:{pull['head']}"


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
    repository, row = call.repository(owner, name), pull_of(call, owner, name, number)
    if call.media in {"diff", "patch"}:
        compared = call.site.pulls.compared(repository, row)
        return ApiReply(as_text(compared, call.media) if compared else Raw(b"", call.media))
    return ApiReply(pull_request(call.site.views, repository, row))


def edit_pull(call: Call, owner: str, name: str, number: int) -> ApiReply:
    repository, row = call.repository(owner, name), pull_of(call, owner, name, number)
    actor = call.write(owner, name, row["author"], permission="pull_requests")
    row = call.site.pulls.edit(actor, row, call.fields)
    return ApiReply(pull_request(call.site.views, repository, row))


def update_branch(call: Call, owner: str, name: str, number: int) -> ApiReply:
    """Merge the base into the head."""
    repository, row = call.repository(owner, name), pull_of(call, owner, name, number)
    actor = call.write(owner, name, permission="pull_requests")
    expected = call.fields.get("expected_head_sha") if call.sent is not None else None
    if expected not in {None, row["pull"]["sha"]}:
        raise GitHubError(422, "expected head sha didn't match current head ref.")
    call.site.pushes.update(repository, row, actor)
    url = f"{call.site.views.web}/{repository['name']}/pull/{number}"
    return ApiReply({"message": "Updating pull request branch.", "url": url}, 202)


def list_of_commit(call: Call, owner: str, name: str, ref: str) -> ApiReply:
    """List the pull requests that a commit is in."""
    repository, pulls = call.repository(owner, name), call.site.pulls
    sha = call.site.commits.get(repository, ref)["sha"]
    rows = [r for r in call.site.state.rows("issues", repository=repository["id"]) if r["pull"]]
    found = [row for row in rows if any(c["sha"] == sha for c in pulls.commits(repository, row))]
    return ApiReply(Listing(found, partial(pull_request, call.site.views, repository)))


def list_files(call: Call, owner: str, name: str, number: int) -> ApiReply:
    repository, row = call.repository(owner, name), pull_of(call, owner, name, number)
    return ApiReply(Listing(*call.site.pulls.files(repository, row)))


def list_commits(call: Call, owner: str, name: str, number: int) -> ApiReply:
    repository, row = call.repository(owner, name), pull_of(call, owner, name, number)
    views = CommitViews(call.site.views, call.site.commits, repository)
    return ApiReply(Listing(call.site.pulls.commits(repository, row)[:_COMMITS], views.commit))


def list_reviewers(call: Call, owner: str, name: str, number: int) -> ApiReply:
    row = pull_of(call, owner, name, number)
    people = [call.site.views.account(login) for login in row["pull"].get("reviewers", ())]
    return ApiReply({"users": people, "teams": []})


def request_reviews(call: Call, owner: str, name: str, number: int) -> ApiReply:
    return ApiReply(_ask(call, owner, name, number, wanted=True), 201)


def withdraw_requests(call: Call, owner: str, name: str, number: int) -> ApiReply:
    return ApiReply(_ask(call, owner, name, number, wanted=False))


def _ask(call: Call, owner: str, name: str, number: int, *, wanted: bool) -> Json:
    repository, row = call.repository(owner, name), pull_of(call, owner, name, number)
    actor = call.write(owner, name, permission="pull_requests")
    people = call.fields.get("reviewers", [] if wanted else None)
    if not isinstance(people, list):
        raise invalid("PullRequest", "reviewers", "invalid")
    if wanted and row["author"] in people:
        raise GitHubError(422, "Review cannot be requested from pull request author.")
    known = [call.site.state.assignable(repository, str(one)) for one in people]
    if not all(known):
        message = "Reviews may only be requested from collaborators."
        raise GitHubError(422, f"{message} One or more of the users you specified is not one.")
    row = call.site.pulls.request_reviews(actor, row, known, wanted=wanted)
    return pull_request(call.site.views, repository, row)


def pull_of(call: Call, owner: str, name: str, number: int) -> Json:
    row = call.issue(owner, name, number)
    if not row["pull"]:
        raise not_found()
    return row
