"""The tokens with which the front door opens dialogs: SLACK_BOT_TOKEN, and that of each workspace
where the app is installed, as whoever keeps it hands it over (shared/installations/store.py)."""

import time
from collections.abc import Callable
from functools import cache
from typing import ClassVar, NamedTuple

from shared.aws.parameters import Parameters
from shared.aws.secrets import Secrets, secrets_named
from shared.errors import SecretsUnavailable, SettingsError
from shared.installations import Workspace
from shared.log import log
from shared.settings import Credential, Settings

#: Seconds for which a token is used, and for which it is believed that there is none.
MAX_AGE, NONE_AGE = 600.0, 5.0
#: How many workspaces a process keeps.
_MOST = 500


class _Kept(NamedTuple):
    token: str
    until: float


class SecretToken(Credential):
    """The token in a secret of its own, read at its first use and kept while the process lives."""

    def __init__(self, name: str) -> None:
        super().__init__("")
        self._secrets = _secret(name)

    @property
    def value(self) -> str:
        return self._secrets.values.get("slack_bot_token", "")

    def renewed(self, refused: str) -> str:
        return self._secrets.renewed("slack_bot_token", refused)


class HandedToken(Credential):
    """The token of an installation in a workspace or an organisation; '' without one."""

    #: What the process keeps, by path and place.
    _kept: ClassVar[dict[tuple[str, str], _Kept]] = {}

    def __init__(self, path: str, place: str, now: Callable[[], float] = time.time) -> None:
        super().__init__("")
        self._key = (path, place)
        self._now = now

    @property
    def value(self) -> str:
        kept = self._kept.get(self._key)
        return kept.token if kept and self._now() < kept.until else self._read()

    def renewed(self, refused: str) -> str:
        token = self._read()
        return token if token != refused else ""

    def _read(self) -> str:
        path, place = self._key
        try:
            token = Parameters(path).read(place)
        except (SecretsUnavailable, SettingsError) as err:
            log("token of a workspace not read", place=place, reason=str(err))
            token = ""
        if len(self._kept) >= _MOST:
            self._kept.clear()
        self._kept[self._key] = _Kept(token, self._now() + (MAX_AGE if token else NONE_AGE))
        return token


def token_for(
    settings: Settings, where: Workspace, team_of: Callable[[str], str]
) -> Credential | None:
    """Return the credential that serves a workspace, if there is one: of its own installation or
    its organisation's, else SLACK_BOT_TOKEN, where that is its own; `team_of` tells a token's."""
    if settings.slack_client_id and settings.token_path:
        handed = HandedToken(settings.token_path, where.org or where.team)
        if handed.value:
            return handed
    given = settings.credential("slack_bot_token")
    if not given.value and settings.later_secrets:
        given = SecretToken(settings.later_secrets)
    if not settings.slack_client_id or (not where.org and team_of(given.value) == where.team):
        return given
    return None


@cache
def _secret(name: str) -> Secrets:
    return secrets_named(name)
