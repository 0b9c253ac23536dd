"""Does what people and the bot do to issues and comments: keeps each change and announces it."""

from collections.abc import Iterable

from infra.local.sandbox.github.errors import GitHubError, invalid, not_found
from infra.local.sandbox.github.history import IssueHistory
from infra.local.sandbox.github.hooks import Hooks
from infra.local.sandbox.github.pulls.views import pull_request
from infra.local.sandbox.github.state import SandboxState, now
from infra.local.sandbox.github.views import REACTIONS, Views
from shared.events import Json

LONGEST = 65_536
#: https://docs.github.com/en/rest/issues/issues#update-an-issue
_REASONS = {"completed", "not_planned", "duplicate", "reopened"}
#: https://docs.github.com/en/rest/issues/issues#lock-an-issue
LOCK_REASONS = ("off-topic", "too heated", "resolved", "spam")


class Changes:
    """`actor` is the login of who does it. Raises GitHubError where GitHub refuses."""

    def __init__(self, state: SandboxState, views: Views, hooks: Hooks) -> None:
        self._state = state
        self._views = views
        self._hooks = hooks
        self._history = IssueHistory(state, views)

    def open_issue(
        self,
        actor: str,
        repository: Json,
        title: object,
        body: object,
        *,
        labels: Iterable[object] = (),
        pull: Json | None = None,
    ) -> Json:
        """Open an issue, or a pull request when `pull` has its head, base, sha and draft."""
        kind = "PullRequest" if pull else "Issue"
        with self._state.lock:
            numbers = (
                row["number"] for row in self._state.rows("issues", repository=repository["id"])
            )
            row = self._state.add(
                "issues",
                repository=repository["id"],
                number=max(numbers, default=0) + 1,
                title=checked_text(kind, "title", title, 256, needed=True),
                body=checked_text(kind, "body", body, LONGEST),
                author=self._state.account(actor)["login"],
                state="open",
                state_reason=None,
                closed_at=None,
                labels=[],
                pull=pull,
            )
            self._announce(actor, row, "opened")
            wanted = list(labels)
            return self.add_labels(actor, row, wanted) if wanted else row

    def edit_issue(self, actor: str, row: Json, changes: Json) -> Json:
        """Change title, body, state, milestone or labels, as far as `changes` names them."""
        kind = "PullRequest" if row["pull"] else "Issue"
        with self._state.lock:
            edited = {}
            if "title" in changes:
                edited["title"] = checked_text(kind, "title", changes["title"], 256, needed=True)
            if "body" in changes:
                edited["body"] = checked_text(kind, "body", changes["body"], LONGEST)
            before = {
                name: {"from": row[name] or ""} for name in edited if edited[name] != row[name]
            }
            if before:
                row = self._state.change("issues", row, **edited, updated_at=now())
                self._announce(actor, row, "edited", changes=before)
            if changes.get("state") not in {None, row["state"]}:
                row = self._turn(actor, row, changes)
            if "milestone" in changes:
                row = self._set_milestone(actor, row, changes["milestone"])
            if "labels" in changes:
                if not isinstance(labels := changes["labels"] or [], list):
                    raise invalid(kind, "labels", "invalid")
                row = self.set_labels(actor, row, labels)
            return row

    def _turn(self, actor: str, row: Json, changes: Json) -> Json:
        """Close or reopen. A merged pull request stays closed, and none has a reason."""
        state, reason = changes["state"], changes.get("state_reason")
        if state not in {"open", "closed"}:
            raise invalid("Issue", "state", "invalid")
        if reason not in {None, *_REASONS}:
            raise invalid("Issue", "state_reason", "invalid")
        closed = state == "closed"
        if row["pull"] and row["pull"].get("merged_at") and not closed:
            text = "state cannot be changed. The pull request cannot be reopened."
            raise invalid("PullRequest", "state", text)
        reason = None if row["pull"] else reason or ("completed" if closed else "reopened")
        row = self._state.change(
            "issues",
            row,
            state=state,
            state_reason=reason,
            closed_at=now() if closed else None,
            updated_at=now(),
        )
        self._announce(actor, row, "closed" if closed else "reopened")
        return row

    def _set_milestone(self, actor: str, row: Json, number: object) -> Json:
        """Put it into the milestone of this number; None takes it out of its own."""
        wanted = None
        if number is not None:
            wanted = self._state.milestone(self._repository_of(row), number)
            if wanted is None or isinstance(number, bool):
                raise invalid("Issue", "milestone", "invalid")
        before = self._state.get("milestones", row.get("milestone") or 0)
        if before == wanted:
            return row
        if before:
            row = self._state.change("issues", row, milestone=None, updated_at=now())
            self._announce(actor, row, "demilestoned", milestone=self._views.milestone(before))
        if wanted:
            row = self._state.change("issues", row, milestone=wanted["id"], updated_at=now())
            self._announce(actor, row, "milestoned", milestone=self._views.milestone(wanted))
        return row

    def lock(self, actor: str, row: Json, reason: object) -> Json:
        """Lock the conversation, with one of GitHub's reasons or none. A locked one stays as it
        is."""
        if reason is not None and reason not in LOCK_REASONS:
            raise invalid("Issue", "lock_reason", "invalid")
        with self._state.lock:
            if row.get("locked"):
                return row
            row = self._state.change("issues", row, locked=True, lock_reason=reason)
            self._announce(actor, row, "locked")
            return row

    def unlock(self, actor: str, row: Json) -> Json:
        with self._state.lock:
            if not row.get("locked"):
                return row
            row = self._state.change("issues", row, locked=False, lock_reason=None)
            self._announce(actor, row, "unlocked")
            return row

    def add_milestone(self, actor: str, repository: Json, title: object, **more: object) -> Json:
        """Keep a milestone; its title must be new in the repository."""
        with self._state.lock:
            there = self._state.rows("milestones", repository=repository["id"])
            text = checked_text("Milestone", "title", title, 255, needed=True)
            if any(row["title"] == text for row in there):
                raise invalid("Milestone", "title", "already_exists")
            return self._state.add(
                "milestones",
                repository=repository["id"],
                number=max((row["number"] for row in there), default=0) + 1,
                title=text,
                creator=self._state.account(actor)["login"],
                **{"description": None, "state": "open", **more},
            )

    def add_labels(self, actor: str, row: Json, names: Iterable[object]) -> Json:
        """Add labels by name; one that the repository lacks is created, as GitHub does."""
        with self._state.lock:
            repository = self._repository_of(row)
            for name in names:
                text = checked_text("Label", "name", name, 50, needed=True) or ""
                label = self._state.label(repository, text)
                label = label or self._state.add_label(repository, text)
                if label["id"] not in row["labels"]:
                    row = self._relabel(row, [*row["labels"], label["id"]])
                    self._announce(actor, row, "labeled", label=self._views.label(label))
            return row

    def remove_label(self, actor: str, row: Json, name: str) -> Json:
        with self._state.lock:
            label = self._state.label(self._repository_of(row), name)
            if label is None or label["id"] not in row["labels"]:
                raise GitHubError(404, "Label does not exist")
            row = self._relabel(row, [one for one in row["labels"] if one != label["id"]])
            self._announce(actor, row, "unlabeled", label=self._views.label(label))
            return row

    def set_labels(self, actor: str, row: Json, names: Iterable[object]) -> Json:
        with self._state.lock:
            wanted = [str(name) for name in names]
            keep = {name.lower() for name in wanted}
            for label in self._views.labels(row):
                if label["name"].lower() not in keep:
                    row = self.remove_label(actor, row, label["name"])
            return self.add_labels(actor, row, wanted)

    def assign(self, actor: str, row: Json, people: Iterable[object]) -> Json:
        """Assign people; silently leave out those who cannot be, as GitHub does."""
        with self._state.lock:
            for person in people:
                login = self._state.assignable(self._repository_of(row), str(person))
                if login and login not in row.get("assignees", ()):
                    assignees = [*row.get("assignees", ()), login]
                    row = self._state.change("issues", row, assignees=assignees, updated_at=now())
                    self._announce(actor, row, "assigned", assignee=self._views.account(login))
            return row

    def unassign(self, actor: str, row: Json, people: Iterable[object]) -> Json:
        """Take people off; those who are not on it are no error."""
        with self._state.lock:
            unwanted = {str(person).lower() for person in people}
            for gone in [one for one in row.get("assignees", ()) if one.lower() in unwanted]:
                left = [one for one in row["assignees"] if one != gone]
                row = self._state.change("issues", row, assignees=left, updated_at=now())
                self._announce(actor, row, "unassigned", assignee=self._views.account(gone))
            return row

    def merge(self, actor: str, row: Json) -> Json:
        """Close a pull request as merged. Its base stays as it is."""
        with self._state.lock:
            pull = {**row["pull"], "merged_at": now()}
            row = self._state.change("issues", row, pull=pull)
            return self._turn(actor, row, {"state": "closed"})

    def change_pull(
        self, actor: str, row: Json, pull: Json, action: str, **more: Json | str
    ) -> Json:
        """Announce what became of a pull request, which is `pull` from now on."""
        with self._state.lock:
            row = self._state.change("issues", row, pull=pull, updated_at=now())
            self._announce(actor, row, action, **more)
            return row

    def comment(self, actor: str, row: Json, body: object) -> Json:
        with self._state.lock:
            if row.get("locked") and not self.may_comment(actor, row):
                raise GitHubError(403, "Unable to create comment because issue is locked.")
            comment = self._state.add(
                "comments",
                issue=row["id"],
                author=self._state.account(actor)["login"],
                body=checked_text("IssueComment", "body", body, LONGEST, needed=True),
            )
            self._state.change("issues", row, updated_at=now())
            self._announce_comment(actor, comment, "created")
            return comment

    def may_comment(self, actor: str, row: Json) -> bool:
        """Tell who may comment on what is locked. An app may not, whatever its permissions:
        https://github.com/probot/stale/issues/25"""
        return not self._state.app_of(actor) and self._state.may_write(
            self._repository_of(row), actor
        )

    def edit_comment(self, actor: str, comment: Json, body: object) -> Json:
        with self._state.lock:
            text = checked_text("IssueComment", "body", body, LONGEST, needed=True)
            before = comment["body"]
            comment = self._state.change("comments", comment, body=text, updated_at=now())
            if before != text:
                changes = {"body": {"from": before}}
                self._announce_comment(actor, comment, "edited", changes=changes)
            return comment

    def delete_comment(self, actor: str, comment: Json) -> None:
        with self._state.lock:
            # Shown before it goes, as the payload of its deletion still holds it.
            self._announce_comment(actor, comment, "deleted")
            self._state.remove("comments", comment)
            for reaction in self._state.rows("reactions", of=comment["id"]):
                self._state.remove("reactions", reaction)

    def react(self, actor: str, row: Json, content: object) -> tuple[Json, bool]:
        """Put a reaction on an issue or a comment; returns it, and whether it is new. GitHub sends
        no webhook for that."""
        if content not in REACTIONS:
            raise invalid("Reaction", "content", "invalid")
        with self._state.lock:
            there = self._state.first("reactions", of=row["id"], author=actor, content=content)
            author = self._state.account(actor)["login"]
            return there or self._state.add(
                "reactions", of=row["id"], author=author, content=content
            ), there is None

    def _relabel(self, row: Json, labels: list[int]) -> Json:
        return self._state.change("issues", row, labels=labels, updated_at=now())

    def _announce(self, actor: str, row: Json, action: str, **more: Json | str) -> None:
        repository = self._repository_of(row)
        self._history.note(actor, row, action, more)
        if not self._hooks.is_heard(repository):
            return
        if row["pull"]:
            shown = {
                "number": row["number"],
                "pull_request": pull_request(self._views, repository, row),
            }
            self._send("pull_request", actor, repository, {"action": action, **shown, **more})
        else:
            shown = {"issue": self._views.issue(row)}
            self._send("issues", actor, repository, {"action": action, **shown, **more})

    def _announce_comment(self, actor: str, comment: Json, action: str, **more: Json) -> None:
        issue = self._state.get("issues", comment["issue"])
        if issue is None:
            raise not_found()
        repository = self._repository_of(issue)
        if not self._hooks.is_heard(repository):
            return
        shown = {"issue": self._views.issue(issue), "comment": self._views.comment(comment)}
        self._send("issue_comment", actor, repository, {"action": action, **shown, **more})

    def announce(self, event: str, actor: str, repository: Json, payload: Json) -> None:
        """Send a webhook about a repository, where the app is installed."""
        if self._hooks.is_heard(repository):
            self._send(event, actor, repository, payload)

    def _send(self, event: str, actor: str, repository: Json, payload: Json) -> None:
        shown = self._views.repository(repository)
        installation = {"id": shown["owner"]["id"], "node_id": f"I_{shown['owner']['id']}"}
        common: Json = {
            "repository": shown,
            "sender": self._views.account(actor),
            "installation": installation,
        }
        if shown["owner"]["type"] == "Organization":
            common["organization"] = self._views.organization(shown["owner"]["login"])
        self._hooks.announce(event, payload | common)

    def _repository_of(self, row: Json) -> Json:
        found = self._state.get("repositories", row["repository"])
        if found is None:
            raise not_found()
        return found


def checked_text(
    resource: str, field: str, value: object, longest: int, *, needed: bool = False
) -> str | None:
    """Return `value` if GitHub takes it for this field."""
    if value is None and not needed:
        return None
    if not isinstance(value, str):
        raise invalid(resource, field, "missing_field" if value is None else "invalid")
    if needed and not value.strip():
        raise invalid(resource, field, "missing_field")
    if len(value) > longest:
        raise invalid(resource, field, f"{field} is too long (maximum is {longest} characters)")
    return value
