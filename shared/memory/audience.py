"""Audiences: which memories the readers of an event may see, by default and by AUDIENCES."""

import json
import re
from collections.abc import Iterable, Mapping

from shared.database import Database, Statement, queries
from shared.errors import SettingsError
from shared.events import PUBLIC

SQL = queries(__file__, "audience.sql")

#: AUDIENCES as it was read: for each audience the others whose memories it may see too.
#: `repo:acme/*`, on either side, is every private repository of acme.
Grants = Mapping[str, frozenset[str]]

_WITHIN_WORKSPACE = frozenset({"channel", "dm"})
_KNOWN = _WITHIN_WORKSPACE | {"team", "repo", "org", "shared"}
#: Who can be granted something. Public places and those shared with another company cannot.
_READERS = re.compile(r"(?:team|channel|dm):[A-Z0-9]+|org:[\w-]+|repo:[\w-]+/(?:\*|[\w.-]+)")
#: What can be granted. Direct messages cannot.
_SOURCES = re.compile(r"(?:team|channel|shared):[A-Z0-9]+|org:[\w-]+|repo:[\w-]+/(?:\*|[\w.-]+)")
_ALL = "/*"
#: How many repositories one grant of `repo:acme/*` opens at most.
_MOST = 1_000


def grants_from(setting: str) -> Grants:
    """Read AUDIENCES; raises SettingsError for invalid places and for forbidden grants."""
    if not setting.strip():
        return {}
    try:
        pairs = json.loads(setting, object_pairs_hook=_Pairs)
    except ValueError as err:
        raise SettingsError(
            f'AUDIENCES is no JSON ({err}); expected such as {{"team:T1": ["org:acme"]}}'
        ) from err
    if not isinstance(pairs, _Pairs):
        raise SettingsError('AUDIENCES is no object; expected such as {"team:T1": ["org:acme"]}')
    grants: dict[str, frozenset[str]] = {}
    for reader, places in pairs:
        if not _READERS.fullmatch(reader):
            raise SettingsError(
                f"AUDIENCES grants to {reader!r}; expected team:T1, channel:C1, dm:D1, org:acme,"
                " repo:acme/shop or repo:acme/*; what is public or shared with another company"
                " can be granted nothing"
            )
        if reader in grants:
            raise SettingsError(f"AUDIENCES names {reader!r} twice; name it once, with all places")
        grants[reader] = _places(reader, places)
    return grants


def visible_from(audience: str, source: str = "", grants: Grants | None = None) -> frozenset[str]:
    """Return the audiences whose memories may be shown to the readers of `audience`.

    These are the public and the same audience. In Slack, channels and direct messages also see what
    was said to their whole workspace; a channel that the whole workspace reads also sees what was
    said there in events that do not tell its readers, such as mentions. Last come the `grants` to
    the audience or to that workspace; what is granted in turn to those is left out.

    Channels and direct messages do not name their workspace, so `source` does: an event's scope or
    tenant, such as `slack:T1:C1` or `slack:T1`. An audience of another form sees the public only.
    A grant of `repo:acme/*` is returned as it is: `Audiences.existing` resolves it.
    """
    kind, _, name = audience.partition(":")
    if kind not in _KNOWN or not name or name.endswith(_ALL):
        return frozenset({PUBLIC})
    readers = {audience}
    platform, _, rest = source.partition(":")
    team, _, channel = rest.partition(":")
    if kind in _WITHIN_WORKSPACE and platform == "slack" and team:
        readers.add(f"team:{team}")
    if kind == "team" and platform == "slack" and team == name and channel:
        readers.add(f"channel:{channel}")
    granted = {place for reader in readers for place in _granted(reader, grants or {})}
    return frozenset({PUBLIC} | readers | (granted if kind != "shared" else set()))


class Audiences:
    """The audiences that exist in one database, and the grants between them."""

    def __init__(self, database: Database, grants: Grants) -> None:
        self._database = database
        self._grants = grants

    def visible_from(self, audience: str, source: str) -> frozenset[str]:
        """Call the function of the same name with the grants."""
        return visible_from(audience, source, self._grants)

    def existing(self, tenant: str, visible: Iterable[str]) -> frozenset[str]:
        """Replace `repo:acme/*` by the repositories that `tenant` has memories of.

        It costs one round trip if there is such a grant, and returns at most a thousand
        repositories of an owner. Raises DatabaseUnavailable.
        """
        names = frozenset(visible)
        every = sorted(name for name in names if name.endswith(_ALL))
        if not every:
            return names
        found = self._database.run(tenant, [_repositories(tenant, name) for name in every])
        return (names - set(every)) | {row["audience"] for rows in found for row in rows}


class _Pairs(list[tuple[str, object]]):
    """The pairs of a JSON object, with the repeated names that a dict would drop."""


def _places(reader: str, places: object) -> frozenset[str]:
    if not isinstance(places, list) or isinstance(places, _Pairs):
        raise SettingsError(f'AUDIENCES: {reader!r} needs a list of places, such as ["org:acme"]')
    for place in places:
        if not isinstance(place, str) or not _SOURCES.fullmatch(place):
            raise SettingsError(
                f"AUDIENCES grants {place!r} to {reader!r}; expected team:T1, channel:C1,"
                " shared:C1, org:acme, repo:acme/shop or repo:acme/*; what is said in a direct"
                " message stays there"
            )
    return frozenset(places)


def _granted(reader: str, grants: Grants) -> frozenset[str]:
    owner, slash, _ = reader.partition("/")
    every = grants.get(f"{owner}{_ALL}", frozenset()) if slash else frozenset()
    return grants.get(reader, frozenset()) | every


def _repositories(tenant: str, every: str) -> Statement:
    """Ask for the audiences that begin with `repo:acme/`, as a range of the index."""
    prefix = every.removesuffix("*")
    after = prefix[:-1] + chr(ord("/") + 1)
    key = {"tenant": tenant, "prefix": prefix, "after": after, "most": _MOST}
    return Statement(SQL["repositories"], key)
