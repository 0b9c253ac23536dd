"""What becomes of repositories, owners and issues: renamed, transferred, archived, private,
deleted."""

from infra.local.sandbox.github.changes import Changes
from infra.local.sandbox.github.hooks import Hooks
from infra.local.sandbox.github.state import SandboxState
from infra.local.sandbox.github.views import Views
from shared.events import Json


class Relocations:
    """Repositories are named `owner/name`. Raises KeyError for what is not there."""

    def __init__(self, state: SandboxState, views: Views, changes: Changes, hooks: Hooks) -> None:
        self._state = state
        self._views = views
        self._changes = changes
        self._hooks = hooks

    def rename(self, repository: str, name: str, actor: str = "maria") -> None:
        """Give a repository another name; requests for the old one are redirected."""
        changes = {"repository": {"name": {"from": repository.partition("/")[2]}}}
        new = f"{repository.partition('/')[0]}/{name}"
        self._call(repository, new, actor, {"action": "renamed", "changes": changes})

    def transfer(
        self, repository: str, owner: str, actor: str = "maria", *, name: str = ""
    ) -> None:
        """Give a repository to another organization, if wanted under another `name`."""
        with self._state.lock:
            self._state.account(owner, "Organization")
            before = self._views.account(repository.partition("/")[0])
            kind = "organization" if before["type"] == "Organization" else "user"
            changes = {"owner": {"from": {kind: before}}}
            new = f"{owner}/{name or repository.partition('/')[2]}"
            self._call(repository, new, actor, {"action": "transferred", "changes": changes})

    def rename_owner(self, login: str, new: str, actor: str = "maria") -> None:
        """Give an organization another name."""
        with self._state.lock:
            account = self._state.account(login, "Organization")
            self._state.change("accounts", account, login=new)
            for row in self._state.rows("repositories"):
                owner, _, name = row["name"].partition("/")
                if owner == login:
                    self._rename(row, f"{new}/{name}")
            payload = {
                "action": "renamed",
                "changes": {"login": {"from": login}},
                "organization": self._views.organization(new),
                "sender": self._views.account(actor),
                "installation": {"id": account["id"], "node_id": f"I_{account['id']}"},
            }
            self._hooks.announce("organization", payload)

    def set_private(self, repository: str, actor: str, *, private: bool) -> None:
        action = "privatized" if private else "publicized"
        self._tell(repository, actor, action, private=private)

    def archive(self, repository: str, actor: str, *, archived: bool) -> None:
        action = "archived" if archived else "unarchived"
        self._tell(repository, actor, action, archived=archived)

    def delete(self, repository: str, actor: str = "maria") -> None:
        """Delete a repository with all in it."""
        with self._state.lock:
            row = self._row(repository)
            self._changes.announce("repository", actor, row, {"action": "deleted"})
            for issue in self._state.rows("issues", repository=row["id"]):
                self._remove(issue)
            self._state.remove("repositories", row)

    def delete_issue(self, repository: str, number: int, actor: str = "maria") -> None:
        with self._state.lock:
            row, issue = self._row(repository), self._issue(repository, number)
            shown = {"action": "deleted", "issue": self._views.issue(issue)}
            self._changes.announce("issues", actor, row, shown)
            self._remove(issue)

    def transfer_issue(self, repository: str, number: int, to: str, actor: str = "maria") -> int:
        """Move an issue, with its comments, to another repository; returns its number there."""
        with self._state.lock:
            row, target = self._row(repository), self._row(to)
            before = self._issue(repository, number)
            rows = self._state.rows("issues", repository=target["id"])
            last = max((one["number"] for one in rows), default=0)
            place = {"repository": target["id"], "number": last + 1, "labels": []}
            shown = self._views.issue(before)
            there = self._state.change("issues", before, **place)
            changes = {
                "new_issue": self._views.issue(there),
                "new_repository": self._views.repository(target),
            }
            payload = {"action": "transferred", "issue": shown, "changes": changes}
            self._changes.announce("issues", actor, row, payload)
            return int(there["number"])

    def _call(self, repository: str, new: str, actor: str, payload: Json) -> None:
        with self._state.lock:
            row = self._rename(self._row(repository), new)
            self._changes.announce("repository", actor, row, payload)

    def _rename(self, row: Json, name: str) -> Json:
        former = [*row.get("former", ()), row["name"]]
        return self._state.change("repositories", row, name=name, former=former)

    def _tell(self, repository: str, actor: str, action: str, **fields: bool) -> None:
        with self._state.lock:
            row = self._state.change("repositories", self._row(repository), **fields)
            self._changes.announce("repository", actor, row, {"action": action})

    def _remove(self, issue: Json) -> None:
        for comment in self._state.rows("comments", issue=issue["id"]):
            self._state.remove("comments", comment)
        self._state.remove("issues", issue)

    def _row(self, repository: str) -> Json:
        if (row := self._state.repository(repository)) is None:
            raise KeyError(repository)
        return row

    def _issue(self, repository: str, number: int) -> Json:
        if (row := self._state.issue(self._row(repository), number)) is None:
            raise KeyError(f"{repository}#{number}")
        return row
