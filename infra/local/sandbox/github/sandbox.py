"""The sandbox GitHub: its server, and a method for each thing that people do in it."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from infra.local.http_server import HttpServer
from infra.local.sandbox.github.call import Site
from infra.local.sandbox.github.changes import Changes
from infra.local.sandbox.github.checks.checks import Checks
from infra.local.sandbox.github.checks.people import SandboxChecks
from infra.local.sandbox.github.checks.statuses import Statuses
from infra.local.sandbox.github.faults import FaultyServer
from infra.local.sandbox.github.git.commits import CommitStore
from infra.local.sandbox.github.git.pushes import Pushes
from infra.local.sandbox.github.hooks import Hooks, shown
from infra.local.sandbox.github.pulls.requests import Pulls
from infra.local.sandbox.github.registration import Registration
from infra.local.sandbox.github.relocations import Relocations
from infra.local.sandbox.github.reviews.placing import Placing
from infra.local.sandbox.github.reviews.reviews import Reviews
from infra.local.sandbox.github.reviews.threads import Threads
from infra.local.sandbox.github.sign_in import PersonSignIn
from infra.local.sandbox.github.state import BOT, SandboxState
from infra.local.sandbox.github.tokens import Tokens
from infra.local.sandbox.github.uploads import Uploads
from infra.local.sandbox.github.views import Views
from infra.local.sandbox.github.web import PREFIX, Exchange, Web
from shared.events import Json

#: The content at the start: one public repository and two people who may write to it.
REPOSITORY = "acme/shop"
COLLABORATORS = {"maria": "admin", "li": "write"}


class GitHubSandbox(FaultyServer, SandboxChecks):
    """A context manager. `webhook_url` may be set later; while it is empty nothing is sent.

    With `state`, a directory, everything survives a stop and a kill. What people do has a method
    here, which raises KeyError for what is not there and GitHubError for what GitHub refuses; what
    the bot does comes in over HTTP. `webhook_timeout` is in seconds. Raises LocalCloudError
    when `port` is taken.
    """

    def __init__(
        self,
        webhook_url: str,
        secret: str,
        state: Path | None = None,
        port: int = 0,
        *,
        webhook_timeout: float = 10.0,
    ) -> None:
        super().__init__()
        self._state = SandboxState(state)
        if self._state.repository(REPOSITORY) is None:
            self.add_repository(REPOSITORY, COLLABORATORS)
        self._tokens = Tokens(self._state)
        self._hooks = Hooks(self._state, webhook_url, secret, webhook_timeout)
        self._views = Views(self._state, "", "")
        self._commits = CommitStore(self._state)
        self._changes = Changes(self._state, self._views, self._hooks)
        git = (self._state, self._views, self._commits, self._changes)
        self._pulls = Pulls(*git)
        self._pushes = Pushes(*git, self._pulls)
        #: Renames, transfers and deletions.
        self.relocations = Relocations(self._state, self._views, self._changes, self._hooks)
        #: Apps that people register and install.
        self.registration = Registration(self._state, self._views, self._hooks)
        #: Whose browser signs in for an App.
        self.sign_in = PersonSignIn(self._state, self._tokens)
        #: The pictures in issues and comments.
        self.uploads = Uploads(self._views)
        placing = Placing(self._state, self._commits, self._pulls)
        threads = Threads(self._state, self._views, self._changes, placing)
        self._reviews = Reviews(self._state, self._changes, threads, placing)
        self._checks = Checks(*git)
        self._statuses = Statuses(*git)
        self._web = Web(self._site(), self._faults)
        self._server = HttpServer(port)
        self.web_url = self._server.url
        self._views.api = self._server.url + PREFIX

    def _site(self) -> Site:
        """Return the parts that the endpoints use."""
        return Site(
            state=self._state,
            views=self._views,
            hooks=self._hooks,
            changes=self._changes,
            tokens=self._tokens,
            commits=self._commits,
            pulls=self._pulls,
            pushes=self._pushes,
            reviews=self._reviews,
            checks=self._checks,
            statuses=self._statuses,
            registration=self.registration,
            sign_in=self.sign_in,
            uploads=self.uploads,
        )

    def start(self) -> Self:
        self._hooks.start()
        self._server.start(self._web)
        return self

    def stop(self) -> None:
        """Stop taking requests and sending webhooks; the state stays."""
        self._web.stopping.set()
        self._server.stop()
        self._hooks.stop()
        self._state.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def api_url(self) -> str:
        """The value of GITHUB_API_URL for this GitHub."""
        return self._views.api

    @property
    def web_url(self) -> str:
        """The start of addresses for people (`html_url`); set it to a page that shows them."""
        return self._views.web

    @web_url.setter
    def web_url(self, url: str) -> None:
        self._views.web = url.rstrip("/")

    @property
    def webhook_url(self) -> str:
        return self._hooks.url

    @webhook_url.setter
    def webhook_url(self, url: str) -> None:
        self._hooks.url = url

    @property
    def token(self) -> str:
        """A token that acts as the bot, for GITHUB_TOKEN."""
        return self._tokens.bot

    @property
    def app_id(self) -> int:
        return self._tokens.app_id

    @property
    def private_key(self) -> str:
        """The app's key as PEM text."""
        return self._tokens.private_key

    @property
    def bot_login(self) -> str:
        return BOT

    # What people do

    def add_repository(
        self,
        repository: str,
        collaborators: dict[str, str] | None = None,
        *,
        private: bool = False,
        installed: bool = True,
    ) -> None:
        """Add `owner/name` with the usual labels. `collaborators` maps logins to admin, maintain,
        write, triage or read; `installed` tells if the app is."""
        self._state.add_repository(
            repository, collaborators or {}, private=private, installed=installed
        )

    def add_member(self, organization: str, login: str) -> None:
        """Make `login` a member of the organization, who may read there and no more."""
        self._state.join(organization, login)

    def set_permission(self, repository: str, login: str, permission: str) -> None:
        """Give a person admin, maintain, write, triage or read; '' takes it."""
        row = self._repository(repository)
        given = {**row["collaborators"], login: permission}
        self._state.change("repositories", row, collaborators=given)

    def archive(self, repository: str, author: str = "maria", *, archived: bool = True) -> None:
        """Close a repository for writing, or open it again."""
        self.relocations.archive(repository, author, archived=archived)

    def set_private(self, repository: str, *, private: bool, author: str = "maria") -> None:
        """Change who may see a repository."""
        self.relocations.set_private(repository, author, private=private)

    def limit_trees(self, entries: int) -> None:
        """List at most `entries` entries of a tree at once."""
        self._commits.tree_limit = entries

    def limit_pulls(self, files: int) -> None:
        """List at most `files` files of a pull request."""
        self._pulls.listed = files

    def limit_blobs(self, size: int) -> None:
        """Hand out no blob of more bytes."""
        self._commits.blob_limit = size

    def person_token(self, login: str) -> str:
        """Return a token that acts as a person, for actions that have no method here."""
        return self._tokens.of(login)

    # What one can see

    def account_id(self, login: str) -> int:
        """Return the id of a person, who signs up if necessary."""
        return int(self._state.account(login)["id"])

    @property
    def version(self) -> int:
        """A number that grows with each change."""
        return self._state.version

    def may_write(self, repository: str, login: str) -> bool:
        return self._state.may_write(self._repository(repository), login)

    def repositories(self) -> list[str]:
        return [row["name"] for row in self._state.rows("repositories")]

    def exchanges(self) -> list[Exchange]:
        """Return the last requests over HTTP and their answers, oldest first."""
        return list(self._web.exchanges)

    def moment(self) -> Callable[[], None]:
        """Return what takes back all that changes from now on."""
        self.settle()
        moment = self._state.moment()

        def rewind() -> None:
            self.settle()
            self._state.rewind(moment)

        return rewind

    # Webhooks

    def apps(self) -> list[str]:
        """Return the slugs of the Apps that people registered."""
        return [row["slug"] for row in self._state.rows("app") if "slug" in row]

    def registered(self, slug: str) -> Json:
        """Return a registered App with all its secrets."""
        return next(row for row in self._state.rows("app") if row.get("slug") == slug)

    def installed(self, slug: str) -> list[str]:
        """Return the accounts on which a registered App is installed."""
        rows = self._state.rows("installations", app=self.registered(slug)["id"])
        return [row["owner"] for row in rows]

    def deliveries(self) -> list[Json]:
        """Return the deliveries as GitHub lists them, with their `payload`, newest first."""
        rows = self._state.rows("deliveries")
        return [{**shown(row), "payload": row["payload"]} for row in reversed(rows)]

    def redeliver(self, guid: str) -> None:
        """Deliver the same body under the same GUID again."""
        row = self._state.first("deliveries", guid=guid)
        if row is None:
            raise KeyError(guid)
        self._hooks.redeliver(row)

    def age_deliveries(self, seconds: float) -> None:
        """Let all deliveries be that much older."""
        self.settle()
        for row in self._state.rows("deliveries"):
            at = datetime.fromisoformat(row["created_at"]) - timedelta(seconds=seconds)
            when = at.strftime("%Y-%m-%dT%H:%M:%SZ")
            self._state.change("deliveries", row, created_at=when)

    def settle(self, timeout: float = 30.0) -> bool:
        """Wait until no webhook is under way; False when that takes longer than `timeout` s."""
        return self._hooks.settle(timeout)

    # Faults, besides those of FaultyServer

    def limit_permissions(self, permissions: Mapping[str, str]) -> None:
        """Limit the tokens that the app gets from now on to these permissions."""
        self._tokens.limits.update(permissions)

    def grant_permissions(self, permissions: Mapping[str, str]) -> None:
        """Let the app have these permissions too, from now on."""
        self._tokens.grant(permissions)

    def end_installation_tokens(self) -> None:
        """End the tokens of the app now, as when it is installed anew."""
        self._tokens.end_installations()
