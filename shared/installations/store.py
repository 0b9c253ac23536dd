"""Keeps the installations of the Slack app in Postgres, with their tokens encrypted."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

from shared.aws.parameters import Parameters
from shared.database import Database, Row, Statement, queries
from shared.errors import SecretsUnavailable, SettingsError
from shared.installations import Workspace
from shared.installations.sealing import Sealed, TokenKeys
from shared.log import log
from shared.settings import Settings

SQL = queries(__file__, "store.sql")


class Installation(NamedTuple):
    """The app in a workspace or in an organisation, its `place`. `expires_at` is in seconds since
    the epoch; 0 for a token that does not expire. `version` counts its tokens."""

    tenant: str
    place: str
    app: str
    token: str
    refresh_token: str = ""
    expires_at: float = 0.0
    scopes: str = ""
    bot_user: str = ""
    name: str = ""
    installed_by: str = ""
    version: int = 1

    def __repr__(self) -> str:
        return f"Installation({self.place})"

    @property
    def about(self) -> str:
        """What its tokens are sealed for."""
        return "\n".join((self.tenant, self.app, self.place))


class InstallationTable:
    """The table of one database. Threads may share it."""

    def __init__(
        self,
        database: Database,
        keys: TokenKeys,
        tenant_of: Mapping[str, str],
        handed: Parameters | None = None,
    ) -> None:
        """`handed` is where the front door finds the tokens, which asks no database."""
        self._database = database
        self._keys = keys
        self._tenant_of = tenant_of
        self._handed = handed

    @classmethod
    def of(cls, settings: Settings, database: Database) -> Self:
        """Raises SettingsError where a key lacks."""
        keys = TokenKeys(settings.require("slack_token_keys"))
        handed = Parameters(settings.token_path) if settings.token_path else None
        return cls(database, keys, settings.tenant_of, handed)

    def tenant(self, place: str) -> str:
        """Return the tenant of a workspace or an organisation."""
        return self._tenant_of.get(f"slack:{place}", f"slack:{place}")

    def save(self, found: Installation) -> None:
        """Keep it over the one before; raises DatabaseUnavailable."""
        self._run(found.tenant, Statement(SQL["save"], self._row(found)))
        self.hand_over(found)

    def hand_over(self, found: Installation) -> bool:
        """Give the front door the token; False when that fails. Without one it asks for it, by the
        first press there (shared/installations/handing.py)."""
        if self._handed is None:
            return False
        try:
            self._handed.write(found.place, found.token)
        except (SecretsUnavailable, SettingsError) as err:
            log("token not handed over", place=found.place, reason=str(err))
            return False
        return True

    def find(self, where: Workspace) -> Installation | None:
        """Return the installation that serves the workspace, in one round trip: its own, or its
        organisation's. Without a workspace, the only one of the tenant."""
        if where.org:
            org_tenant, tenant = self.tenant(where.org), self.tenant(where.team)
            row = {"place": where.team, "org": where.org, "org_tenant": org_tenant}
            here, there = row | {"tenant": tenant}, row | {"tenant": org_tenant}
            # In the organisation's tenant, so that it knows whom it leaves; in the workspace's,
            # for what happens there without an event of Slack.
            noted = [("note", there), ("turn", here), ("note", here)]
            found, *_ = self._run(
                org_tenant,
                Statement(SQL["find"], {"place": where.org}),
                *(Statement(SQL[name], one) for name, one in noted if where.team),
            )
        elif where.team:
            row = {"tenant": self.tenant(where.team), "place": where.team}
            statements = [Statement(SQL[name], row) for name in ("follow", "find")]
            _, found = self._run(row["tenant"], *statements)
        else:
            [found] = self._run(where.tenant, Statement(SQL["find_only"], {"tenant": where.tenant}))
        return self._opened(found[0]) if len(found) == 1 else None

    def lease(self, found: Installation, holder: str, seconds: float) -> bool:
        """Tell if `holder` alone may get the next token, for so many seconds."""
        row = found._asdict() | {"holder": holder, "seconds": seconds}
        return bool(self._run(found.tenant, Statement(SQL["lease"], row))[0])

    def rotated(self, before: Installation, after: Installation) -> None:
        """Keep the next token, unless another is kept by now; raises DatabaseUnavailable."""
        row = self._row(after) | {"version": before.version}
        if self._run(before.tenant, Statement(SQL["rotated"], row))[0]:
            self.hand_over(after)

    def _row(self, found: Installation) -> Row:
        token = self._keys.seal(found.token, found.about)
        refresh = self._keys.seal(found.refresh_token, found.about)
        return {
            "tenant": found.tenant,
            "place": found.place,
            "app_id": found.app,
            "name": found.name,
            "bot_user": found.bot_user,
            "scopes": found.scopes,
            "installed_by": found.installed_by,
            "key_id": token.key,
            "token": token.box,
            "refresh_token": refresh.box,
            "expires_at": found.expires_at or None,
        }

    def _opened(self, row: Row) -> Installation:
        """Decrypt a row; raises SettingsError where no key opens it."""
        found = Installation(row["tenant"], row["place"], row["app_id"], "")
        token, refresh = (
            self._keys.open(Sealed(row["key_id"], row[name]), found.about)
            for name in ("token", "refresh_token")
        )
        return found._replace(
            token=token,
            refresh_token=refresh,
            expires_at=float(row["expires_at"] or 0),
            scopes=row["scopes"],
            bot_user=row["bot_user"],
            version=row["version"],
        )

    def _run(self, tenant: str, *statements: Statement) -> Sequence[list[Row]]:
        return self._database.run(tenant, statements)
