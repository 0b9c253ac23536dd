"""A GitHub repository as a source of documents: its default branch, its issues and
their comments."""

import base64
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from shared.actions import Query
from shared.actions.github.queries import (
    CompareCommits,
    ListComments,
    ListFiles,
    ListIssues,
    ReadFile,
    RepositoryHead,
)
from shared.errors import ActionRejected
from shared.events import Json
from shared.marks import is_marked
from shared.memory.documents.files import MAX_BYTES
from shared.memory.documents.markup import clean_markdown
from shared.memory.documents.sources import Document, DocumentOrigin, File, Piece, SourceFiles
from shared.memory.stored_text import short_hash
from shared.paging import pages
from shared.perception.commands import slashed
from shared.perception.github import audience_of
from shared.redaction.redacting import redacted

Read = Callable[[Query], Any]

#: At most so many pages of issues or comments are read, of a hundred each.
_PAGES = 10_000
#: Git's modes of ordinary and of executable files, as opposed to links and submodules.
_FILES = frozenset({"100644", "100755"})
_INSIDERS = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})


class GitHubDocuments:
    """The documents of the repository `owner/name`. `read` asks GitHub."""

    def __init__(self, name: str, read: Read) -> None:
        self._name = name
        self._read = read

    @cached_property
    def _about(self) -> Json:
        about: Json = self._read(RepositoryHead(self._name))
        return about

    @property
    def origin(self) -> DocumentOrigin:
        about = self._about
        return DocumentOrigin(
            source=f"github:{self._name}",
            name=self._name,
            url=f"{about['html_url']}/blob/{about['default_branch']}",
            audience=audience_of(about),
            head=about["head"],
            number=about.get("id", 0),
        )

    def find(self, base: str) -> SourceFiles:
        """Compare with the commit `base` if GitHub can, else list all files."""
        head = self._about["head"]
        if not head:
            return SourceFiles({}, complete=True)
        changed = self._read(CompareCommits(self._name, base, head)) if base else None
        return self._all(head) if changed is None else _changed(changed)

    def _all(self, head: str) -> SourceFiles:
        files, refused = {}, {}
        for entry in self._read(ListFiles(self._name, head)):
            if entry["mode"] in _FILES:
                files[entry["path"]] = File(entry["sha"], entry["size"])
            else:
                refused[entry["path"]] = "a symbolic link or a submodule"
        return SourceFiles(files, complete=True, refused=refused)

    def fetch(self, path: str, file: File) -> bytes | str | None:
        head = self._about["head"]
        found = self._read(ReadFile(self._name, path, file.hash, head, MAX_BYTES))
        if found is None or found["skipped"]:
            return found and str(found["skipped"])
        return base64.b64decode(found["content"])

    def issues(self) -> Iterator[tuple[list[Document], int]]:
        """Yield the issues and pull requests a page at a time, with the number of pages, or 0 where
        GitHub does not tell."""
        for found in self._pages("issues", lambda after: ListIssues(self._name, after)):
            yield [self._issue(issue) for issue in found["issues"]], found["pages"]

    def comments(self) -> Iterator[tuple[list[Document], int]]:
        """Yield the comments on issues and pull requests in the same way."""
        for found in self._pages("comments", lambda after: ListComments(self._name, after)):
            yield [self._comment(comment) for comment in found["comments"]], found["pages"]

    def _pages(self, what: str, query: Callable[[str], Query]) -> Iterator[Json]:
        def fetch(after: str) -> Json:
            found: Json = self._read(query(after))
            return found

        def following(found: Json) -> str | None:
            return found["next"] or None if found[what] else None

        def endless(why: str) -> ActionRejected:
            return ActionRejected(f"github: could not list the {what} of {self._name}: {why}")

        return pages(fetch, following, "", most=_PAGES, endless=endless)

    def _issue(self, issue: Json) -> Document:
        """Make a document as triage remembers an issue: of its title and its body."""
        text = "\n\n".join(filter(None, (issue["title"], clean_markdown(issue["body"] or ""))))
        return self._said(issue, str(issue["number"]), f"#{issue['number']}", text)

    def _comment(self, comment: Json) -> Document:
        """Make a document as the flow `ingest` remembers a comment; it is its author's alone."""
        number, body = comment["issue_url"].rpartition("/")[2], comment["body"] or ""
        text = "" if slashed(body) else clean_markdown(body)
        path = f"{number}:{comment['id']}"
        return self._said(comment, path, f"#{path}", text)

    def _said(self, row: Json, path: str, name: str, text: str) -> Document:
        """Make a document of what somebody wrote."""
        author, text = row["user"] or {}, redacted(text)
        # With GITHUB_TOKEN the agent's own words bear a person's name.
        is_own = is_marked(row["body"] or "")
        reason = "by a bot" if author.get("type") == "Bot" or is_own else ""
        reason = reason or ("" if text.strip() else "it says nothing")
        piece = Piece(f"{self._name}{name}", row["html_url"], text)
        return Document(
            path=path,
            hash=short_hash(text),
            pieces=() if reason else (piece,),
            author=author.get("login", ""),
            trust="inside" if row["author_association"] in _INSIDERS else "outside",
            reason=reason,
        )


def _changed(files: list[Json]) -> SourceFiles:
    gone = {file["filename"] for file in files if file["status"] == "removed"}
    gone |= {file["previous_filename"] for file in files if file["status"] == "renamed"}
    return SourceFiles(
        {f["filename"]: File(f["sha"]) for f in files if f["status"] != "removed"},
        complete=False,
        gone=frozenset(gone),
        moved={f["filename"]: f["previous_filename"] for f in files if f["status"] == "renamed"},
    )
