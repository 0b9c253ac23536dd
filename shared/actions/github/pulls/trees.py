"""Compares the trees of two commits: for changes with more files than GitHub lists."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from shared.actions.github.session import GitHubSession
from shared.errors import ActionRejected
from shared.events import Json

#: Requests for one comparison: two trees, or two for each folder that differs in one too large.
_MOST = 400


class _Pair(NamedTuple):
    """A folder on both sides, '' where it is not there."""

    folder: str
    old: str
    new: str


class _Entry(NamedTuple):
    """A file of a tree, or a submodule; of a tree that is not shown as a whole, also a folder."""

    kind: str
    mode: str
    sha: str


_Entries = Mapping[str, _Entry]


def differing(session: GitHubSession, repository: str, base: str, head: str) -> list[Json] | None:
    """Return the files that differ between two commits, by path, as GitHub lists those of a pull
    request, without patches and counts; None when that would take too many requests.

    https://docs.github.com/en/rest/git/trees#get-a-tree
    """
    old: dict[str, _Entry] = {}
    new: dict[str, _Entry] = {}
    pending, asked = [_Pair("", base, head)], 0
    while pending:
        pair = pending.pop()
        asked += 2
        if asked > _MOST:
            return None
        one, other = (_tree(session, repository, sha) for sha in (pair.old, pair.new))
        if one is None or other is None:  # cut off: folder by folder, as far as they differ
            one, other = (_level(session, repository, sha) for sha in (pair.old, pair.new))
            pending += _folders(pair.folder, one, other)
        old |= _files(pair.folder, one)
        new |= _files(pair.folder, other)
    return [*_compared(old, new)]


def _tree(session: GitHubSession, repository: str, tree: str) -> _Entries | None:
    """Return a tree with all below it; None when it is cut off."""
    if not tree:
        return {}
    found = session.look(
        f"list the files of {repository}", repository, ("git", "trees", tree), recursive=1
    )
    if found is None:
        raise ActionRejected(f"github: {repository} has no tree {tree[:12]}")
    return None if found["truncated"] else _entries(found)


def _level(session: GitHubSession, repository: str, tree: str) -> _Entries:
    """Return what stands in a folder itself."""
    if not tree:
        return {}
    doing, path = f"list the files of {repository}", ("git", "trees", tree)
    return _entries(session.request(doing, repository, "GET", path).data)


def _entries(tree: Json) -> _Entries:
    return {row["path"]: _Entry(row["type"], row["mode"], row["sha"]) for row in tree["tree"]}


def _folders(folder: str, old: _Entries, new: _Entries) -> Iterator[_Pair]:
    """Yield the folders below that differ."""
    for name in sorted({*old, *new}):
        trees = [
            entry.sha if (entry := side.get(name)) and entry.kind == "tree" else ""
            for side in (old, new)
        ]
        if trees[0] != trees[1]:
            yield _Pair(f"{folder}{name}/", trees[0], trees[1])


def _files(folder: str, entries: _Entries) -> dict[str, _Entry]:
    return {f"{folder}{path}": one for path, one in entries.items() if one.kind != "tree"}


def _compared(old: _Entries, new: _Entries) -> Iterator[Json]:
    """Yield what differs; a file that only moved is a renamed one."""
    gone = {path: one for path, one in old.items() if path not in new}
    sources = {one.sha: path for path, one in sorted(gone.items(), reverse=True)}
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        if before == after:
            continue
        if before and after:
            status = "modified" if before.sha != after.sha else "changed"
            yield _row(path, after, status)
        elif after:
            source = sources.pop(after.sha, "") if after.kind == "blob" else ""
            gone.pop(source, None)
            more = {"previous_filename": source} if source else {}
            yield _row(path, after, "renamed" if source else "added") | more
    yield from (_row(path, one, "removed") for path, one in sorted(gone.items()))


def _row(path: str, entry: _Entry, status: str) -> Json:
    has_text = entry.kind == "blob" and entry.mode != "120000" and status in {"added", "modified"}
    return {"filename": path, "sha": entry.sha, "status": status, "changes": int(has_text)}
