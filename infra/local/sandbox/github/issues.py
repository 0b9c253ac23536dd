"""What people do in the sandbox GitHub to issues and comments, and how these look then."""

from datetime import UTC, datetime, timedelta

from infra.local.sandbox.github.changes import Changes
from infra.local.sandbox.github.state import SandboxState
from infra.local.sandbox.github.views import Views
from shared.events import Json


class SandboxIssues:
    """A part of GitHubSandbox. A pull request is an issue."""

    _state: SandboxState
    _views: Views
    _changes: Changes

    def open_issue(
        self,
        repository: str,
        title: str,
        body: str | None = None,
        author: str = "maria",
        number: int = 0,
    ) -> int:
        """Open an issue as `author`, who signs up if necessary; returns its number, which is the
        next one unless it is given."""
        row = self._changes.open_issue(author, self._repository(repository), title, body)
        if number:
            row = self._state.change("issues", row, number=number)
        return int(row["number"])

    def add_label(self, repository: str, name: str, description: str = "") -> None:
        self._state.add_label(self._repository(repository), name, description=description)

    def edit_issue(
        self, repository: str, number: int, author: str = "maria", **changes: object
    ) -> None:
        """Change title, body, state, labels or milestone, as the REST API names them."""
        self._changes.edit_issue(author, self._issue(repository, number), changes)

    def assign(self, repository: str, number: int, *people: str, author: str = "maria") -> None:
        self._changes.assign(author, self._issue(repository, number), people)

    def unassign(self, repository: str, number: int, *people: str, author: str = "maria") -> None:
        self._changes.unassign(author, self._issue(repository, number), people)

    def lock_issue(
        self, repository: str, number: int, reason: str | None = None, author: str = "maria"
    ) -> None:
        """Lock a conversation, with one of GitHub's reasons if there is one."""
        self._changes.lock(author, self._issue(repository, number), reason)

    def unlock_issue(self, repository: str, number: int, author: str = "maria") -> None:
        self._changes.unlock(author, self._issue(repository, number))

    def add_milestone(self, repository: str, title: str, author: str = "maria") -> int:
        """Add a milestone; returns its number."""
        row = self._changes.add_milestone(author, self._repository(repository), title)
        return int(row["number"])

    def set_issues(self, repository: str, *, enabled: bool) -> None:
        """Switch issues off in a repository, or on again."""
        self._state.change("repositories", self._repository(repository), has_issues=enabled)

    def backdate(self, repository: str, number: int, days: float) -> None:
        """Make an issue older by so many days, and its last activity too, as if they had passed."""
        row = self._issue(repository, number)
        names = ("created_at", "updated_at")
        self._state.change("issues", row, **{name: _earlier(row[name], days) for name in names})

    def comment(self, repository: str, number: int, body: str, author: str = "maria") -> int:
        """Comment on an issue or a pull request; returns the comment's id."""
        row = self._changes.comment(author, self._issue(repository, number), body)
        return int(row["id"])

    def edit_comment(self, comment: int, body: str, author: str = "maria") -> None:
        self._changes.edit_comment(author, self._comment(comment), body)

    def delete_comment(self, comment: int, author: str = "maria") -> None:
        self._changes.delete_comment(author, self._comment(comment))

    def issues(self, repository: str, last: int = 0) -> list[Json]:
        """Return the issues and pull requests as `issue` does, oldest first; all, or the `last`."""
        rows = self._state.rows("issues", repository=self._repository(repository)["id"])
        return [self.issue(repository, row["number"]) for row in rows[-last:]]

    def issue(self, repository: str, number: int) -> Json:
        """Return an issue as the API shows it, but with its `comments` and `reactions` as lists,
        each comment with its `reactions` too."""
        with self._state.lock:
            row = self._issue(repository, number)
            comments = [
                {**self._views.comment(comment), "reactions": self._reactions(comment)}
                for comment in self._state.rows("comments", issue=row["id"])
            ]
            shown = self._views.issue(row)
            return {**shown, "comments": comments, "reactions": self._reactions(row)}

    def _repository(self, name: str) -> Json:
        row = self._state.repository(name)
        if row is None:
            raise KeyError(name)
        return row

    def _issue(self, repository: str, number: int) -> Json:
        row = self._state.issue(self._repository(repository), number)
        if row is None:
            raise KeyError(f"{repository}#{number}")
        return row

    def _comment(self, number: int) -> Json:
        row = self._state.get("comments", number)
        if row is None:
            raise KeyError(number)
        return row

    def _reactions(self, row: Json) -> list[Json]:
        rows = self._state.rows("reactions", of=row["id"])
        return [self._views.reaction(one) for one in rows]


def _earlier(moment: str, days: float) -> str:
    at = datetime.fromisoformat(moment).astimezone(UTC) - timedelta(days=days)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
