"""The endpoints about what is committed: references, trees, blobs, contents, comparisons."""

import posixpath

from infra.local.sandbox.github.call import Call, Reply
from infra.local.sandbox.github.commit_views import CommitViews
from infra.local.sandbox.github.commits import FILE, FOLDER, LINK
from infra.local.sandbox.github.errors import GitHubError, invalid, not_found
from infra.local.sandbox.github.state import Json


def get_reference(call: Call, owner: str, name: str, ref: str) -> Reply:
    repository = _committed(call, owner, name)
    kind, _, branch = ref.partition("/")
    sha = call.site.commits.head(repository, branch) if kind == "heads" else ""
    if not sha:
        raise not_found()
    return Reply(_views(call, repository).reference(branch, sha))


def get_tree(call: Call, owner: str, name: str, tree: str) -> Reply:
    repository, commits = _committed(call, owner, name), call.site.commits
    sha, entries = commits.entries(repository, tree)
    # Whatever its value, also false and 0, the parameter's presence makes the answer recursive.
    if "recursive" in call.query:
        entries = list(commits.below(sha))
        return Reply(_views(call, repository).tree(sha, entries, commits.tree_limit))
    return Reply(_views(call, repository).tree(sha, entries, len(entries)))


def get_blob(call: Call, owner: str, name: str, sha: str) -> Reply:
    repository = _committed(call, owner, name)
    if len(sha) != 40:
        raise invalid("Blob", "sha", "invalid")
    content = call.site.commits.blob(repository, sha)
    return Reply(_views(call, repository).blob(sha, content))


def get_contents(call: Call, owner: str, name: str, path: str) -> Reply:
    repository = call.contents(owner, name)
    if call.site.commits.is_empty(repository):
        raise GitHubError(404, "This repository is empty.")
    views = _views(call, repository)
    ref = call.query.get("ref") or repository["default_branch"]
    files = call.site.commits.get(repository, ref)["files"]
    path = path.strip("/")
    if path in files:
        mode, sha = files[path]
        if mode == LINK:
            # A link to a file of the same repository is followed.
            target = call.site.commits.blob(repository, sha).decode()
            at = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            mode, sha = files[at] if files.get(at, [""])[0] == FILE else (mode, sha)
        return Reply(views.content(path, mode, sha, ref))
    inside = {
        one.removeprefix(f"{path}/"): files[one] for one in files if one.startswith(f"{path}/")
    }
    if not inside:
        raise not_found()
    folders = {one.partition("/")[0] for one in inside if "/" in one}
    tree = call.site.commits.entries(repository, ref)[0]
    trees = {e["path"]: e["sha"] for e in call.site.commits.below(tree) if e["mode"] == FOLDER}
    shown = [views.file(f"{path}/{one}", FOLDER, trees[f"{path}/{one}"], ref) for one in folders]
    shown += [
        views.file(f"{path}/{one}", mode, sha, ref)
        for one, (mode, sha) in inside.items()
        if "/" not in one
    ]
    return Reply(sorted(shown, key=lambda entry: entry["name"]))


def compare(call: Call, owner: str, name: str, base: str, head: str) -> Reply:
    repository, commits = _committed(call, owner, name), call.site.commits
    size = min(max(int(call.query.get("per_page", 250)), 1), 250)
    page = max(int(call.query.get("page", 1)), 1)
    one, other = commits.get(repository, base), commits.get(repository, head)
    return Reply(_views(call, repository).comparison(one, other, page, size))


def _committed(call: Call, owner: str, name: str) -> Json:
    repository = call.contents(owner, name)
    if call.site.commits.is_empty(repository):
        raise GitHubError(409, "Git Repository is empty.")
    return repository


def _views(call: Call, repository: Json) -> CommitViews:
    return CommitViews(call.site.views, call.site.commits, repository)
