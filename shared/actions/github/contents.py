"""Reads what is in a repository: its files, what changed in them, its issues."""

from typing import Any
from urllib.parse import quote

from shared.actions import Query
from shared.actions.github.queries import (
    CompareCommits,
    ListFiles,
    ListIssues,
    ReadFile,
    RepositoryHead,
)
from shared.actions.github.session import GitHubSession
from shared.errors import ActionRejected
from shared.events import Json

#: So many files at most are in one comparison; whoever has as many may have more.
#: https://docs.github.com/en/rest/commits/commits#compare-two-commits
COMPARED = 300
_PAGE = 100


class Contents:
    """Threads may share it."""

    def __init__(self, session: GitHubSession) -> None:
        self._session = session

    def read(self, query: Query) -> Any:
        """Answer with plain JSON."""
        if isinstance(query, RepositoryHead):
            return self._head(query.repository)
        if isinstance(query, ListFiles):
            return self._files(query.repository, query.commit, "")
        if isinstance(query, CompareCommits):
            return self._compare(query)
        if isinstance(query, ReadFile):
            return self._file(query)
        if isinstance(query, ListIssues):
            return self._issues(query)
        raise ActionRejected(f"github: {type(query).__name__} is no query to GitHub")

    def _head(self, repository: str) -> Json:
        about = self._session.request(f"look at {repository}", repository, "GET", "").data
        branch = quote(about["default_branch"])
        doing = f"find the head of {repository}"
        ref = self._session.look(doing, repository, f"/git/ref/heads/{branch}")
        return {**about, "head": ref["object"]["sha"] if ref else ""}

    def _files(self, repository: str, tree: str, folder: str) -> list[Json]:
        """List a tree in one answer; one that is too large for that folder by folder.

        https://docs.github.com/en/rest/git/trees#get-a-tree
        """
        doing, path = f"list the files of {repository}", f"/git/trees/{tree}"
        whole = self._session.look(doing, repository, path, recursive=1)
        if whole is None:
            return []
        if not whole["truncated"]:
            return [_file(folder, entry) for entry in whole["tree"] if entry["type"] != "tree"]
        files = []
        for entry in self._session.request(doing, repository, "GET", path).data["tree"]:
            if entry["type"] == "tree":
                inside = f"{folder}{entry['path']}/"
                files += self._files(repository, entry["sha"], inside)
            else:
                files.append(_file(folder, entry))
        return files

    def _compare(self, query: CompareCommits) -> list[Json] | None:
        # Commits are paged, files are not: all that there are come with the first page.
        path = f"/compare/{quote(query.base)}...{quote(query.head)}"
        doing = f"compare two commits of {query.repository}"
        found = self._session.look(doing, query.repository, path, per_page=1)
        if found is None or found["status"] not in {"ahead", "identical"}:
            return None  # the history was rewritten
        files: list[Json] = found.get("files") or []
        if len(files) >= COMPARED:
            return None
        names = ("filename", "sha", "status", "previous_filename")
        return [{name: file.get(name) for name in names} for file in files]

    def _file(self, query: ReadFile) -> Json | None:
        doing = f"read a file of {query.repository}"
        path = f"/contents/{quote(query.path)}"
        found = self._session.look(doing, query.repository, path, ref=query.commit)
        if not isinstance(found, dict):
            return None  # a folder took its place
        if found["type"] != "file" or found["sha"] != query.sha:
            # GitHub follows a link to a file: the blob is then another one.
            return {"content": "", "skipped": "a symbolic link or a submodule"}
        if found["size"] > query.most:
            return {"content": "", "skipped": f"too large: {found['size']:,} bytes"}
        if found["encoding"] != "base64":  # over 1 MB
            found = self._session.look(doing, query.repository, f"/git/blobs/{query.sha}")
        return {"content": found["content"], "skipped": ""} if found else None

    def _issues(self, query: ListIssues) -> Json:
        doing = f"list the issues of {query.repository}"
        order = {"state": "all", "sort": "created", "direction": "asc"}
        answer = self._session.request(
            doing, query.repository, "GET", "/issues", per_page=_PAGE, page=query.page, **order
        )
        return {"issues": answer.data, "pages": max(answer.pages, query.page)}


def _file(folder: str, entry: Json) -> Json:
    same = {name: entry.get(name) for name in ("sha", "size", "mode")}
    return {"path": folder + entry["path"], **same}
