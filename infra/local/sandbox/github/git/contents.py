"""What is at a path of a commit: a file, a folder, a link or a submodule.

https://docs.github.com/en/rest/repos/contents#get-repository-content
"""

import posixpath
from collections.abc import Iterator

from infra.local.sandbox.github.call import ApiReply, Call, Raw
from infra.local.sandbox.github.errors import GitHubError, not_found
from infra.local.sandbox.github.git.commits import EXECUTABLE, FILE, FOLDER, LINK, Manifest
from infra.local.sandbox.github.git.endpoints import check_size
from infra.local.sandbox.github.git.views import CommitViews
from shared.events import Json


def get_contents(call: Call, owner: str, name: str, path: str = "") -> ApiReply:
    repository, commits = call.repository(owner, name), call.site.commits
    if commits.is_empty(repository):
        raise GitHubError(404, "This repository is empty.")
    ref = call.query.get("ref") or repository["default_branch"]
    if commits.find(repository, commits.head(repository, ref) or ref) is None:
        raise GitHubError(404, f"No commit found for the ref {ref}")
    files, path = commits.get(repository, ref)["files"], path.strip("/")
    if path in files:
        return _file(call, repository, files, path, ref)
    views = CommitViews(call.site.views, commits, repository)
    shown = sorted(_folder(call, repository, files, path, ref), key=lambda one: str(one["name"]))
    if not shown:
        raise not_found()
    if call.media == "object":
        tree = _tree(call, repository, ref, path)
        return ApiReply({**views.file(path, FOLDER, tree, ref), "entries": shown})
    return ApiReply(shown)


def _file(call: Call, repository: Json, files: Manifest, path: str, ref: str) -> ApiReply:
    commits, (mode, sha) = call.site.commits, files[path]
    if mode == LINK:
        # A link to a file of the same repository is followed.
        target = commits.blob(repository, sha).decode()
        at = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        there = files.get(at, ["", ""])
        mode, sha = there if there[0] in {FILE, EXECUTABLE} else (mode, sha)
    if mode in {FILE, EXECUTABLE}:
        content = commits.blob(repository, sha)
        check_size(call, content)
        if call.media == "raw":
            return ApiReply(Raw(content, "raw"))
    views = CommitViews(call.site.views, commits, repository)
    return ApiReply(views.content(path, mode, sha, ref))


def _folder(call: Call, repository: Json, files: Manifest, path: str, ref: str) -> Iterator[Json]:
    """Yield what is directly in a folder; '' is the root."""
    views = CommitViews(call.site.views, call.site.commits, repository)
    start = f"{path}/" if path else ""
    inside = {one.removeprefix(start): files[one] for one in files if one.startswith(start)}
    for folder in {one.partition("/")[0] for one in inside if "/" in one}:
        tree = _tree(call, repository, ref, start + folder)
        yield views.file(start + folder, FOLDER, tree, ref)
    for one, (mode, sha) in inside.items():
        if "/" not in one:
            yield views.file(start + one, mode, sha, ref)


def _tree(call: Call, repository: Json, ref: str, path: str) -> str:
    """Return the name of a folder's tree."""
    commits = call.site.commits
    tree = commits.entries(repository, ref)[0]
    for part in path.split("/") if path else ():
        found = commits.entries(repository, tree)[1]
        tree = next(entry["sha"] for entry in found if entry["path"] == part)
    return tree
