"""Does what people do to branches and repositories: keeps each change and announces it."""

from collections.abc import Mapping

from infra.local.sandbox.github.changes import Changes
from infra.local.sandbox.github.errors import GitHubError, not_found
from infra.local.sandbox.github.git.commits import CommitStore, Content
from infra.local.sandbox.github.git.merging import MergeConflict
from infra.local.sandbox.github.git.views import CommitViews
from infra.local.sandbox.github.pulls.requests import Pulls
from infra.local.sandbox.github.state import SandboxState
from infra.local.sandbox.github.views import Views
from shared.events import Json


class Pushes:
    """`actor` is the login of who does it."""

    def __init__(
        self,
        state: SandboxState,
        views: Views,
        commits: CommitStore,
        changes: Changes,
        pulls: Pulls,
    ) -> None:
        self._state = state
        self._views = views
        self._commits = commits
        self._changes = changes
        self._pulls = pulls

    def push(
        self,
        repository: Json,
        files: Mapping[str, Content],
        actor: str,
        *,
        branch: str,
        message: str,
        on: str | None,
    ) -> str:
        """Commit `files` and set the branch to that; `on` another commit than its head by force."""
        with self._state.lock:
            before = self._commits.head(repository, branch)
            parent = before or self._commits.head(repository, repository["default_branch"])
            parent = parent if on is None else on
            row = self._commits.commit(repository, files, actor, message, parent)
            self._set(repository, branch, row["sha"])
            forced = bool(before) and parent != before
            self._announce(repository, actor, branch, (before, row["sha"]), [row], forced=forced)
            sha: str = row["sha"]
            return sha

    def update(self, repository: Json, row: Json, actor: str) -> None:
        """Merge the base of a pull request into its branch; raises GitHubError."""
        with self._state.lock:
            pull, sha = row["pull"], self._pulls.base(repository, row)
            source = self._state.get("repositories", pull.get("source") or repository["id"])
            before = self._commits.head(source, pull["head"]) if source else ""
            if source is None or not before:
                raise not_found()
            known = {one["sha"] for one in self._commits.history(source, before)}
            if sha in known:
                raise GitHubError(422, "There are no new commits on the base branch.")
            message = f"Merge branch '{pull['base']}' into {pull['head']}"
            try:
                merged = self._commits.merge(source, before, sha, actor, message)
            except MergeConflict as err:
                raise GitHubError(422, "merge conflict between base and head") from err
            history = self._commits.history(source, merged["sha"])
            new = [one for one in history if one["sha"] not in known][::-1]
            self._set(source, pull["head"], merged["sha"])
            moved = (before, merged["sha"])
            self._announce(source, actor, pull["head"], moved, new, forced=False)

    def create_branch(self, repository: Json, branch: str, sha: str, actor: str) -> None:
        with self._state.lock:
            self._set(repository, branch, sha)
            self._announce(repository, actor, branch, ("", sha), [], forced=False)

    def delete_branch(self, repository: Json, branch: str, actor: str) -> None:
        with self._state.lock:
            before = self._commits.head(repository, branch)
            self._set(repository, branch, "")
            self._announce(repository, actor, branch, (before, ""), [], forced=False)

    def _set(self, repository: Json, branch: str, sha: str) -> None:
        row = self._state.get("repositories", repository["id"]) or repository
        branches = {**row.get("branches", {}), branch: sha}
        kept = {name: head for name, head in branches.items() if head}
        self._state.change("repositories", row, branches=kept)

    def _announce(
        self,
        repository: Json,
        actor: str,
        branch: str,
        moved: tuple[str, str],
        pushed: list[Json],
        *,
        forced: bool,
    ) -> None:
        views = CommitViews(self._views, self._commits, repository)
        payload = views.push(f"refs/heads/{branch}", *moved, pushed, forced=forced)
        payload["pusher"] = {"name": actor, "email": f"{actor}@example.com"}
        self._changes.announce("push", actor, repository, payload)
        before, after = moved
        if before:
            now = self._state.get("repositories", repository["id"]) or repository
            self._pulls.moved(now, branch, before, after, actor)
