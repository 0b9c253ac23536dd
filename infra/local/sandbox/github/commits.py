"""What is committed in the sandbox's repositories: blobs, trees and commits, named as git does."""

import base64
import difflib
import hashlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from infra.local.sandbox.github.errors import not_found
from infra.local.sandbox.github.state import State, now
from shared.events import Json

FILE, LINK, SUBMODULE, FOLDER = "100644", "120000", "160000", "040000"

#: https://docs.github.com/en/rest/git/trees#get-a-tree
TREE_LIMIT = 100_000


class Link(NamedTuple):
    """A symbolic link to `target`."""

    target: str


class Submodule(NamedTuple):
    """Another repository's commit."""

    commit: str


Content = str | bytes | Link | Submodule | None
#: By path: the mode and the name of the object.
Manifest = dict[str, list[str]]


class Commits:
    """The objects of all repositories. Hold the state's lock while reading and changing."""

    def __init__(self, state: State) -> None:
        self.tree_limit = TREE_LIMIT
        self._state = state
        self._trees: dict[str, list[Json]] = {}
        self._blobs: set[tuple[int, str]] = set()
        for commit in state.rows("commits"):
            self._index(commit["repository"], commit["files"])

    def commit(
        self, repository: Json, files: Mapping[str, Content], author: str, message: str, parent: str
    ) -> Json:
        """Keep a commit on `parent` ('' for none) that changes `files`; None deletes one."""
        before = self.get(repository, parent)["files"] if parent else {}
        manifest: Manifest = dict(before)
        for path, content in files.items():
            if content is None:
                manifest.pop(path, None)
            else:
                manifest[path] = self._keep(content)
        tree, at = self._index(repository["id"], manifest), now()
        words = f"tree {tree}\nparent {parent}\nauthor {author} {at}\n\n{message}"
        serial = len(self._state.rows("commits"))
        return self._state.add(
            "commits",
            repository=repository["id"],
            sha=_name("commit", f"{words}\n{serial}".encode()),
            parent=parent,
            tree=tree,
            files=manifest,
            author=self._state.account(author)["login"],
            message=message,
        )

    def head(self, repository: Json, branch: str) -> str:
        """The commit of a branch; '' when there is no such branch."""
        found: str = repository.get("branches", {}).get(branch, "")
        return found

    def is_empty(self, repository: Json) -> bool:
        return not repository.get("branches")

    def get(self, repository: Json, name: str) -> Json:
        """Return a commit by its name or its branch's; raises GitHubError when there is none."""
        wanted = self.head(repository, name) or name
        found = self._state.first("commits", repository=repository["id"], sha=wanted)
        if found is None:
            raise not_found()
        return found

    def blob(self, repository: Json, sha: str) -> bytes:
        """Return the content of a blob that a commit of this repository has."""
        content = self._state.blob(sha)
        if content is None or (repository["id"], sha) not in self._blobs:
            raise not_found()
        return base64.b64decode(content)

    def size(self, sha: str) -> int:
        return len(base64.b64decode(self._state.blob(sha) or ""))

    def similarity(self, one: str, other: str) -> float:
        """How much of two blobs is the same: 1 for all."""
        texts = (base64.b64decode(self._state.blob(sha) or "") for sha in (one, other))
        lines, others = (text.split(b"\n") for text in texts)
        return difflib.SequenceMatcher(None, lines, others, autojunk=False).quick_ratio()

    def entries(self, repository: Json, name: str) -> tuple[str, list[Json]]:
        """Return a tree's name and what is directly in it, by its own name, or that of a commit or
        a branch."""
        if name not in self._trees:
            name = self.get(repository, name)["tree"]
        return name, self._trees[name]

    def below(self, tree: str, folder: str = "") -> Iterator[Json]:
        """Go through all that is in a tree, folders before what is in them."""
        for entry in self._trees[tree]:
            yield {**entry, "path": folder + entry["path"]}
            if entry["mode"] == FOLDER:
                yield from self.below(entry["sha"], f"{folder}{entry['path']}/")

    def history(self, repository: Json, sha: str) -> list[Json]:
        """Return a commit and all before it, newest first."""
        found = []
        while sha:
            found.append(self.get(repository, sha))
            sha = found[-1]["parent"]
        return found

    def _keep(self, content: str | bytes | Link | Submodule) -> list[str]:
        if isinstance(content, Submodule):
            return [SUBMODULE, content.commit]
        mode = LINK if isinstance(content, Link) else FILE
        text = content.target if isinstance(content, Link) else content
        data = text.encode() if isinstance(text, str) else text
        sha = _name("blob", data)
        self._state.keep_blob(sha, base64.b64encode(data).decode())
        return [mode, sha]

    def _index(self, repository: int, manifest: Manifest) -> str:
        """Keep which blobs a repository has, and its trees; returns the root's name."""
        self._blobs |= {(repository, sha) for _, sha in manifest.values()}
        return self._tree(manifest)

    def _tree(self, manifest: Mapping[str, list[str]]) -> str:
        """Keep the tree of these files, with all below it, and return its name."""
        folders: dict[str, Manifest] = {}
        entries = []
        for path, (mode, sha) in manifest.items():
            folder, slash, rest = path.partition("/")
            if slash:
                folders.setdefault(folder, {})[rest] = [mode, sha]
            else:
                entries.append({"path": path, "mode": mode, "sha": sha})
        for folder, inside in folders.items():
            entries.append({"path": folder, "mode": FOLDER, "sha": self._tree(inside)})
        entries.sort(key=lambda e: e["path"] + "/" * (e["mode"] == FOLDER))
        lines = (
            f"{e['mode'].lstrip('0')} {e['path']}\0".encode() + bytes.fromhex(e["sha"])
            for e in entries
        )
        name = _name("tree", b"".join(lines))
        self._trees[name] = entries
        return name


def changes(commits: Commits, base: Manifest, head: Manifest) -> list[Json]:
    """Return what changed, as GitHub's comparison calls it; a file that is at least half the same
    was renamed."""
    removed = {path: base[path] for path in base.keys() - head.keys()}
    found = []
    for path in sorted(head.keys() - base.keys()):
        old = _source(commits, head[path], removed)
        if old is None:
            found.append({"filename": path, "sha": head[path][1], "status": "added"})
        else:
            del removed[old]
            row = {"filename": path, "sha": head[path][1], "status": "renamed"}
            found.append({**row, "previous_filename": old})
    for path in head.keys() & base.keys():
        if head[path] != base[path]:
            found.append({"filename": path, "sha": head[path][1], "status": "modified"})
    for path, (_, sha) in removed.items():
        found.append({"filename": path, "sha": sha, "status": "removed"})
    return sorted(found, key=lambda row: row["filename"])


def _source(commits: Commits, entry: list[str], removed: Manifest) -> str | None:
    for path, old in removed.items():
        if old == entry:
            return path
    for path, old in removed.items():
        if commits.similarity(old[1], entry[1]) >= 0.5:
            return path
    return None


def _name(kind: str, content: bytes) -> str:
    """Name an object as git does: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects"""
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content).hexdigest()
