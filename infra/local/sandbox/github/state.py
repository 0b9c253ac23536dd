"""The state of the sandbox GitHub: accounts, repositories, issues, comments, tokens, deliveries."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from infra.local.sandbox.records import Records, Tables
from shared.events import Json

Table = Literal[
    "accounts",
    "repositories",
    "labels",
    "milestones",
    "issues",
    "issue_events",
    "comments",
    "reactions",
    "tokens",
    "deliveries",
    "app",
    "commits",
    "manifests",
    "installations",
    "reviews",
    "threads",
    "review_comments",
    "check_suites",
    "check_runs",
    "statuses",
]
_TABLES: tuple[Table, ...] = get_args(Table)

BOT = "agent-flows[bot]"

#: The labels that a repository starts with: the usual ones and two that a shop needs.
LABELS: Mapping[str, tuple[str, str]] = {
    "bug": ("d73a4a", "Something isn't working"),
    "enhancement": ("a2eeef", "New feature or request"),
    "question": ("d876e3", "Further information is requested"),
    "documentation": ("0075ca", "Improvements or additions to documentation"),
    "duplicate": ("cfd3d7", "This issue or pull request already exists"),
    "good first issue": ("7057ff", "Good for newcomers"),
    "performance": ("fbca04", "Something is slow or uses too much memory"),
    "security": ("b60205", "A weakness that could be exploited, or a hardening"),
}

_WRITERS = {"admin", "maintain", "write"}


class SandboxState:
    """Rows by table and id. Hold `lock` while reading and changing rows that belong together."""

    def __init__(self, directory: Path | None) -> None:
        self.lock = threading.RLock()
        self._records = Records(directory / "github.jsonl" if directory else None)
        #: Grows with each change.
        self.version = 0
        self._last_id = max(
            (int(row["id"]) for table in _TABLES for row in self._records.table(table).values()),
            default=1000,
        )

    def close(self) -> None:
        self._records.close()

    def moment(self) -> tuple[Tables, int]:
        """Return all rows, and the last id, as they are now."""
        with self.lock:
            return self._records.moment(), self._last_id

    def rewind(self, moment: tuple[Tables, int]) -> None:
        """Take back what has changed since that moment."""
        with self.lock:
            tables, self._last_id = moment
            self._records.rewind(tables)
            self.version += 1

    def _put(self, table: Table, number: int, row: Json | None) -> None:
        self._records.put(table, str(number), row)
        self.version += 1

    def add(self, table: Table, **fields: Any) -> Json:
        """Keep a new row and return it with its id, which is unique across all tables."""
        with self.lock:
            self._last_id += 1
            row = {"id": self._last_id, "created_at": now(), "updated_at": now(), **fields}
            self._put(table, row["id"], row)
            return row

    def change(self, table: Table, row: Json, **fields: Any) -> Json:
        """Replace some fields of a row and return it as it is now."""
        with self.lock:
            changed = {**self._records.table(table)[str(row["id"])], **fields}
            self._put(table, row["id"], changed)
            return changed

    def remove(self, table: Table, row: Json) -> None:
        with self.lock:
            self._put(table, row["id"], None)

    def get(self, table: Table, number: int) -> Json | None:
        with self.lock:
            return self._records.table(table).get(str(number))

    def keep_blob(self, sha: str, content: str) -> None:
        """Keep the content of a file, in base64, under its name."""
        with self.lock:
            if self.blob(sha) is None:
                self._records.put("blobs", sha, {"content": content})

    def blob(self, sha: str) -> str | None:
        with self.lock:
            row = self._records.table("blobs").get(sha)
            return str(row["content"]) if row else None

    def rows(self, table: Table, **equal: Any) -> list[Json]:
        """Return the rows whose fields equal what is asked, oldest first."""
        with self.lock:
            found = list(self._records.table(table).values())
        for name, value in equal.items():
            found = [row for row in found if row.get(name) == value]
        return found

    def first(self, table: Table, **equal: Any) -> Json | None:
        return next(iter(self.rows(table, **equal)), None)

    def account(self, login: str, kind: str = "User") -> Json:
        """Return the account `login`; an unknown one signs up by being named."""
        with self.lock:
            return self.first("accounts", login=login) or self.add(
                "accounts", login=login, type="Bot" if login.endswith("[bot]") else kind
            )

    def repository(self, name: str) -> Json | None:
        """Return the repository `owner/name`, in whatever case it is asked for."""
        wanted = name.lower()
        return next(
            (row for row in self.rows("repositories") if row["name"].lower() == wanted), None
        )

    def formerly(self, name: str) -> Json | None:
        """Return the repository that had this name before it was renamed or transferred."""
        rows = self.rows("repositories")
        return next((row for row in rows if name in row.get("former", ())), None)

    def add_repository(
        self, name: str, collaborators: Mapping[str, str], *, private: bool, installed: bool
    ) -> Json:
        """Keep a repository `owner/name` with the usual labels. `collaborators` maps a login to
        admin, maintain, write, triage or read."""
        with self.lock:
            self.account(name.partition("/")[0], "Organization")
            for login in collaborators:
                self.account(login)
            repository = self.add(
                "repositories",
                name=name,
                private=private,
                installed=installed,
                default_branch="main",
                branches={},
                collaborators=dict(collaborators),
            )
            for label, (color, description) in LABELS.items():
                self.add_label(repository, label, color, description)
            return repository

    def fork(self, repository: Json, owner: str) -> Json:
        """Keep a copy of a repository that `owner` has, with all its branches."""
        with self.lock:
            self.account(owner)
            same = ("private", "installed", "default_branch", "branches")
            return self.add(
                "repositories",
                name=f"{owner}/{repository['name'].partition('/')[2]}",
                collaborators={owner: "admin"},
                network=repository.get("network") or repository["id"],
                **{name: repository[name] for name in same} | {"installed": False},
            )

    def add_label(
        self, repository: Json, name: str, color: str = "ededed", description: str | None = None
    ) -> Json:
        return self.add(
            "labels",
            repository=repository["id"],
            name=name,
            color=color,
            description=description,
        )

    def label(self, repository: Json, name: str) -> Json | None:
        """Return a label by its name, in whatever case it is asked for."""
        labels = self.rows("labels", repository=repository["id"])
        return next((row for row in labels if row["name"].lower() == name.lower()), None)

    def milestone(self, repository: Json, number: object) -> Json | None:
        """Return a milestone by its number."""
        return self.first("milestones", repository=repository["id"], number=number)

    def issue(self, repository: Json, number: int) -> Json | None:
        return self.first("issues", repository=repository["id"], number=number)

    def permission(self, repository: Json, login: str) -> str:
        """Return what `login` may do there: admin, maintain, write, triage, read or none."""
        if self.acts_for(login, repository):
            return "write"
        if login == repository["name"].partition("/")[0]:
            return "admin"
        given: str = repository["collaborators"].get(login, "")
        hidden = repository["private"] and login not in self._members(repository)
        return given or ("none" if hidden else "read")

    def app_of(self, login: str) -> Json | None:
        """Return the App whose bot `login` is."""
        if not login.endswith("[bot]"):
            return None
        slug = login.removesuffix("[bot]")
        return next((row for row in self.rows("app") if app_slug(row) == slug), None)

    def acts_for(self, login: str, repository: Json) -> bool:
        """Tell if `login` is the bot of an App that is installed there."""
        app = self.app_of(login)
        if app is None or "slug" not in app:
            return bool(login == BOT and repository["installed"])
        owner = repository["name"].partition("/")[0]
        return self.first("installations", app=app["id"], owner=owner) is not None

    def join(self, organization: str, login: str) -> None:
        """Make `login` a member of the organization, who may read its repositories."""
        with self.lock:
            owner = self.account(organization, "Organization")
            self.account(login)
            self.change("accounts", owner, members=[*owner.get("members", ()), login])

    def _members(self, repository: Json) -> list[str]:
        owner = self.first("accounts", login=repository["name"].partition("/")[0])
        members: list[str] = (owner or {}).get("members", [])
        return members

    def may_write(self, repository: Json, login: str) -> bool:
        return self.permission(repository, login) in _WRITERS

    def assignable(self, repository: Json, login: str) -> str:
        """Return the login of a person who can be assigned there, as it is written; else ''."""
        people = (*repository["collaborators"], repository["name"].partition("/")[0])
        return next((one for one in people if one.lower() == login.lower()), "")

    def association(self, repository: Json, login: str) -> str:
        """Return GitHub's name for the author's relation to the repository."""
        if login == repository["name"].partition("/")[0]:
            return "OWNER"
        is_writer = repository["collaborators"].get(login) in _WRITERS
        if is_writer or login in self._members(repository):
            return "MEMBER"
        return "COLLABORATOR" if login in repository["collaborators"] else "NONE"


def app_slug(app: Json) -> str:
    return str(app.get("slug", BOT.removesuffix("[bot]")))


def now() -> str:
    """Return the time in GitHub's form and resolution."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
