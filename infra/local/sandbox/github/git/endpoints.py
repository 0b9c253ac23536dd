"""The endpoints of git data: references, trees, blobs, contents, comparisons."""

from base64 import b64decode
from binascii import Error as Base64Error

from infra.local.sandbox.github.call import ApiReply, Call, Listing, Raw
from infra.local.sandbox.github.errors import GitHubError, forbidden, invalid, not_found
from infra.local.sandbox.github.git.comparing import Comparison
from infra.local.sandbox.github.git.views import CommitViews
from shared.events import Json


def get_reference(call: Call, owner: str, name: str, ref: str) -> ApiReply:
    repository = _committed(call, owner, name)
    kind, _, branch = ref.partition("/")
    sha = call.site.commits.head(repository, branch) if kind == "heads" else ""
    if not sha:
        raise not_found()
    return ApiReply(_views(call, repository).reference(branch, sha))


def create_reference(call: Call, owner: str, name: str) -> ApiReply:
    repository = _committed(call, owner, name)
    actor = call.write(owner, name, permission="contents")
    ref, sha = call.fields.get("ref"), call.fields.get("sha")
    if not isinstance(ref, str) or not ref.startswith("refs/heads/"):
        raise GitHubError(422, "Reference name is not a valid ref name")
    branch = ref.removeprefix("refs/heads/")
    if call.site.commits.head(repository, branch):
        raise GitHubError(422, "Reference already exists")
    if not isinstance(sha, str) or not call.site.commits.find(repository, sha):
        raise GitHubError(422, "Object does not exist")
    call.site.pushes.create_branch(repository, branch, sha, actor)
    return ApiReply(_views(call, repository).reference(branch, sha), 201)


def delete_reference(call: Call, owner: str, name: str, ref: str) -> ApiReply:
    """Delete a branch; the pull requests upon it are closed."""
    repository = _committed(call, owner, name)
    actor, branch = call.write(owner, name, permission="contents"), ref.removeprefix("heads/")
    if not call.site.commits.head(repository, branch):
        raise GitHubError(422, "Reference does not exist")
    call.site.pushes.delete_branch(repository, branch, actor)
    return ApiReply(None, 204)


def list_commits(call: Call, owner: str, name: str) -> ApiReply:
    repository, query = _committed(call, owner, name), call.query
    start = query.get("sha") or repository["default_branch"]
    commits = call.site.commits
    rows = commits.history(repository, commits.get(repository, start)["sha"])
    if path := query.get("path"):
        rows = [row for row in rows if _touches(call, repository, row, path)]
    since, until = query.get("since", ""), query.get("until", "9")
    wanted = [row for row in rows if since <= row["created_at"] <= until]
    return ApiReply(Listing(wanted, _views(call, repository).commit))


def get_tree(call: Call, owner: str, name: str, tree: str) -> ApiReply:
    repository, commits = _committed(call, owner, name), call.site.commits
    sha, entries = commits.entries(repository, tree)
    # Whatever its value, also false and 0, the parameter's presence makes the answer recursive.
    if "recursive" in call.query:
        entries = list(commits.below(sha))
        return ApiReply(_views(call, repository).tree(sha, entries, commits.tree_limit))
    return ApiReply(_views(call, repository).tree(sha, entries, len(entries)))


def get_blob(call: Call, owner: str, name: str, sha: str) -> ApiReply:
    repository = _committed(call, owner, name)
    if len(sha) != 40:
        raise invalid("Blob", "sha", "invalid")
    content = call.site.commits.blob(repository, sha)
    check_size(call, content)
    if call.media == "raw":
        return ApiReply(Raw(content, "raw"))
    return ApiReply(_views(call, repository).blob(sha, content))


def get_commit(call: Call, owner: str, name: str, ref: str) -> ApiReply:
    repository, commits = _committed(call, owner, name), call.site.commits
    views = _views(call, repository)
    row = _commit(call, repository, ref)
    if call.media == "sha":
        return ApiReply(Raw(row["sha"].encode(), "sha"))
    if call.media in {"diff", "patch"}:
        before = commits.get(repository, row["parent"])["files"] if row["parent"] else {}
        return ApiReply(as_text(views.comparison_of(before, row["files"]), call.media))
    return ApiReply(views.with_files(row))


def as_text(compared: Comparison, media: str) -> Raw:
    """Answer with a diff as git writes it."""
    return Raw(compared.text().encode("utf-8", "replace"), media)


def put_contents(call: Call, owner: str, name: str, path: str) -> ApiReply:
    """Write a file and commit it, as GitHub does, when the caller saw its present version."""
    repository = _committed(call, owner, name)
    actor, fields = call.write(owner, name, permission="contents"), call.fields
    if call.who.owner and path.startswith(".github/workflows/"):
        raise forbidden("workflows=write")
    if any(part in {"", ".", "..", ".git"} for part in path.split("/")):
        raise GitHubError(422, "path contains a malformed path component")
    branch = fields.get("branch") or repository["default_branch"]
    if not (head := call.site.commits.head(repository, branch)):
        raise GitHubError(404, f"Branch {branch} not found")
    if not fields.get("message"):
        raise invalid("Commit", "message", "missing_field")
    try:
        content = b64decode(fields["content"], validate=True)
    except (Base64Error, KeyError, TypeError) as err:
        raise GitHubError(422, "content is not valid Base64") from err
    _, there = call.site.commits.get(repository, head)["files"].get(path, ("", ""))
    if there and not fields.get("sha"):
        raise GitHubError(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if fields.get("sha") and fields["sha"] != there:
        raise GitHubError(409, f"{path} does not match {fields['sha']}")
    changed, message = {path: content}, str(fields["message"])
    sha = call.site.pushes.push(repository, changed, actor, branch=branch, message=message, on=head)
    views, row = _views(call, repository), call.site.commits.get(repository, sha)
    mode, blob = row["files"][path]
    body = {"content": views.file(path, mode, blob, branch), "commit": views.git(row)}
    return ApiReply(body, 200 if there else 201)


def compare(call: Call, owner: str, name: str, base: str, head: str) -> ApiReply:
    """Compare two commits; `owner:branch` and `owner:repository:branch` are those of a fork."""
    repository = _committed(call, owner, name)
    size, page = call.number("per_page", 250, 250), call.number("page", 1, 10_000)
    one, other = _end(call, repository, base), _end(call, repository, head)
    views = _views(call, repository)
    if call.media in {"diff", "patch"}:
        return ApiReply(as_text(views.between(one["sha"], other["sha"]), call.media))
    return ApiReply(views.comparison(one, other, page, size))


def _end(call: Call, repository: Json, name: str) -> Json:
    """Return the commit on one side of a comparison."""
    *place, branch = name.split(":")
    if not place:
        return call.site.commits.get(repository, name)
    try:
        fork = call.site.pulls.fork(repository, place[0])
    except GitHubError as err:
        raise not_found() from err
    called = fork["name"].partition("/")[2]
    if place[1:] not in ([], [called]) or call.level(fork) == "none":
        raise not_found()
    return call.site.commits.get(fork, branch)


def _commit(call: Call, repository: Json, ref: str) -> Json:
    """Return a commit; raises GitHubError as the endpoints of single commits do."""
    try:
        return call.site.commits.get(repository, ref)
    except GitHubError as err:
        raise GitHubError(422, f"No commit found for SHA: {ref}") from err


def _touches(call: Call, repository: Json, row: Json, path: str) -> bool:
    commits, inside = call.site.commits, f"{path.strip('/')}/"
    before = commits.get(repository, row["parent"])["files"] if row["parent"] else {}
    changed = {one for one in {*before, *row["files"]} if before.get(one) != row["files"].get(one)}
    return any(one == inside[:-1] or one.startswith(inside) for one in changed)


def check_size(call: Call, content: bytes) -> None:
    """Raise GitHubError for a blob that the API does not hand out."""
    if len(content) > call.site.commits.blob_limit:
        message = (
            "This API returns blobs up to 100 MB in size. The requested blob is too large to"
            " fetch via the API, but you can always clone the repository via Git in order to"
            " obtain it."
        )
        error = {"resource": "Blob", "field": "data", "code": "too_large"}
        raise GitHubError(403, message, [error])


def _committed(call: Call, owner: str, name: str) -> Json:
    repository = call.repository(owner, name)
    if call.site.commits.is_empty(repository):
        raise GitHubError(409, "Git Repository is empty.")
    return repository


def _views(call: Call, repository: Json) -> CommitViews:
    return CommitViews(call.site.views, call.site.commits, repository)
