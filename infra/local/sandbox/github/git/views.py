"""Shows commits, files, comparisons and pushes as GitHub's JSON."""

import base64
from collections.abc import Callable
from urllib.parse import quote

from infra.local.sandbox.github.accounts import node_id
from infra.local.sandbox.github.errors import not_found
from infra.local.sandbox.github.git.commits import (
    FOLDER,
    LINK,
    SUBMODULE,
    CommitStore,
    Manifest,
    parents_of,
)
from infra.local.sandbox.github.git.comparing import LINES, Change, Comparison, patch_of
from infra.local.sandbox.github.git.hunks import counted
from infra.local.sandbox.github.views import Views
from shared.events import Json

#: So many files at most are in one comparison.
#: https://docs.github.com/en/rest/commits/commits#compare-two-commits
COMPARED = 300
#: The content of a larger file is not sent along. In bytes.
#: https://docs.github.com/en/rest/repos/contents#get-repository-content
INLINE = 1024 * 1024

_UNSIGNED = {
    "verified": False,
    "reason": "unsigned",
    **dict.fromkeys(("signature", "payload", "verified_at")),
}
_KINDS = {FOLDER: "tree", SUBMODULE: "commit"}
_TYPES = {FOLDER: "dir", SUBMODULE: "submodule", LINK: "symlink"}


class CommitViews:
    """Shows the commits of one repository."""

    def __init__(self, views: Views, commits: CommitStore, repository: Json) -> None:
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

    def branch(self, name: str, sha: str) -> Json:
        commit = {"sha": sha, "url": f"{self._api}/commits/{sha}"}
        return {"name": name, "commit": commit, "protected": False}

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
            for parent in parents_of(row)
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
                "verification": _UNSIGNED,
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
            "verification": _UNSIGNED,
        }

    def between(self, base: str, head: str) -> Comparison:
        """Compare where `head` left `base` with `head`."""
        common = self._commits.fork_point(self._repository, base, head) if base else None
        afters = self._commits.get(self._repository, head)["files"]
        return self.comparison_of(common["files"] if common else {}, afters)

    def comparison_of(self, before: Manifest, after: Manifest) -> Comparison:
        return Comparison(self._commits, self._repository, before, after)

    def patches(self, compared: Comparison, ref: str) -> Callable[[Change], Json]:
        """Return what shows files with their patches. Past so many lines in one answer the others
        have neither patches nor counts: https://github.com/orgs/community/discussions/213491"""
        room = LINES

        def show(change: Change) -> Json:
            nonlocal room
            found = compared.hunks(change) if room > 0 else None
            text = patch_of(found)
            if text:
                room -= text.count("\n") + 1
            return self._changed(change, ref, *(counted(found or ())), text)

        return show

    def _changed(self, change: Change, ref: str, additions: int, deletions: int, text: str) -> Json:
        at = quote(change.path)
        shown = {
            "filename": change.path,
            "status": change.status,
            "sha": (change.new or change.old or ("", ""))[1],
            "additions": additions,
            "deletions": deletions,
            "changes": additions + deletions,
            "blob_url": f"{self._web}/blob/{ref}/{at}",
            "raw_url": f"{self._web}/raw/{ref}/{at}",
            "contents_url": f"{self._api}/contents/{at}?ref={ref}",
        }
        if change.status == "renamed":
            shown["previous_filename"] = change.before
        return shown | ({"patch": text} if text else {})

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

    def with_files(self, row: Json) -> Json:
        """Show a commit with what it changed."""
        before = (
            self._commits.get(self._repository, row["parent"])["files"] if row["parent"] else {}
        )
        compared = self.comparison_of(before, row["files"])
        files = [*map(self.patches(compared, row["sha"]), compared.changes)]
        sums = {name: sum(one[name] for one in files) for name in ("additions", "deletions")}
        stats = {**sums, "total": sum(sums.values())}
        return {**self.commit(row), "stats": stats, "files": files[:COMPARED]}

    def comparison(self, base: Json, head: Json, page: int, size: int) -> Json:
        common = self._commits.fork_point(self._repository, base["sha"], head["sha"])
        if common is None:
            raise not_found()
        befores = self._commits.history(self._repository, base["sha"])
        afters = self._commits.history(self._repository, head["sha"])
        known, later = ({row["sha"] for row in rows} for rows in (befores, afters))
        ahead = [row for row in afters if row["sha"] not in known][::-1]
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
            compared = self.comparison_of(common["files"], head["files"])
            show = self.patches(compared, head["sha"])
            shown["files"] = [show(change) for change in compared.changes[:COMPARED]]
        return shown

    def push(self, ref: str, before: str, after: str, pushed: list[Json], *, forced: bool) -> Json:
        """Show a push as its webhook does; `pushed` are its commits, oldest first."""
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
        found = self.comparison_of(parent, row["files"]).changes
        person = {"name": row["author"], "email": f"{row['author']}@example.com"}
        gone = [one.before for one in found if one.status == "renamed"]

        def named(*statuses: str) -> list[str]:
            return [one.path for one in found if one.status in statuses]

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
            "modified": named("modified", "changed"),
        }

    def _entry(self, entry: Json) -> Json:
        kind = _KINDS.get(entry["mode"], "blob")
        shown = {**entry, "type": kind}
        if kind != "commit":
            shown["url"] = f"{self._api}/git/{kind}s/{entry['sha']}"
        if kind == "blob":
            shown["size"] = self._commits.size(entry["sha"])
        return shown
