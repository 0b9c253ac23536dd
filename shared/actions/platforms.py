"""Connects the platforms that a flow acts on or reads, with no more rights than it needs."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from importlib import import_module

from shared.actions import Action, Adapter, Permission, Query
from shared.actions.adapter import TableAdapter
from shared.actions.asking import QUERIES
from shared.database import Database
from shared.errors import PolicyError, SettingsError
from shared.events import Event
from shared.settings import Settings

#: Each right includes those before it.
_LEVELS = ("", "read", "write", "admin")


class Platforms:
    """Gives the adapter of an action or a query. Threads may share it.

    It connects while a cold start has the most CPU. A platform without credentials is skipped: it
    fails when the flow needs it, since a flow of several platforms may run with one.
    """

    def __init__(
        self,
        may: Iterable[Permission],
        reads: Iterable[type[Query]],
        settings: Settings,
        database: Database | None = None,
    ) -> None:
        self._settings = settings
        self._database = database
        self._needed = rights_of(may, reads)
        self._connected: dict[str, Adapter] = {}
        for connector in self._needed:
            with suppress(SettingsError):
                self._connected[connector] = self.connect(connector, self._needed[connector])

    def __call__(self, wanted: Action | Query) -> Adapter:
        """Raises PolicyError for what needs another platform or more rights than the flow's `may`
        and `reads`, SettingsError for a platform without credentials."""
        granted = self._needed.get(wanted.connector)
        if granted is None or not _covers(granted, wanted.permissions):
            raise PolicyError(
                f"{type(wanted).__name__} is not in the flow's may=[…] or reads=[…]; add it there"
            )
        return self._connected.get(wanted.connector) or self.connect(wanted.connector, granted)

    def connect(self, connector: str, rights: Mapping[str, str]) -> Adapter:
        """Connect a platform with these rights; raises SettingsError without its credentials."""
        module, _, function = connector.partition(":")
        make = getattr(import_module(module), function)
        adapter: Adapter = make(self._settings, rights, self._database)
        return adapter


Adapters = Callable[[Action | Query], Adapter]


def within(adapters: Adapters, event: Event) -> Adapters:
    """Return the adapters as they act for what happened in `event`: in its workspace of Slack."""

    def adapter(wanted: Action | Query) -> Adapter:
        found = adapters(wanted)
        return found.within(event) if isinstance(found, TableAdapter) else found

    return adapter


def rights_of(may: Iterable[Permission], reads: Iterable[type[Query]]) -> dict[str, dict[str, str]]:
    """Return the rights that a flow with this `may` and these `reads` gets, by connector."""
    kinds: list[type[Action | Query]] = [*(permission.action for permission in may), *reads]
    connectors = {kind.connector for kind in kinds}
    return needed([*kinds, *(query for query in QUERIES if query.connector in connectors)])


def needed(kinds: Iterable[type[Action | Query]]) -> dict[str, dict[str, str]]:
    """Return the rights that these actions and queries need together, by connector."""
    union: dict[str, dict[str, str]] = {}
    for kind in kinds:
        rights = union.setdefault(kind.connector, {})
        for name, level in kind.permissions.items():
            rights[name] = max(level, rights.get(name, ""), key=_LEVELS.index)
    return union


def _covers(granted: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(
        _LEVELS.index(granted.get(name, "")) >= _LEVELS.index(level)
        for name, level in wanted.items()
    )
