"""A workspace's token as it stands now: read once, kept while the process lives, never another
workspace's."""

import secrets
import threading
import time
from collections.abc import Callable
from typing import Self

from slack_sdk.oauth.token_rotation import TokenRotator
from slack_sdk.web import WebClient

from shared.database import Database
from shared.errors import ActionRejected, ActionUnavailable, DatabaseUnavailable
from shared.installations import Workspace
from shared.installations.rotation import rotate
from shared.installations.store import Installation, InstallationTable
from shared.log import log
from shared.settings import Credential, Settings

#: Seconds before its end at which a token is replaced. Slack's last twelve hours.
EARLY = 7200.0
#: Seconds for which one function may take to get the next token, and for which it is waited for
#: by those whose own token is over.
LEASE, WAIT = 30.0, 5.0
_PACE = 0.2
#: How many workspaces a process keeps.
_MOST = 500


class Installations:
    """The credentials of all workspaces. Threads may share it."""

    def __init__(
        self, table: InstallationTable, rotator: TokenRotator, now: Callable[[], float] = time.time
    ) -> None:
        self._table = table
        self._rotator = rotator
        self._now = now
        self._lock = threading.Lock()
        self._kept: dict[Workspace, InstalledCredential] = {}

    @classmethod
    def of(cls, settings: Settings, database: Database) -> Self:
        """Raises SettingsError where a key or the app's client lacks."""
        client = WebClient(base_url=settings.slack_api_url, timeout=10, retry_handlers=[])
        client.proxy = None
        rotator = TokenRotator(
            client_id=settings.require("slack_client_id"),
            client_secret=settings.require("slack_client_secret"),
            client=client,
        )
        return cls(InstallationTable.of(settings, database), rotator)

    def credential(self, where: Workspace) -> "InstalledCredential | None":
        """Return the credential that serves the workspace; None where the app is not installed.

        It takes a round trip to Postgres for a workspace that the process does not know. Raises
        DatabaseUnavailable, and SettingsError where no key opens the token.
        """
        with self._lock:
            if known := self._kept.get(where):
                return known
        found = self._table.find(where)
        if found is None:
            return None
        with self._lock:
            if len(self._kept) >= _MOST:
                self._kept.clear()
            made = InstalledCredential(self._table, self._rotator, where, found, self._now)
            return self._kept.setdefault(where, made)

    def forget(self, where: Workspace) -> None:
        with self._lock:
            self._kept.pop(where, None)


class InstalledCredential(Credential):
    """The token of one installation. Threads may share it: one at a time gets the next."""

    def __init__(
        self,
        table: InstallationTable,
        rotator: TokenRotator,
        where: Workspace,
        found: Installation,
        now: Callable[[], float],
    ) -> None:
        super().__init__("")
        self._table = table
        self._rotator = rotator
        self._where = where
        self._held = found
        self._unsaved: Installation | None = None
        self._again_at = 0.0
        self._now = now
        self._lock = threading.Lock()

    def hand_over(self) -> bool:
        """Give the front door the token as it stands now; False when that fails."""
        return bool(self.value) and self._table.hand_over(self._held)

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(filter(None, self._held.scopes.split(",")))

    @property
    def value(self) -> str:
        """Return a token that is good for a while; raises ActionRejected when none will be again,
        ActionUnavailable while another function is getting it."""
        with self._lock:
            if self._unsaved:
                self._save(self._unsaved)
            if self._ends_in(EARLY) and (self._ends_in(0) or self._now() >= self._again_at):
                # Where it fails, or another is at it, a token that is good goes on for a while.
                self._again_at = self._now() + LEASE
                self._renew()
            return self._held.token

    def renewed(self, refused: str) -> str:
        """Return another token than `refused` when there is one by now, or Slack gives one for one
        that is over; else the empty string."""
        with self._lock:
            self._read()
            if self._held.token == refused and self._ends_in(0):
                self._renew()
            return self._held.token if self._held.token != refused else ""

    def _ends_in(self, seconds: float) -> bool:
        return 0 < self._held.expires_at <= self._now() + seconds

    def _read(self) -> None:
        """Read it again; raises ActionRejected when the app left."""
        found = self._table.find(self._where)
        if found is None:
            raise ActionRejected(
                f"slack: the app was removed from {self._held.place}; no action is needed"
            )
        if found.version >= self._held.version or found.place != self._held.place:
            self._held = found

    def _renew(self) -> None:
        """Replace a token that expires: here, or wait for who does. One that is good goes on."""
        deadline = time.monotonic() + WAIT
        holder = secrets.token_hex(8)
        while not self._table.lease(self._held, holder, LEASE):
            self._read()
            if not self._ends_in(0):
                return
            if time.monotonic() > deadline:
                raise ActionUnavailable(
                    f"slack: another function is getting the next token of {self._held.place}",
                    sent=False,
                )
            time.sleep(_PACE)
        try:
            after = rotate(self._rotator, self._held)
        except (ActionRejected, ActionUnavailable) as err:
            if self._ends_in(0):
                raise
            log("token not rotated", place=self._held.place, reason=str(err))
            return
        before, self._held, self._unsaved = self._held, after, self._held
        self._save(before)

    def _save(self, before: Installation) -> None:
        """Keep the next token; while that fails it lives here, and is kept with its next use."""
        try:
            self._table.rotated(before, self._held)
            self._unsaved = None
        except DatabaseUnavailable as err:
            log("token not kept", place=self._held.place, reason=str(err))
