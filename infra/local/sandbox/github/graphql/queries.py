"""The fields of the GraphQL API: what one can ask for, and the way to what it leads to."""

from typing import Any

from graphql import GraphQLResolveInfo

from infra.local.sandbox.github.accounts import node_id
from infra.local.sandbox.github.git.commits import FOLDER, SUBMODULE
from infra.local.sandbox.github.graphql.connections import connection
from infra.local.sandbox.github.graphql.refusals import QueryRefused, asking, no_node
from infra.local.sandbox.github.graphql.remarks import Remarks
from infra.local.sandbox.github.pulls.views import pull_request
from infra.local.sandbox.github.reviews.reviews import PENDING
from infra.local.sandbox.github.state import Table
from shared.events import Json

#: By the start of a node's id: its type, and the table of its rows.
_KINDS: dict[str, tuple[str, Table]] = {
    "PR": ("PullRequest", "issues"),
    "PRR": ("PullRequestReview", "reviews"),
    "PRRT": ("PullRequestReviewThread", "threads"),
    "PRRC": ("PullRequestReviewComment", "review_comments"),
    "IC": ("IssueComment", "comments"),
}
#: Bytes of a file whose text GraphQL gives.
_BLOB = 512_000


class Queries(Remarks):
    """Answers for the caller of one request. A field is a value, or a function of its arguments."""

    def root(self) -> Json:
        left = {"cost": 1, "limit": 5000, "used": 1, "remaining": 4999}
        return {
            "viewer": lambda _: self.actor(self.call.who.login),
            "rateLimit": lambda _, **__: {**left, "resetAt": "2030-01-01T00:00:00Z"},
            "node": lambda _, id: self.shown(id),
            "repository": self._named,
        }

    def row(self, identifier: str, *kinds: str) -> Json:
        """Return the row of a node that the caller may see, of one of these kinds if any are
        given; raises QueryRefused."""
        start = identifier.partition("_")[0]
        kind, table = _KINDS.get(start, ("", "issues"))
        found = next((r for r in self.state.rows(table) if node_id(start, r) == identifier), None)
        if found is None or not kind or not self._is_seen(table, found):
            raise no_node(identifier)
        if kinds and kind not in kinds:
            message = f"Could not resolve to {kinds[0]} node with the global id of '{identifier}'."
            raise QueryRefused("NOT_FOUND", message)
        return found

    def shown(self, identifier: str) -> Json:
        """Show the node with this id."""
        row = self.row(identifier)
        show = {
            "PR": self.pull,
            "PRR": self.review,
            "PRRT": self.thread,
            "PRRC": self.remark,
            "IC": self.comment,
        }
        return show[identifier.partition("_")[0]](row)

    def _named(self, _info: GraphQLResolveInfo[Any], owner: str, name: str, **asked: Any) -> Json:
        full = f"{owner}/{name}"
        if asked["followRenames"] and not self.state.repository(full):
            now = self.state.formerly(full) or {"name": full}
            owner, _, name = now["name"].partition("/")
        try:
            return self._repository(asking(lambda: self.call.repository(owner, name)))
        except QueryRefused as err:
            message = f"Could not resolve to a Repository with the name '{full}'."
            raise QueryRefused("NOT_FOUND", message) from err

    def _repository(self, row: Json) -> Json:
        shown = self.site.views.repository(row)
        return {
            "id": shown["node_id"],
            "databaseId": row["id"],
            "name": shown["name"],
            "nameWithOwner": row["name"],
            "isPrivate": row["private"],
            "visibility": shown["visibility"].upper(),
            "url": shown["html_url"],
            "object": lambda _, expression=None, **__: self._object(row, expression or ""),
            "pullRequest": lambda _, number: self._numbered(row, number),
            "issueOrPullRequest": lambda _, number: self._either(row, number),
        }

    def _object(self, repository: Json, expression: str) -> Json | None:
        """Show what `HEAD:path`, `branch:path` or `commit:path` names; None where nothing is."""
        owner, _, name = repository["name"].partition("/")
        asking(lambda: self.call._replace(needs="contents").repository(owner, name))
        branch, _, path = expression.partition(":")
        branch = repository["default_branch"] if branch == "HEAD" else branch
        commits, kinds = self.site.commits, {FOLDER: "Tree", SUBMODULE: "Commit"}
        commit = commits.find(repository, branch)
        if not (sha := commit["sha"] if commit else commits.head(repository, branch)):
            return None
        entries = commits.below(commits.get(repository, sha)["tree"])
        found = next((one for one in entries if one["path"] == path), None)
        if found is None:
            return None
        shown = {"id": node_id("B", {"id": found["sha"]}), "oid": found["sha"]}
        if kind := kinds.get(found["mode"]):
            return {**shown, "__typename": kind}
        return {**shown, **self._blob(commits.blob(repository, found["sha"]))}

    def _blob(self, content: bytes) -> Json:
        """GitHub gives the text of a file up to 512,000 bytes as far as it is UTF-8."""
        is_binary = b"\0" in content
        return {
            "__typename": "Blob",
            "byteSize": len(content),
            "isBinary": is_binary,
            "isTruncated": len(content) > _BLOB,
            "text": None if is_binary else content[:_BLOB].decode("utf-8", "replace"),
        }

    def _numbered(self, repository: Json, number: int) -> Json:
        owner, _, name = repository["name"].partition("/")
        asking(lambda: self.call._replace(needs="pull_requests").repository(owner, name))
        row = self.state.issue(repository, number)
        if row is None or not row["pull"]:
            message = f"Could not resolve to a PullRequest with the number of {number}."
            raise QueryRefused("NOT_FOUND", message)
        return self.pull(row)

    def _either(self, repository: Json, number: int) -> Json:
        """Show an issue or a pull request; one that moved away is not there any more."""
        row = self.state.issue(repository, number)
        if row is None:
            message = f"Could not resolve to an issue or pull request with the number of {number}."
            raise QueryRefused("NOT_FOUND", message)
        if row["pull"]:
            return self._numbered(repository, number)
        owner, _, name = repository["name"].partition("/")
        asking(lambda: self.call._replace(needs="issues").repository(owner, name))
        return self._issue(row)

    def _issue(self, row: Json) -> Json:
        shown = self.site.views.issue(row)
        return {
            "__typename": "Issue",
            "id": shown["node_id"],
            "databaseId": row["id"],
            **{name: shown[name] for name in ("number", "title", "locked")},
            "body": row["body"] or "",
            "state": row["state"].upper(),
            "author": self.actor(row["author"]),
            "url": shown["html_url"],
            "repository": self._repository(self.home(row)),
            "createdAt": shown["created_at"],
            "updatedAt": shown["updated_at"],
            "comments": self._rows("comments", self.comment, issue=row["id"]),
        }

    def pull(self, row: Json) -> Json:
        home = self.home(row)
        shown, source = pull_request(self.site.views, home, row), row["pull"].get("source")
        there = self.site.views.source(home, row["pull"])
        return {
            "__typename": "PullRequest",
            "id": shown["node_id"],
            "databaseId": row["id"],
            **{name: shown[name] for name in ("number", "title", "locked", "merged")},
            **{name: shown[name] for name in ("additions", "deletions")},
            "body": row["body"] or "",
            "state": "MERGED" if shown["merged"] else row["state"].upper(),
            "isDraft": row["pull"]["draft"],
            "isCrossRepository": source not in {None, home["id"]},
            "author": self.actor(row["author"]),
            "url": shown["html_url"],
            "baseRefName": shown["base"]["ref"],
            "baseRefOid": shown["base"]["sha"],
            "headRefName": shown["head"]["ref"],
            "headRefOid": shown["head"]["sha"],
            "headRepository": self._repository(there) if there else None,
            "repository": self._repository(home),
            "changedFiles": shown["changed_files"],
            "createdAt": shown["created_at"],
            "updatedAt": shown["updated_at"],
            "comments": self._rows("comments", self.comment, issue=row["id"]),
            "reviews": connection(lambda: self._reviews(row), self.review),
            "reviewThreads": connection(lambda: self._threads(row), self.thread),
        }

    def review(self, row: Json) -> Json:
        shown = self.site.reviews.threads.shown.review(row)
        return {
            "__typename": "PullRequestReview",
            "id": shown["node_id"],
            "databaseId": row["id"],
            "fullDatabaseId": str(row["id"]),
            "author": self.actor(row["author"]),
            "body": row["body"],
            "state": row["state"],
            "commit": self.commit(row, row["commit"]),
            "submittedAt": row["submitted_at"],
            "url": shown["html_url"],
            "pullRequest": lambda _: self.pull(self.issue(row)),
            "comments": self._rows("review_comments", self.remark, review=row["id"]),
        }

    def thread(self, row: Json) -> Json:
        rows = self.remarks_of(row)
        first = self.site.reviews.threads.shown.comment(rows[0])
        by, may = row["resolved_by"], self.may_resolve(row)
        return {
            "__typename": "PullRequestReviewThread",
            "id": node_id("PRRT", row),
            "isCollapsed": bool(by),
            "isResolved": bool(by),
            "isOutdated": first["position"] is None,
            "resolvedBy": self.actor(by) if by else None,
            **self.lines(first),
            "diffSide": first["side"],
            "startDiffSide": first["start_side"],
            "viewerCanReply": True,
            "viewerCanResolve": may and not by,
            "viewerCanUnresolve": may and bool(by),
            "pullRequest": lambda _: self.pull(self.issue(row)),
            "repository": lambda _: self._repository(self.home(self.issue(row))),
            "comments": connection(lambda: rows, self.remark),
        }

    def remarks_of(self, thread: Json) -> list[Json]:
        """Return the comments of a thread that the caller may see."""
        rows = self.state.rows("review_comments", thread=thread["id"])
        return [row for row in rows if not row["pending"] or self._is_own(row)]

    def _threads(self, issue: Json) -> list[Json]:
        """Return the threads in which something is to be seen."""
        rows = self.state.rows("threads", pull=issue["id"])
        return [row for row in rows if self.remarks_of(row)]

    def _reviews(self, issue: Json) -> list[Json]:
        rows = self.state.rows("reviews", pull=issue["id"])
        return [row for row in rows if row["state"] != PENDING or self._is_own(row)]

    def _is_own(self, row: Json) -> bool:
        return bool(row["author"] == self.call.who.login)

    def _is_seen(self, table: Table, row: Json) -> bool:
        """Tell if the caller may read a row, by the repository that it is in."""
        if row.get("pending") or row.get("state") == PENDING:
            return self._is_own(row)
        if table == "threads" and not self.remarks_of(row):
            return False
        try:
            issue = row if table == "issues" else self.issue(row)
            owner, _, name = self.home(issue)["name"].partition("/")
            return bool(asking(lambda: self.call.repository(owner, name)))
        except QueryRefused:
            return False
