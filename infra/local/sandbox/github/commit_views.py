"""Shows what is committed in the sandbox as GitHub's JSON: commits, files, comparisons, pushes."""

import base64
import difflib
from urllib.parse import quote

from infra.local.sandbox.github.accounts import node_id
from infra.local.sandbox.github.commits import (
    FOLDER,
    LINK,
    SUBMODULE,
    Commits,
    Manifest,
    changes,
)
from infra.local.sandbox.github.views import Views
from shared.events import Json

#: So many files at most are in one comparison.
#: https://docs.github.com/en/rest/commits/commits#compare-two-commits
COMPARED = 300
#: The content of a larger file is not sent along. In bytes.
#: https://docs.github.com/en/rest/repos/contents#get-repository-content
INLINE = 1024 * 1024

_KINDS = {FOLDER: "tree", SUBMODULE: "commit"}
_TYPES = {FOLDER: "dir", SUBMODULE: "submodule", LINK: "symlink"}


class CommitViews:
    """Shows the commits of one repository."""

    def __init__(self, views: Views, commits: Commits, repository: Json) -> None:
        self._views = views
        self._commits = commits
        self._repository = repository
        self._api = f"{views.api}/repos/{repository['name']}"
        self._web = f"{views.web}/{repository['name']}"

    def reference(self, branch: str, sha: str) -> Json:
        return {
            "ref": f"refs/heads/{branch}",
            "node_id": node_id("REF", self._repository),
            "url": f"{self._api}/git/refs/heads/{branch}",
            "object": {"type": "commit", "sha": sha, "url": f"{self._api}/git/commits/{sha}"},
        }

    def tree(self, name: str, entries: list[Json], limit: int) -> Json:
        return {
            "sha": name,
            "url": f"{self._api}/git/trees/{name}",
            "tree": [self._entry(entry) for entry in entries[:limit]],
            "truncated": len(entries) > limit,
        }

    def blob(self, sha: str, content: bytes) -> Json:
        return {
            "sha": sha,
            "node_id": node_id("B", {"id": sha}),
            "size": len(content),
            "url": f"{self._api}/git/blobs/{sha}",
            "content": base64.encodebytes(content).decode(),
            "encoding": "base64",
        }

    def commit(self, row: Json) -> Json:
        url, sha = f"{self._api}/commits/{row['sha']}", row["sha"]
        person = {
            "name": row["author"],
            "email": f"{row['author']}@example.com",
            "date": row["created_at"],
        }
        parents = [
            {
                "sha": parent,
                "url": f"{self._api}/commits/{parent}",
                "html_url": f"{self._web}/commit/{parent}",
            }
            for parent in (row["parent"],)
            if parent
        ]
        return {
            "sha": sha,
            "node_id": node_id("C", row),
            "url": url,
            "html_url": f"{self._web}/commit/{sha}",
            "comments_url": f"{url}/comments",
            "commit": {
                "url": f"{self._api}/git/commits/{sha}",
                "author": person,
                "committer": person,
                "message": row["message"],
                "comment_count": 0,
                "tree": {"sha": row["tree"], "url": f"{self._api}/git/trees/{row['tree']}"},
            },
            "author": self._views.account(row["author"]),
            "committer": self._views.account(row["author"]),
            "parents": parents,
        }

    def git(self, row: Json) -> Json:
        """Show a commit as git knows it."""
        shown = self.commit(row)
        same = {name: shown[name] for name in ("sha", "node_id", "html_url", "parents")}
        inner = shown["commit"]
        return {
            **same,
            **{name: inner[name] for name in ("url", "author", "committer", "message", "tree")},
            "verification": {
                "verified": False,
                "reason": "unsigned",
                **dict.fromkeys(("signature", "payload", "verified_at")),
            },
        }

    def changed(self, base: str, head: str) -> list[Json]:
        """Show the files that differ from where `head` left `base`, with their patches."""
        before = {row["sha"] for row in self._commits.history(self._repository, base)}
        afters = self._commits.history(self._repository, head)
        common: Json = next((row for row in afters if row["sha"] in before), {"files": {}})
        found = changes(self._commits, common["files"], afters[0]["files"])
        return [self._patched(row, common["files"], head) for row in found]

    def _patched(self, row: Json, before: Manifest, head: str) -> Json:
        name = str(row.get("previous_filename") or row["filename"])
        old = before.get(name, ["", ""])[1]
        new = "" if row["status"] == "removed" else row["sha"]
        lines = [self._lines(sha) for sha in (old, new)]
        shown = self._changed(row, head)
        if lines[0] is None or lines[1] is None:
            return shown
        diff = list(difflib.unified_diff(lines[0], lines[1], lineterm=""))[2:]
        signs = [line[0] for line in diff]
        counts = {"additions": signs.count("+"), "deletions": signs.count("-")}
        patch = {"patch": "\n".join(diff)} if diff else {}
        return {**shown, **counts, "changes": sum(counts.values()), **patch}

    def _lines(self, sha: str) -> list[str] | None:
        """The lines of a blob; None of what is no text, or too long for a patch."""
        content = self._commits.blob(self._repository, sha) if sha else b""
        try:
            return content.decode().splitlines() if len(content) <= INLINE else None
        except UnicodeDecodeError:
            return None

    def file(self, path: str, mode: str, sha: str, ref: str) -> Json:
        """Show what is at a path: a file, a link, a submodule, or a folder in a list."""
        at, kind = quote(path), _TYPES.get(mode, "file")
        url = f"{self._api}/contents/{at}?ref={ref}"
        git = f"{self._api}/git/{'trees' if kind == 'dir' else 'blobs'}/{sha}"
        page = f"{self._web}/{'tree' if kind == 'dir' else 'blob'}/{ref}/{at}"
        return {
            "type": kind,
            "name": path.rpartition("/")[2],
            "path": path,
            "sha": sha,
            "size": 0 if kind in {"dir", "submodule"} else self._commits.size(sha),
            "url": url,
            "git_url": git,
            "html_url": page,
            "download_url": None if kind == "dir" else f"{self._web}/raw/{ref}/{at}",
            "_links": {"self": url, "git": git, "html": page},
        }

    def content(self, path: str, mode: str, sha: str, ref: str) -> Json:
        """Show one thing with what it holds."""
        shown = self.file(path, mode, sha, ref)
        if mode == SUBMODULE:
            return {**shown, "submodule_git_url": f"{self._web}.git"}
        content = self._commits.blob(self._repository, sha)
        if mode == LINK:
            return {**shown, "target": content.decode()}
        if len(content) > INLINE:
            return {**shown, "content": "", "encoding": "none"}
        text = base64.encodebytes(content).decode()
        return {**shown, "content": text, "encoding": "base64"}

    def comparison(self, base: Json, head: Json, page: int, size: int) -> Json:
        befores = self._commits.history(self._repository, base["sha"])
        afters = self._commits.history(self._repository, head["sha"])
        shas = {row["sha"] for row in befores}
        common = next(row for row in afters if row["sha"] in shas)
        ahead = [row for row in afters if row["sha"] not in shas][::-1]
        later = {row["sha"] for row in afters}
        behind = [row for row in befores if row["sha"] not in later]
        status = "diverged" if ahead and behind else "ahead" if ahead else "behind"
        url = f"{self._web}/compare/{base['sha']}...{head['sha']}"
        shown = {
            "url": f"{self._api}/compare/{base['sha']}...{head['sha']}",
            "html_url": url,
            "permalink_url": url,
            "diff_url": f"{url}.diff",
            "patch_url": f"{url}.patch",
            "base_commit": self.commit(base),
            "merge_base_commit": self.commit(common),
            "status": status if ahead or behind else "identical",
            "ahead_by": len(ahead),
            "behind_by": len(behind),
            "total_commits": len(ahead),
            "commits": [self.commit(row) for row in ahead[(page - 1) * size : page * size]],
        }
        if page == 1:  # files are not paged
            changed = changes(self._commits, common["files"], head["files"])[:COMPARED]
            shown["files"] = [self._changed(row, head["sha"]) for row in changed]
        return shown

    def push(self, ref: str, before: str, after: str, pushed: list[Json], *, forced: bool) -> Json:
        """What the webhook of a push says; `pushed` are its commits, oldest first."""
        nothing = "0" * 40
        commits = [self._pushed(row) for row in pushed]
        return {
            "ref": ref,
            "before": before or nothing,
            "after": after or nothing,
            "created": not before,
            "deleted": not after,
            "forced": forced,
            "base_ref": None,
            "compare": f"{self._web}/compare/{before[:12]}...{after[:12]}",
            "commits": commits,
            "head_commit": commits[-1] if commits else None,
        }

    def _pushed(self, row: Json) -> Json:
        parent = (
            self._commits.get(self._repository, row["parent"])["files"] if row["parent"] else {}
        )
        found = changes(self._commits, parent, row["files"])
        person = {"name": row["author"], "email": f"{row['author']}@example.com"}
        gone = [one["previous_filename"] for one in found if one["status"] == "renamed"]

        def named(*statuses: str) -> list[str]:
            return [one["filename"] for one in found if one["status"] in statuses]

        return {
            "id": row["sha"],
            "tree_id": row["tree"],
            "distinct": True,
            "message": row["message"],
            "timestamp": row["created_at"],
            "url": f"{self._web}/commit/{row['sha']}",
            "author": {**person, "username": row["author"]},
            "committer": {**person, "username": row["author"]},
            "added": named("added", "renamed"),
            "removed": named("removed") + gone,
            "modified": named("modified"),
        }

    def _entry(self, entry: Json) -> Json:
        kind = _KINDS.get(entry["mode"], "blob")
        shown = {**entry, "type": kind}
        if kind != "commit":
            shown["url"] = f"{self._api}/git/{kind}s/{entry['sha']}"
        if kind == "blob":
            shown["size"] = self._commits.size(entry["sha"])
        return shown

    def _changed(self, row: Json, ref: str) -> Json:
        at = quote(row["filename"])
        return {
            **row,
            **dict.fromkeys(("additions", "deletions", "changes"), 0),
            "blob_url": f"{self._web}/blob/{ref}/{at}",
            "raw_url": f"{self._web}/raw/{ref}/{at}",
            "contents_url": f"{self._api}/contents/{at}?ref={ref}",
        }
