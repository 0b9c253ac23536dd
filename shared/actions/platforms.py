"""Connects the platforms that a flow acts on or reads."""

from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module

from shared.actions import Action, Adapter, Permission, Query
from shared.errors import PolicyError, SettingsError
from shared.settings import Settings


class Platforms:
    """Gives the adapter of an action or a query. Threads may share it.

    It connects while a cold start has the most CPU. A platform without credentials is skipped: it
    fails when the flow needs it, since a flow of several platforms may run with one.
    """

    def __init__(
        self, may: Iterable[Permission], reads: Iterable[type[Query]], settings: Settings
    ) -> None:
        self._settings = settings
        self._allowed = {permission.action.connector for permission in may}
        self._allowed |= {query.connector for query in reads}
        self._connected: dict[str, Adapter] = {}
        for connector in self._allowed:
            with suppress(SettingsError):
                self._connected[connector] = self._connect(connector)

    def __call__(self, wanted: Action | Query) -> Adapter:
        """Raises PolicyError for a platform outside of the flow's `may` and `reads`, SettingsError
        for one without credentials."""
        if wanted.connector not in self._allowed:
            raise PolicyError(
                f"{type(wanted).__name__} is not in the flow's may=[…] or reads=[…]; add it there"
            )
        return self._connected.get(wanted.connector) or self._connect(wanted.connector)

    def _connect(self, connector: str) -> Adapter:
        module, _, function = connector.partition(":")
        adapter: Adapter = getattr(import_module(module), function)(self._settings)
        return adapter
