"""Opens pull requests upon branches, and follows what is pushed there afterwards."""

from collections.abc import Callable, Sequence

from infra.local.sandbox.github.changes import Changes, checked_text
from infra.local.sandbox.github.errors import invalid
from infra.local.sandbox.github.git.commits import CommitStore, network
from infra.local.sandbox.github.git.comparing import Change, Comparison
from infra.local.sandbox.github.git.hunks import counted
from infra.local.sandbox.github.git.views import CommitViews
from infra.local.sandbox.github.state import SandboxState
from infra.local.sandbox.github.views import Views
from shared.events import Json

#: GitHub shows no more files of a pull request.
#: https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
FILES = 3000
#: So many comparisons are kept.
_REMEMBERED = 32


class Pulls:
    """`actor` is the login of who does it. Raises GitHubError where GitHub refuses."""

    def __init__(
        self, state: SandboxState, views: Views, commits: CommitStore, changes: Changes
    ) -> None:
        self._state = state
        self._views = views
        self._commits = commits
        self._changes = changes
        #: By repository, base and head. Commits do not change.
        self._compared: dict[tuple[int, str, str], Comparison] = {}
        self.listed = FILES

    def open(
        self, actor: str, repository: Json, title: object, body: object, pull: Json, *, strict: bool
    ) -> Json:
        """Open one; `pull` has its head, base and draft. Unless `strict`, its head need not exist.

        A repository without commits takes any names, so that one can play without git. The head
        `owner:branch` is in the fork that this owner has.
        """
        with self._state.lock:
            owner, _, head = pull["head"].rpartition(":")
            source, base = self.fork(repository, owner), pull["base"]
            sha = self._commits.head(source, head)
            if strict and not self._commits.is_empty(repository):
                self._check_commits(repository, source, head, base)
                self.check(repository, title, head, base, owner)
            sha = sha or f"{len(self._state.rows('issues')) + 1:040x}"
            place = {"head": head, "sha": sha, "source": source["id"], "owner": _owner(source)}
            pull = {**pull, **place, **self._measured(repository, base, sha)}
            return self._changes.open_issue(actor, repository, title, body, pull=pull)

    def fork(self, repository: Json, owner: str) -> Json:
        """Return the fork that `owner` has of a repository, which may be this one itself; raises
        GitHubError when there is none."""
        if owner in {"", _owner(repository)}:
            return repository
        for row in self._state.rows("repositories"):
            if network(row) == network(repository) and _owner(row) == owner:
                return row
        raise invalid("PullRequest", "head", "invalid")

    def moved(self, repository: Json, branch: str, before: str, after: str, actor: str) -> None:
        """Bring the open pull requests upon a branch up to date; close those of a deleted one."""
        for row in self._state.rows("issues", state="open"):
            place = (repository["id"], branch)
            if not row["pull"] or (_source(row), row["pull"]["head"]) != place:
                continue
            if not after:
                self._changes.edit_issue(actor, row, {"state": "closed"})
                continue
            measured = self._measured(self._home(row), row["pull"]["base"], after)
            pull = {**row["pull"], "sha": after, **measured}
            told = {"before": before, "after": after}
            self._changes.change_pull(actor, row, pull, "synchronize", **told)

    def edit(self, actor: str, row: Json, fields: Json) -> Json:
        """Change title, body, state or the base."""
        with self._state.lock:
            base, pull, home = fields.get("base"), row["pull"], self._home(row)
            if base not in {None, pull["base"]}:
                if not isinstance(base, str) or not self._commits.head(home, base):
                    raise invalid("PullRequest", "base", "invalid")
                before = {"ref": {"from": pull["base"]}, "sha": {"from": pull.get("base_sha", "")}}
                pull = {**pull, "base": base, **self._measured(home, base, pull["sha"])}
                changes = {"base": before}
                row = self._changes.change_pull(actor, row, pull, "edited", changes=changes)
            kept: Json = {
                name: fields[name] for name in ("title", "body", "state") if name in fields
            }
            return self._changes.edit_issue(actor, row, kept)

    def set_draft(self, actor: str, row: Json, *, draft: bool) -> Json:
        with self._state.lock:
            action = "converted_to_draft" if draft else "ready_for_review"
            pull = {**row["pull"], "draft": draft}
            if draft == row["pull"]["draft"]:
                return row
            return self._changes.change_pull(actor, row, pull, action)

    def request_reviews(
        self, actor: str, row: Json, people: Sequence[str], *, wanted: bool
    ) -> Json:
        """Ask people to review, or ask them no longer."""
        with self._state.lock:
            action = "review_requested" if wanted else "review_request_removed"
            for login in people:
                asked = [one for one in row["pull"].get("reviewers", ()) if one != login]
                pull = {**row["pull"], "reviewers": [*asked, login] if wanted else asked}
                if pull["reviewers"] != row["pull"].get("reviewers", []):
                    shown = self._views.account(login)
                    told = {"requested_reviewer": shown}
                    row = self._changes.change_pull(actor, row, pull, action, **told)
            return row

    def compared(self, repository: Json, row: Json, head: str = "") -> Comparison | None:
        """Compare the base with a pull request, or with its commit `head`; None when these are
        only names."""
        sha = head or row["pull"]["sha"]
        if self._commits.find(repository, sha) is None:
            return None
        key = (repository["id"], self.base(repository, row), sha)
        if key not in self._compared:
            if len(self._compared) >= _REMEMBERED:
                self._compared.clear()
            self._compared[key] = self._git(repository).between(*key[1:])
        return self._compared[key]

    def base(self, repository: Json, row: Json) -> str:
        """Return the newest commit of the base's branch, of a deleted one the last known."""
        pull = row["pull"]
        return self._commits.head(repository, pull["base"]) or str(pull.get("base_sha", ""))

    def commits(self, repository: Json, row: Json) -> list[Json]:
        """Return the commits of a pull request, oldest first."""
        if self._commits.find(repository, row["pull"]["sha"]) is None:
            return []
        found = self._commits.history(repository, row["pull"]["sha"])
        known = {
            one["sha"] for one in self._commits.history(repository, self.base(repository, row))
        }
        return [one for one in found if one["sha"] not in known][::-1]

    def files(self, repository: Json, row: Json) -> tuple[list[Change], Callable[[Change], Json]]:
        """Return the files of a pull request, and what shows one with its patch."""
        compared = self.compared(repository, row)
        if compared is None:
            return [], lambda change: {}
        return compared.changes[: self.listed], self._git(repository).patches(
            compared, row["pull"]["sha"]
        )

    def _measured(self, repository: Json, base: str, head: str) -> Json:
        """Return the base's commit, and how much lies between it and the commit `head`."""
        start = self._commits.head(repository, base)
        if not start or not self._commits.find(repository, head):
            return {}
        before = {row["sha"] for row in self._commits.history(repository, start)}
        after = [row["sha"] for row in self._commits.history(repository, head)]
        compared = self._git(repository).between(start, head)
        counts = [counted(compared.hunks(change) or ()) for change in compared.changes]
        return {
            "base_sha": start,
            "commits": sum(sha not in before for sha in after),
            "changed_files": len(compared.changes),
            "additions": sum(added for added, _ in counts),
            "deletions": sum(deleted for _, deleted in counts),
        }

    def _git(self, repository: Json) -> CommitViews:
        return CommitViews(self._views, self._commits, repository)

    def _home(self, row: Json) -> Json:
        """Return the repository that a pull request is in."""
        found = self._state.get("repositories", row["repository"])
        assert found is not None
        return found

    def check(self, repository: Json, title: object, head: str, base: str, owner: str = "") -> None:
        """Raise GitHubError if a pull request could not be opened, whatever is committed first."""
        checked_text("PullRequest", "title", title, 256, needed=True)
        source = self.fork(repository, owner)
        if (source["id"], head) == (repository["id"], base):
            raise invalid("PullRequest", "head", f"No commits between {base} and {head}")
        for row in self._state.rows("issues", repository=repository["id"], state="open"):
            if row["pull"] and (_source(row), row["pull"]["head"], row["pull"]["base"]) == (
                source["id"],
                head,
                base,
            ):
                reason = f"A pull request already exists for {_owner(source)}:{head}."
                raise invalid("PullRequest", "head", reason)

    def _check_commits(self, repository: Json, source: Json, head: str, base: str) -> None:
        """Raise GitHubError as GitHub does for branches that do not do."""
        for field, place, name in (("head", source, head), ("base", repository, base)):
            if not self._commits.head(place, name):
                raise invalid("PullRequest", field, "invalid")
        sha = self._commits.head(source, head)
        start = self._commits.head(repository, base)
        if any(row["sha"] == sha for row in self._commits.history(repository, start)):
            raise invalid("PullRequest", "head", f"No commits between {base} and {head}")


def _owner(repository: Json) -> str:
    owner: str = repository["name"].partition("/")[0]
    return owner


def _source(row: Json) -> int:
    """Return the id of the repository that has the head of a pull request."""
    return int(row["pull"].get("source") or row["repository"])
