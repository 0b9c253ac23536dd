"""Opens pull requests upon branches, and follows what is pushed there afterwards."""

from infra.local.sandbox.github.changes import Changes, checked_text
from infra.local.sandbox.github.commit_views import CommitViews
from infra.local.sandbox.github.commits import CommitStore
from infra.local.sandbox.github.errors import invalid
from infra.local.sandbox.github.state import SandboxState
from infra.local.sandbox.github.views import Views
from shared.events import Json

#: GitHub shows no more files of a pull request.
#: https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
_FILES = 3000


class Pulls:
    """`actor` is the login of who does it. Raises GitHubError where GitHub refuses."""

    def __init__(
        self, state: SandboxState, views: Views, commits: CommitStore, changes: Changes
    ) -> None:
        self._state = state
        self._views = views
        self._commits = commits
        self._changes = changes

    def open(
        self, actor: str, repository: Json, title: object, body: object, pull: Json, *, strict: bool
    ) -> Json:
        """Open one; `pull` has its head, base and draft. Unless `strict`, its head need not exist.

        A repository without commits takes any names, so that one can play without git.
        """
        with self._state.lock:
            head, base = pull["head"].rpartition(":")[2], pull["base"]
            sha = self._commits.head(repository, head)
            if strict and not self._commits.is_empty(repository):
                self._check_commits(repository, head, base)
                self.check(repository, title, head, base)
            sha = sha or f"{len(self._state.rows('issues')) + 1:040x}"
            pull = {**pull, "head": head, "sha": sha}
            pull |= self._measured(repository, base, sha)
            return self._changes.open_issue(actor, repository, title, body, pull=pull)

    def moved(self, repository: Json, branch: str, before: str, after: str, actor: str) -> None:
        """Bring the open pull requests upon a branch up to date; close those of a deleted one."""
        for row in self._state.rows("issues", repository=repository["id"], state="open"):
            if not row["pull"] or row["pull"]["head"] != branch:
                continue
            if not after:
                self._changes.edit_issue(actor, row, {"state": "closed"})
                continue
            measured = self._measured(repository, row["pull"]["base"], after)
            pull = {**row["pull"], "sha": after, **measured}
            self._changes.synchronize(actor, row, pull, before, after)

    def files(self, repository: Json, row: Json) -> list[Json]:
        """Return the files of a pull request with their patches, as GitHub shows them."""
        if self._commits.is_empty(repository):
            return []
        pull = row["pull"]
        head = self._commits.head(repository, pull["head"]) or pull["sha"]
        base = self._commits.head(repository, pull["base"])
        views = CommitViews(self._views, self._commits, repository)
        return views.changed(base, head)[:_FILES]

    def _measured(self, repository: Json, base: str, head: str) -> Json:
        """Return the base's commit, and how much lies between it and the commit `head`."""
        start = self._commits.head(repository, base)
        if not start or not self._state.first("commits", repository=repository["id"], sha=head):
            return {}
        before = {row["sha"] for row in self._commits.history(repository, start)}
        after = [row["sha"] for row in self._commits.history(repository, head)]
        views = CommitViews(self._views, self._commits, repository)
        files = views.changed(start, head)
        sums = {name: sum(one[name] for one in files) for name in ("additions", "deletions")}
        new = sum(sha not in before for sha in after)
        return {"base_sha": start, "commits": new, "changed_files": len(files), **sums}

    def check(self, repository: Json, title: object, head: str, base: str) -> None:
        """Raise GitHubError if a pull request could not be opened, whatever is committed first."""
        checked_text("PullRequest", "title", title, 256, needed=True)
        if head == base:
            raise invalid("PullRequest", "head", f"No commits between {base} and {head}")
        rows = self._state.rows("issues", repository=repository["id"], state="open")
        if any(r["pull"] and (r["pull"]["head"], r["pull"]["base"]) == (head, base) for r in rows):
            owner = repository["name"].partition("/")[0]
            reason = f"A pull request already exists for {owner}:{head}."
            raise invalid("PullRequest", "head", reason)

    def _check_commits(self, repository: Json, head: str, base: str) -> None:
        """Raise GitHubError as GitHub does for branches that do not do."""
        for field, name in (("head", head), ("base", base)):
            if not self._commits.head(repository, name):
                raise invalid("PullRequest", field, "invalid")
        sha = self._commits.head(repository, head)
        start = self._commits.head(repository, base)
        if any(row["sha"] == sha for row in self._commits.history(repository, start)):
            raise invalid("PullRequest", "head", f"No commits between {base} and {head}")
