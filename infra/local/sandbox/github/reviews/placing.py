"""Finds where the comments of a pull request stand, at its head and at earlier commits."""

from collections.abc import Sequence
from typing import NamedTuple

from infra.local.sandbox.github.errors import GitHubError
from infra.local.sandbox.github.git.commits import SUBMODULE, CommitStore
from infra.local.sandbox.github.git.hunks import Hunk, opcodes
from infra.local.sandbox.github.pulls.requests import Pulls
from infra.local.sandbox.github.reviews.anchors import (
    LEFT,
    Anchor,
    Place,
    Unresolved,
    asked,
    at_position,
    down_to,
    moved,
    resolve,
)
from infra.local.sandbox.github.state import SandboxState
from shared.events import Json


class Placed(NamedTuple):
    """An anchor in a diff. Without a `place` it is the file; `hunk` is the patch above it."""

    anchor: Anchor
    place: Place | None
    hunk: str


class Placing:
    def __init__(self, state: SandboxState, commits: CommitStore, pulls: Pulls) -> None:
        self._state = state
        self._commits = commits
        self._pulls = pulls

    def commit_of(self, row: Json, sha: object) -> str | None:
        """Return a commit of a pull request, which is its head unless named; None for another."""
        if sha is None:
            return str(row["pull"]["sha"])
        known = [one["sha"] for one in self._pulls.commits(self.home(row), row)]
        return str(sha) if sha in [*known, row["pull"]["sha"]] else None

    def place(self, row: Json, fields: Json, commit: str) -> Placed:
        """Find what a comment should stand on; raises Unresolved."""
        path = fields.get("path")
        found = self._hunks(row, path, commit)
        return _placed(asked(at_position(fields, found)), found)

    def current(self, thread: Json) -> Placed | None:
        """Return where a thread stands at the head; None when it is outdated."""
        row = self._state.get("issues", thread["pull"])
        if row is None or (anchor := self._followed(row, thread)) is None:
            return None
        try:
            return _placed(anchor, self._hunks(row, anchor.path, row["pull"]["sha"]))
        except Unresolved:
            return None

    def _hunks(self, row: Json, path: object, commit: str) -> Sequence[Hunk]:
        """Return what a pull request changes in a file; raises Unresolved for any other file."""
        compared = self._pulls.compared(self.home(row), row, commit)
        change = compared.find(path) if compared and isinstance(path, str) else None
        if compared is None or change is None:
            raise Unresolved("path")
        return compared.hunks(change) or ()

    def home(self, row: Json) -> Json:
        """Return the repository of a pull request."""
        found = self._state.get("repositories", row["repository"])
        assert found is not None
        return found

    def base(self, row: Json, commit: str) -> str:
        """Return the commit at which a pull request left its base."""
        home = self.home(row)
        base = self._pulls.base(home, row)
        found = self._commits.fork_point(home, base, commit) if base else None
        return str(found["sha"]) if found else ""

    def _followed(self, row: Json, thread: Json) -> Anchor | None:
        """Return the anchor with the numbers that its lines have now."""
        head = row["pull"]["sha"]
        start = thread["start"]
        anchor = Anchor(thread["path"], thread["side"], thread["line"], thread["start_side"], start)
        if thread["commit"] == head and thread["base"] == self.base(row, head):
            return anchor
        if not start or anchor.start_side == anchor.side:
            return self._moved(row, thread, anchor)
        # The lines of a range on both sides move each on its own.
        last = self._moved(row, thread, anchor._replace(start=0))
        one = Anchor(anchor.path, anchor.start_side, anchor.start)
        first = self._moved(row, thread, one)
        return last._replace(start=first.line) if last and first else None

    def _moved(self, row: Json, thread: Json, anchor: Anchor) -> Anchor | None:
        head = row["pull"]["sha"]
        before, after = thread["commit"], head
        if anchor.side == LEFT:
            before, after = thread["base"], self.base(row, head)
        old, new = (self._content(row, sha, anchor.path) for sha in (before, after))
        return None if old is None or new is None else moved(anchor, opcodes(old, new))

    def _content(self, row: Json, sha: str, path: str) -> bytes | None:
        """Return a file at a commit; None when there is none."""
        home = self.home(row)
        try:
            mode, blob = self._commits.get(home, sha)["files"][path]
            return blob.encode() if mode == SUBMODULE else self._commits.blob(home, blob)
        except (GitHubError, KeyError):
            return None


def _placed(anchor: Anchor, found: Sequence[Hunk]) -> Placed:
    if not anchor.line:
        return Placed(anchor, None, "")
    place = resolve(anchor, found)
    return Placed(anchor, place, down_to(place, found))
