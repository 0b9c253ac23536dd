"""The git data of the sandbox's repositories: blobs, trees and commits, named as git does."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from infra.local.sandbox.github.errors import not_found
from infra.local.sandbox.github.git.merging import MergeConflict, merged_files, merged_text
from infra.local.sandbox.github.state import SandboxState, now
from shared.events import Json

FILE, EXECUTABLE, LINK = "100644", "100755", "120000"
SUBMODULE, FOLDER = "160000", "040000"

#: https://docs.github.com/en/rest/git/trees#get-a-tree
TREE_LIMIT = 100_000
#: In bytes. https://docs.github.com/en/rest/repos/contents#get-repository-content
BLOB_LIMIT = 100_000_000


class Link(NamedTuple):
    """A symbolic link to `target`."""

    target: str


class Submodule(NamedTuple):
    """Another repository's commit."""

    commit: str


class Executable(NamedTuple):
    """A file that can be run."""

    text: str


Content = str | bytes | Link | Submodule | Executable | None
#: By path: the mode and the name of the object.
Manifest = dict[str, list[str]]


class CommitStore:
    """The objects of all repositories. Hold the state's lock while reading and changing.

    A repository and its forks share their objects.
    """

    def __init__(self, state: SandboxState) -> None:
        self.tree_limit = TREE_LIMIT
        self.blob_limit = BLOB_LIMIT
        self._state = state
        self._trees: dict[str, list[Json]] = {}
        self._blobs: set[tuple[int, str]] = set()
        #: The ids of the commits, by network and name.
        self._numbers: dict[tuple[int, str], int] = {}
        for commit in state.rows("commits"):
            self._numbers[commit["repository"], commit["sha"]] = commit["id"]
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
        return self._add(repository, manifest, author, message, [parent] if parent else [])

    def merge(self, repository: Json, ours: str, theirs: str, author: str, message: str) -> Json:
        """Keep a commit on both, with the changes of both; raises MergeConflict."""
        common = self.fork_point(repository, ours, theirs)
        files = common["files"] if common else {}
        sides = [self.get(repository, sha)["files"] for sha in (ours, theirs)]

        def join(*entries: Sequence[str]) -> list[str]:
            if any(mode != FILE for mode, _ in entries):
                raise MergeConflict
            return self._keep(merged_text(*(self.blob(repository, sha) for _, sha in entries)))

        manifest = merged_files(files, sides[0], sides[1], join)
        return self._add(repository, manifest, author, message, [ours, theirs])

    def _add(
        self, repository: Json, manifest: Manifest, author: str, message: str, parents: list[str]
    ) -> Json:
        tree, at = self._index(network(repository), manifest), now()
        words = f"tree {tree}\nparents {parents}\nauthor {author} {at}\n\n{message}"
        serial = len(self._state.rows("commits"))
        row = self._state.add(
            "commits",
            repository=network(repository),
            sha=_name("commit", f"{words}\n{serial}".encode()),
            parent=parents[0] if parents else "",
            merged=parents[1:],
            tree=tree,
            files=manifest,
            author=self._state.account(author)["login"],
            message=message,
        )
        self._numbers[row["repository"], row["sha"]] = row["id"]
        return row

    def head(self, repository: Json, branch: str) -> str:
        """The commit of a branch; '' when there is no such branch."""
        found: str = repository.get("branches", {}).get(branch, "")
        return found

    def is_empty(self, repository: Json) -> bool:
        return not repository.get("branches")

    def get(self, repository: Json, name: str) -> Json:
        """Return a commit by its name or its branch's; raises GitHubError when there is none."""
        wanted = self.head(repository, name) or name
        found = self.find(repository, wanted)
        if found is None:
            raise not_found()
        return found

    def find(self, repository: Json, sha: str) -> Json | None:
        """Return a commit by its name, of which the first seven characters do."""
        found = self._state.get("commits", self._numbers.get((network(repository), sha), 0))
        if found and found["sha"] == sha:  # else the state was taken back since
            return found
        if not 6 < len(sha) <= 40:
            return None
        rows = self._state.rows("commits", repository=network(repository))
        starting = [row for row in rows if row["sha"].startswith(sha)]
        return starting[0] if len(starting) == 1 else None

    def blob(self, repository: Json, sha: str) -> bytes:
        """Return the content of a blob that a commit of this repository has."""
        content = self._state.blob(sha)
        if content is None or (network(repository), sha) not in self._blobs:
            raise not_found()
        return base64.b64decode(content)

    def size(self, sha: str) -> int:
        return len(base64.b64decode(self._state.blob(sha) or ""))

    def similarity(self, one: str, other: str) -> int:
        """Return how much of the larger blob the other one has too, in percent."""
        texts = [base64.b64decode(self._state.blob(sha) or "") for sha in (one, other)]
        lines, others = (Counter(text.split(b"\n")) for text in texts)
        same = sum(count * (len(line) + 1) for line, count in (lines & others).items())
        return min(100 * same // (max(map(len, texts)) + 1), 100)

    def entries(self, repository: Json, name: str) -> tuple[str, list[Json]]:
        """Return a tree's name and what is directly in it, by its own name, or that of a commit or
        a branch."""
        if name not in self._trees:
            name = self.get(repository, name)["tree"]
        return name, self._trees[name]

    def below(self, tree: str, folder: str = "") -> Iterator[Json]:
        """Walk a tree, folders before their content."""
        for entry in self._trees[tree]:
            yield {**entry, "path": folder + entry["path"]}
            if entry["mode"] == FOLDER:
                yield from self.below(entry["sha"], f"{folder}{entry['path']}/")

    def history(self, repository: Json, sha: str) -> list[Json]:
        """Return a commit and all before it, newest first."""
        found: dict[str, Json] = {}
        ahead = [sha] if sha else []
        while ahead:
            if (name := ahead.pop()) not in found:
                found[name] = self.get(repository, name)
                ahead += parents_of(found[name])
        return sorted(found.values(), key=lambda row: -int(row["id"]))

    def fork_point(self, repository: Json, one: str, other: str) -> Json | None:
        """Return the newest commit that both have; None for histories that share nothing."""
        shas = {row["sha"] for row in self.history(repository, one)}
        rows = self.history(repository, other)
        return next((row for row in rows if row["sha"] in shas), None)

    def _keep(self, content: str | bytes | Link | Submodule | Executable) -> list[str]:
        if isinstance(content, Submodule):
            return [SUBMODULE, content.commit]
        mode, text = FILE, content
        if isinstance(text, Link):
            mode, text = LINK, text.target
        elif isinstance(text, Executable):
            mode, text = EXECUTABLE, text.text
        data = text.encode() if isinstance(text, str) else text
        sha = _name("blob", data)
        self._state.keep_blob(sha, base64.b64encode(data).decode())
        return [mode, sha]

    def _index(self, repository: int, manifest: Manifest) -> str:
        """Keep the blobs and the trees of a repository; returns the root's name."""
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


def parents_of(commit: Json) -> list[str]:
    """Return the commits that a commit follows upon."""
    return [parent for parent in (commit["parent"], *commit.get("merged", ())) if parent]


def network(repository: Json) -> int:
    """Return the id of the repository of which this one is a fork, or its own."""
    return int(repository.get("network") or repository["id"])


def _name(kind: str, content: bytes) -> str:
    """Name an object as git does: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects"""
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content).hexdigest()
