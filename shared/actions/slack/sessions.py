"""Chooses the session of an event's workspace: one client for each installation of the app.

With SLACK_BOT_TOKEN alone, all is done with it and no database is asked. With SLACK_CLIENT_ID the
app is in several workspaces, and each gets its own token. SLACK_BOT_TOKEN then serves its own
workspace alone, until the app is installed there by the page /slack/install.
"""

import threading
from functools import cached_property
from typing import TYPE_CHECKING

from shared.actions.slack.bot_client import BotClient
from shared.actions.slack.session import SlackSession
from shared.database import Database
from shared.errors import ActionRejected
from shared.installations import Workspace
from shared.installations.scopes import lacking
from shared.log import log
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.installations.credentials import Installations

#: How many workspaces a process keeps a session of.
_MOST = 500


class SlackSessions:
    """The sessions of a process. Threads may share it."""

    def __init__(
        self, settings: Settings, database: Database | None, timeout: int, client: type[BotClient]
    ) -> None:
        """Raises SettingsError without a token, or when a setting is wrong."""
        self._settings = settings
        self._database = database
        self._timeout = timeout
        self._client = client
        self._lock = threading.Lock()
        self._kept: dict[Workspace, SlackSession] = {}
        #: That of SLACK_BOT_TOKEN, where there is one.
        self.given: SlackSession | None = None
        if settings.slack_bot_token or not self._is_installed:
            self.given = self._own_session()

    @property
    def _is_installed(self) -> bool:
        """Whether workspaces have tokens of their own."""
        return bool(self._database and self._settings.slack_client_id)

    def _own_session(self) -> SlackSession:
        """Return the session of SLACK_BOT_TOKEN; raises SettingsError without it."""
        self._settings.require("slack_bot_token")
        credential = self._settings.credential("slack_bot_token")
        return SlackSession(self._settings, self._timeout, self._client, credential)

    @cached_property
    def _installations(self) -> "Installations":
        from shared.installations.credentials import Installations

        assert self._database
        return Installations.of(self._settings, self._database)

    def of(self, where: Workspace) -> SlackSession:
        """Return the session of a workspace; one that is not known costs a round trip to Postgres.

        Raises ActionRejected where the app is not installed, DatabaseUnavailable, SettingsError.
        """
        if not self._is_installed and self.given:
            return self.given
        with self._lock:
            if known := self._kept.get(where):
                return known
        credential = self._installations.credential(where)
        if credential is None:
            return self._own(where)
        found = SlackSession(self._settings, self._timeout, self._client, credential)
        if lacks := lacking(credential.scopes):
            log("slack rights lack", place=where.team or where.org, rights=sorted(lacks))
        with self._lock:
            if len(self._kept) >= _MOST:
                self._kept.clear()
            return self._kept.setdefault(where, found)

    def _own(self, where: Workspace) -> SlackSession:
        """Return the session of SLACK_BOT_TOKEN where it is that workspace's. What comes from
        elsewhere names no workspace: then it must be of the same tenant."""
        given = self.given
        if given and not where.org:
            team = given.identity.team
            tenant = self._settings.tenant_of.get(f"slack:{team}", f"slack:{team}")
            if where.team == team or (not where.team and where.tenant == tenant):
                return given
        place = where.team or where.org or where.tenant
        raise ActionRejected(
            f"slack: the app is not installed in {place}; install it at /slack/install"
        )
