"""What people do in the sandbox GitHub to branches and pull requests, and how these look then."""

from collections.abc import Mapping

from infra.local.sandbox.github.git.commits import CommitStore, Content
from infra.local.sandbox.github.git.pushes import Pushes
from infra.local.sandbox.github.issues import SandboxIssues
from infra.local.sandbox.github.pulls.requests import Pulls
from infra.local.sandbox.github.pulls.views import pull_request
from shared.events import Json


class SandboxPulls(SandboxIssues):
    """A part of GitHubSandbox. A pull request is an issue."""

    _commits: CommitStore
    _pulls: Pulls
    _pushes: Pushes

    def fork(self, repository: str, owner: str) -> str:
        """Let `owner` fork a repository; returns the fork's name. Its branches are opened as pull
        requests with `owner:branch` as their head."""
        return str(self._state.fork(self._repository(repository), owner)["name"])

    def open_pull_request(
        self,
        repository: str,
        title: str,
        body: str | None = None,
        author: str = "maria",
        *,
        head: str = "change",
        base: str = "main",
        draft: bool = False,
        files: Mapping[str, Content] | None = None,
    ) -> int:
        """Open a pull request to bring the branch `head` into `base`; returns its number.

        `files` are committed to `head` first, as by `push`; an empty repository gets a README
        then. Without `files` the branch need not exist. The head `owner:branch` is a fork's.
        """
        if files:
            if not self.branches(repository).get(base):
                readme = {"README.md": f"# {repository.partition('/')[2]}\n"}
                self.push(repository, readme, author, branch=base, message="Initial commit")
            self._pulls.check(self._repository(repository), title, head, base)
            self.push(repository, files, author, branch=head, message=title)
        pull, strict = {"head": head, "base": base, "draft": draft}, bool(files) or ":" in head
        row = self._pulls.open(
            author, self._repository(repository), title, body, pull, strict=strict
        )
        return int(row["number"])

    def set_draft(
        self, repository: str, number: int, author: str = "maria", *, draft: bool
    ) -> None:
        """Say whether a pull request is a draft, which nobody should review yet."""
        self._pulls.set_draft(author, self._issue(repository, number), draft=draft)

    def request_reviews(
        self, repository: str, number: int, *people: str, author: str = "maria", wanted: bool = True
    ) -> None:
        """Ask people to review, or ask them no longer."""
        self._pulls.request_reviews(author, self._issue(repository, number), people, wanted=wanted)

    def set_base(self, repository: str, number: int, base: str, author: str = "maria") -> None:
        """Bring a pull request into another branch."""
        self._pulls.edit(author, self._issue(repository, number), {"base": base})

    def pull_request(self, repository: str, number: int) -> Json:
        """Return a pull request as the API shows it."""
        with self._state.lock:
            row = self._issue(repository, number)
            return pull_request(self._views, self._repository(repository), row)

    def pull_files(self, repository: str, number: int) -> list[Json]:
        """Return the files of a pull request with their patches, as the API shows them."""
        with self._state.lock:
            row = self._issue(repository, number)
            files, show = self._pulls.files(self._repository(repository), row)
            return [*map(show, files)]

    def file(self, repository: str, branch: str, path: str) -> bytes:
        """Return the content of a file on a branch; raises KeyError when there is none."""
        with self._state.lock:
            row = self._repository(repository)
            _, sha = self._commits.get(row, branch)["files"][path]
            return self._commits.blob(row, sha)

    def update_branch(self, repository: str, number: int, author: str = "maria") -> None:
        """Merge the base of a pull request into its branch."""
        row = self._issue(repository, number)
        self._pushes.update(self._repository(repository), row, author)

    def merge_pull_request(self, repository: str, number: int, author: str = "maria") -> None:
        """Close a pull request as merged; its base stays as it is."""
        self._changes.merge(author, self._issue(repository, number))

    def branches(self, repository: str) -> dict[str, str]:
        """Return the branches with their commits."""
        return dict(self._repository(repository).get("branches", {}))

    def commits(self, repository: str, branch: str) -> list[Json]:
        """Return the commits of a branch, newest first, each with `files` by path."""
        row = self._repository(repository)
        return self._commits.history(row, self._commits.head(row, branch))

    def push(
        self,
        repository: str,
        files: Mapping[str, Content],
        author: str = "maria",
        *,
        branch: str = "main",
        message: str = "Change",
        on: str | None = None,
    ) -> str:
        """Push a commit that changes `files`, of which None deletes one; returns its name.

        It goes onto the branch's head, or by force onto the commit `on`; '' is no commit at all.
        """
        return self._pushes.push(
            self._repository(repository), files, author, branch=branch, message=message, on=on
        )

    def delete_branch(self, repository: str, branch: str, author: str = "maria") -> None:
        self._pushes.delete_branch(self._repository(repository), branch, author)
