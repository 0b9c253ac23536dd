"""Comments of the GraphQL API: on lines and below, with who wrote them and who reacted."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from infra.local.sandbox.github.accounts import node_id
from infra.local.sandbox.github.call import Call
from infra.local.sandbox.github.graphql.connections import Connection, connection
from infra.local.sandbox.github.state import Table
from infra.local.sandbox.github.views import REACTIONS
from shared.events import Json

_CONTENTS = {"+1": "THUMBS_UP", "-1": "THUMBS_DOWN"}


class Remarks(ABC):
    def __init__(self, call: Call) -> None:
        self.call = call
        self.site = call.site
        self.state = call.site.state

    def actor(self, login: str) -> Json:
        """Show who did something. A bot has no `[bot]` in its name here, other than in REST."""
        shown = self.site.views.account(login)
        return {
            "__typename": "Bot" if shown["type"] == "Bot" else "User",
            "id": shown["node_id"],
            "databaseId": shown["id"],
            "login": login.removesuffix("[bot]"),
            "url": shown["html_url"],
        }

    def commit(self, row: Json, sha: str) -> Json:
        """Show a commit of the pull request that a row belongs to."""
        name = self.home(self.issue(row))["name"]
        url = f"{self.site.views.web}/{name}/commit/{sha}"
        return {"id": node_id("C", {"id": sha}), "oid": sha, "url": url}

    def comment(self, row: Json) -> Json:
        """Show a comment below an issue or a pull request."""
        shown = self.site.views.comment(row)
        return {"__typename": "IssueComment", **self._written(row, shown)}

    def remark(self, row: Json) -> Json:
        """Show a comment on a line."""
        shown = self.site.reviews.threads.shown.comment(row)
        reply, review = row["reply_to"], row["review"]
        return {
            "__typename": "PullRequestReviewComment",
            **self._written(row, shown),
            **self.lines(shown),
            "position": shown["position"],
            "originalPosition": shown["original_position"],
            "outdated": shown["position"] is None,
            "diffHunk": shown["diff_hunk"],
            "commit": self.commit(row, shown["commit_id"]),
            "originalCommit": self.commit(row, shown["original_commit_id"]),
            "state": "PENDING" if row["pending"] else "SUBMITTED",
            "replyTo": lambda _: self._linked("review_comments", reply, self.remark),
            "pullRequest": lambda _: self.pull(self.issue(row)),
            "pullRequestReview": lambda _: self._linked("reviews", review, self.review),
        }

    def lines(self, shown: Json) -> Json:
        """Show where something stands; on a file, there are no lines."""
        on_file = shown["subject_type"] == "file"
        names = {"line": "line", "originalLine": "original_line", "startLine": "start_line"}
        names["originalStartLine"] = "original_start_line"
        return {
            "path": shown["path"],
            "subjectType": shown["subject_type"].upper(),
            **{ours: None if on_file else shown[theirs] for ours, theirs in names.items()},
        }

    def _written(self, row: Json, shown: Json) -> Json:
        """Show what all comments have."""
        reactions = self.state.rows("reactions", of=row["id"])
        return {
            "id": shown["node_id"],
            "databaseId": row["id"],
            "fullDatabaseId": str(row["id"]),
            "author": self.actor(row["author"]),
            "body": row["body"],
            "isMinimized": bool(row.get("minimized")),
            "minimizedReason": row.get("minimized") or None,
            "createdAt": row["created_at"],
            "updatedAt": row["updated_at"],
            "url": shown["html_url"],
            "viewerDidAuthor": row["author"] == self.call.who.login,
            "reactionGroups": [self._group(name, reactions) for name in REACTIONS],
            "reactions": self._reactions(reactions),
        }

    def _reactions(self, rows: list[Json]) -> Connection:
        def answer(info: object, content: str | None = None, **asked: object) -> Json:
            wanted = [row for row in rows if content in {None, _content(row["content"])}]
            own = any(row["author"] == self.call.who.login for row in rows)
            return connection(lambda: wanted, self._reaction, viewerHasReacted=own)(info, **asked)

        return answer

    def _reaction(self, row: Json) -> Json:
        return {
            "id": node_id("REA", row),
            "databaseId": row["id"],
            "content": _content(row["content"]),
            "createdAt": row["created_at"],
            "user": self.actor(row["author"]),
        }

    def _group(self, name: str, reactions: list[Json]) -> Json:
        rows = [row for row in reactions if row["content"] == name]
        return {
            "content": _content(name),
            "createdAt": rows[0]["created_at"] if rows else None,
            "viewerHasReacted": any(row["author"] == self.call.who.login for row in rows),
            "reactors": connection(lambda: rows, lambda row: self.actor(row["author"])),
        }

    def _rows(self, table: Table, show: Callable[[Json], Json], **equal: object) -> Connection:
        return connection(lambda: self.state.rows(table, **equal), show)

    def _linked(
        self, table: Table, number: int | None, show: Callable[[Json], Json]
    ) -> Json | None:
        row = self.state.get(table, number) if number else None
        return show(row) if row else None

    def may_resolve(self, thread: Json) -> bool:
        """Tell who may resolve a thread: who wrote the pull request, and who may write there. An
        app needs Contents: write for that. https://github.com/github/gh-aw/issues/35726"""
        issue, who = self.issue(thread), self.call.who
        home = self.home(issue)
        if not who.reaches(home["name"]) or not who.may("pull_requests", "write"):
            return False
        may = issue["author"] == who.login or self.state.may_write(home, who.login)
        return may and who.may("contents", "write")

    def issue(self, row: Json) -> Json:
        """Return the issue or pull request that a row belongs to."""
        found = self.state.get("issues", row.get("pull") or row.get("issue") or 0)
        assert found is not None
        return found

    def home(self, issue: Json) -> Json:
        found = self.state.get("repositories", issue["repository"])
        assert found is not None
        return found

    @abstractmethod
    def pull(self, row: Json) -> Json:
        """Show a pull request."""

    @abstractmethod
    def review(self, row: Json) -> Json:
        """Show a review."""


def _content(name: str) -> str:
    return _CONTENTS.get(name, name.upper())
