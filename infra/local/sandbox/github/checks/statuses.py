"""Statuses of commits, which anybody who may push can set.

https://docs.github.com/en/rest/commits/statuses
"""

from infra.local.sandbox.github.changes import Changes
from infra.local.sandbox.github.checks.views import CheckViews
from infra.local.sandbox.github.errors import GitHubError, invalid
from infra.local.sandbox.github.git.commits import CommitStore
from infra.local.sandbox.github.git.views import CommitViews
from infra.local.sandbox.github.state import SandboxState
from infra.local.sandbox.github.views import Views
from shared.events import Json

_STATES = ("error", "failure", "pending", "success")
_LONGEST = 140


class Statuses:
    """`actor` is the login of who sets one. Raises GitHubError where GitHub refuses."""

    def __init__(
        self, state: SandboxState, views: Views, commits: CommitStore, changes: Changes
    ) -> None:
        self._state = state
        self._views = views
        self._commits = commits
        self._changes = changes
        self.shown = CheckViews(state, views, commits)

    def set(self, actor: str, repository: Json, sha: str, fields: Json) -> Json:
        with self._state.lock:
            if (commit := self._commits.find(repository, sha)) is None:
                raise GitHubError(422, f"No commit found for SHA: {sha}")
            if fields.get("state") not in _STATES:
                raise invalid("Status", "state", "inclusion")
            description = fields.get("description")
            if len(str(description or "")) > _LONGEST:
                reason = f"description is too long (maximum is {_LONGEST} characters)"
                raise invalid("Status", "description", reason)
            row = self._state.add(
                "statuses",
                repository=repository["id"],
                sha=commit["sha"],
                creator=self._state.account(actor)["login"],
                state=fields["state"],
                description=description,
                target_url=fields.get("target_url"),
                context=str(fields.get("context") or "default"),
            )
            self._announce(actor, repository, row)
            return row

    def of(self, repository: Json, sha: str) -> list[Json]:
        """Return the statuses of a commit, newest first."""
        return self._state.rows("statuses", repository=repository["id"], sha=sha)[::-1]

    def latest(self, repository: Json, sha: str) -> list[Json]:
        """Return the newest status of each context."""
        found = {row["context"]: row for row in self.of(repository, sha)[::-1]}
        return list(found.values())

    def _announce(self, actor: str, repository: Json, row: Json) -> None:
        views = CommitViews(self._views, self._commits, repository)
        shown = self.shown.simple_status(row)
        branches = repository.get("branches", {}).items()
        same = ("id", "state", "description", "target_url", "context", "created_at", "updated_at")
        payload = {
            **{name: shown[name] for name in same},
            "sha": row["sha"],
            "name": repository["name"],
            "avatar_url": shown["avatar_url"],
            "commit": views.commit(self._commits.get(repository, row["sha"])),
            "branches": [views.branch(name, head) for name, head in branches if head == row["sha"]],
        }
        self._changes.announce("status", actor, repository, payload)


def combined(rows: list[Json]) -> str:
    """Return the state of a commit by its newest statuses."""
    states = {row["state"] for row in rows}
    if states & {"error", "failure"}:
        return "failure"
    return "success" if states == {"success"} else "pending"
