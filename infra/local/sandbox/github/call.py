"""One call of the sandbox's API: the caller, the request, and the parts of the sandbox."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from infra.local.sandbox.github.changes import Changes
from infra.local.sandbox.github.checks.checks import Checks
from infra.local.sandbox.github.checks.statuses import Statuses
from infra.local.sandbox.github.errors import GitHubError, archived, forbidden, not_found
from infra.local.sandbox.github.git.commits import CommitStore
from infra.local.sandbox.github.git.pushes import Pushes
from infra.local.sandbox.github.hooks import Hooks
from infra.local.sandbox.github.pulls.requests import Pulls
from infra.local.sandbox.github.registration import Registration
from infra.local.sandbox.github.reviews.reviews import Reviews
from infra.local.sandbox.github.sign_in import PersonSignIn
from infra.local.sandbox.github.state import SandboxState
from infra.local.sandbox.github.tokens import Tokens, Who
from infra.local.sandbox.github.uploads import Uploads
from infra.local.sandbox.github.views import Views
from shared.events import Json

#: What is a text wherever it is asked for.
_TEXTS = frozenset(("base", "branch", "expected_head_sha", "head", "ref", "sha", "state"))
_MEDIA = re.compile(r"application/vnd\.github\.(?:v3\.)?(raw|diff|patch|object|sha)\b")


@dataclass(frozen=True)
class Site:
    """The parts of one sandbox."""

    state: SandboxState
    views: Views
    hooks: Hooks
    changes: Changes
    tokens: Tokens
    commits: CommitStore
    pulls: Pulls
    pushes: Pushes
    reviews: Reviews
    checks: Checks
    statuses: Statuses
    registration: Registration
    sign_in: PersonSignIn
    uploads: Uploads


class Listing(NamedTuple):
    """Rows of which one page is sent, each through `show`. A list by `cursor` names no last page,
    and its next one by a cursor. Some lists stand `under` a name, with their total."""

    rows: Sequence[Any]
    show: Callable[[Any], Json]
    cursor: bool = False
    under: str = ""


class Raw(NamedTuple):
    """An answer that is not JSON, of one of GitHub's media types: `raw`, `diff` …"""

    content: bytes
    media: str


class ApiReply(NamedTuple):
    """An answer: JSON, a listing, or raw. `written` is the body as it is sent, once it is known."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = {}
    written: bytes = b""


class Call(NamedTuple):
    """`query` and `sent` come from outside and can be anything. `needs` is the permission that an
    installation token must have to read what the endpoint is about."""

    site: Site
    who: Who
    query: Mapping[str, str]
    sent: Any
    needs: str = "metadata"
    accept: str = ""

    @property
    def fields(self) -> Json:
        """Return the body; raises GitHubError unless it is an object, with texts where GitHub's
        schema has them."""
        if not isinstance(self.sent, dict):
            raise GitHubError(400, "Body should be a JSON object")
        for name in _TEXTS & self.sent.keys():
            if not isinstance(self.sent[name], str | None):
                reason = f"For 'properties/{name}', {self.sent[name]} is not a string."
                raise GitHubError(422, f"Invalid request.\n\n{reason}")
        return self.sent

    def number(self, name: str, default: int, most: int) -> int:
        """Return a number of the query, from 1 to `most`."""
        asked = self.query.get(name, "")
        return min(max(int(asked), 1), most) if asked.isdecimal() else default

    @property
    def media(self) -> str:
        """GitHub's media type that the caller wants instead of JSON: `raw`, `diff` …; else ''.

        https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api
        """
        found = _MEDIA.search(self.accept)
        return found[1] if found else ""

    def as_app(self) -> None:
        """Raise GitHubError unless the app itself calls."""
        if not self.who.is_app:
            raise GitHubError(401, "A JSON web token could not be decoded")

    @property
    def app(self) -> Json:
        """The app that calls; raises GitHubError when it is none."""
        self.as_app()
        found = self.site.state.get("app", self.who.app)
        if found is None:
            raise not_found()
        return found

    def about(self, path: str, values: Mapping[str, Any]) -> "Call":
        """Return the call with what it is about. In the conversation of a pull request either
        permission does, the one for issues or the one for pull requests.

        https://docs.github.com/en/rest/issues/comments#create-an-issue-comment
        """
        if self.needs != "issues" or "number" not in values or self.who.may("issues", "write"):
            return self
        state = self.site.state
        if "/issues/comments/" in path:
            comment = state.get("comments", values["number"])
            row = state.get("issues", comment["issue"]) if comment else None
        else:
            repository = state.repository(f"{values['owner']}/{values['name']}")
            row = state.issue(repository, values["number"]) if repository else None
        return self._replace(needs="pull_requests") if row and row["pull"] else self

    def level(self, repository: Json) -> str:
        """Return what the caller may do there. A token for other repositories is a stranger's."""
        if self.who.reaches(repository["name"]):
            return self.site.state.permission(repository, self.who.login)
        return "none" if repository["private"] else "read"

    def repository(self, owner: str, name: str) -> Json:
        """Return a repository that the caller may read, and of it what the endpoint is about."""
        if self.who.is_app:
            raise forbidden()
        found = self.site.state.repository(f"{owner}/{name}")
        if found is None and (moved := self.site.state.formerly(f"{owner}/{name}")):
            address = {"Location": f"{self.site.views.api}/repositories/{moved['id']}"}
            raise GitHubError(301, "Moved Permanently", headers=address)
        if found is None or self.level(found) == "none":
            raise not_found()
        if not self.who.may(self.needs, "read"):
            raise forbidden(f"{self.needs}=read")
        return found

    def issue(self, owner: str, name: str, number: int) -> Json:
        found = self.site.state.issue(self.repository(owner, name), number)
        if found is None:
            raise not_found()
        if not found["pull"]:
            self.has_issues(found["repository"])
        return found

    def has_issues(self, repository: int) -> None:
        """Raise GitHubError where issues are switched off; pull requests stay."""
        row = self.site.state.get("repositories", repository)
        if row and not row.get("has_issues", True):
            raise GitHubError(410, "Issues are disabled for this repo")

    def comment(self, owner: str, name: str, number: int) -> Json:
        found = self.site.state.get("comments", number)
        issue = self.site.state.get("issues", found["issue"]) if found else None
        if not found or not issue or issue["repository"] != self.repository(owner, name)["id"]:
            raise not_found()
        return found

    def write(self, owner: str, name: str, author: str | None = None, permission: str = "") -> str:
        """Return the caller's login; raises GitHubError unless they may write, or are `author`."""
        repository, login = self.repository(owner, name), self.who.login
        permission = permission or self._talk
        needed = f"{permission}=write"
        if not self.who.reaches(repository["name"]) or not self.who.may(permission, "write"):
            raise forbidden(needed)
        if login != author and not self.site.state.may_write(repository, login):
            raise forbidden(needed)
        if repository.get("archived"):
            raise archived()
        return login

    @property
    def _talk(self) -> str:
        """The permission that a conversation needs."""
        return "pull_requests" if self.needs == "pull_requests" else "issues"

    def speak(self, owner: str, name: str, permission: str = "") -> str:
        """Return the caller's login; anybody may open an issue, comment or review, but for an app
        only where it is installed."""
        repository, login = self.repository(owner, name), self.who.login
        permission = permission or self._talk
        is_bot, needed = login.endswith("[bot]"), f"{permission}=write"
        if not self.who.reaches(repository["name"]) or not self.who.may(permission, "write"):
            raise forbidden(needed)
        if is_bot and not self.site.state.may_write(repository, login):
            raise forbidden(needed)
        if repository.get("archived"):
            raise archived()
        return login
