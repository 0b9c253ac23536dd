"""Audiences: which memories the readers of an event may see, by default and by AUDIENCES."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from shared.database import Database, Statement, queries
from shared.errors import SettingsError
from shared.events import PUBLIC
from shared.patterns import lazily

SQL = queries(__file__, "audience.sql")

#: AUDIENCES as it was read: for each audience the others whose memories it may see too.
#: `repo:acme/*`, on either side, is every private repository of acme. GitHub's names are small.
Grants = Mapping[str, frozenset[str]]

_WITHIN_WORKSPACE = frozenset({"channel", "dm"})
_KNOWN = _WITHIN_WORKSPACE | {"team", "repo", "org", "shared"}
#: Who can be granted something. Public places and those shared with another company cannot.
_READERS = lazily(r"(?:team|channel|dm):[A-Z0-9]+|org:[\w-]+|repo:[\w-]+/(?:\*|[\w.-]+)")
#: What can be granted. Direct messages cannot.
_SOURCES = lazily(r"(?:team|channel|shared):[A-Z0-9]+|org:[\w-]+|repo:[\w-]+/(?:\*|[\w.-]+)")
#: The kinds whose names are GitHub's, which ignore case.
_ON_GITHUB = ("repo:", "org:")
_ALL = "/*"
#: How many audiences of a kind grants open at most, and how many are looked at.
_MOST, _LOOKED_AT = 1_000, 10_000


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
        if _small(reader) in grants:
            raise SettingsError(f"AUDIENCES names {reader!r} twice; name it once, with all places")
        grants[_small(reader)] = _places(reader, places)
    return grants


def visible_from(audience: str, source: str = "", grants: Grants | None = None) -> frozenset[str]:
    """Return the audiences whose memories may be shown to the readers of `audience`.

    These are the public and the same audience. In Slack, channels and direct messages also see what
    was said to their whole workspace; a channel that the whole workspace reads also sees what was
    said there in events that do not tell its readers, such as mentions. Last come the `grants` to
    the audience or to that workspace; what is granted in turn to those is left out.

    Channels and direct messages do not name their workspace, so `source` does: an event's scope or
    tenant, such as `slack:T1:C1` or `slack:T1`. An audience of another form sees the public only.
    Grants of GitHub's places are returned in small letters, and `repo:acme/*` as it is:
    `Audiences.existing` resolves both.
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


def narrowed(visible: Iterable[str], channel: Mapping[str, Any], audience: str) -> frozenset[str]:
    """Return those of the `visible` audiences that answers may use in a channel with these
    settings: `public`, or in `channel` also what its readers were told. It never adds one."""
    wish, *_ = channel.get("audience") or ("",)
    wanted = {"public": {PUBLIC}, "channel": {PUBLIC, audience}}.get(wish)
    return frozenset(visible) & wanted if wanted else frozenset(visible)


class Audiences:
    """The audiences that exist in one database, and the grants between them."""

    def __init__(self, database: Database, grants: Grants) -> None:
        self._database = database
        self._grants = grants
        self._granted = {place for places in grants.values() for place in places}

    def visible_from(self, audience: str, source: str) -> frozenset[str]:
        """Call the function of the same name with the grants."""
        return visible_from(audience, source, self._grants)

    def existing(self, tenant: str, visible: Iterable[str]) -> frozenset[str]:
        """Replace grants of GitHub's places by the audiences that `tenant` has memories of, however
        these spell their names: `repo:acme/*` by those of an owner.

        It costs one round trip if there is such a grant, and returns at most a thousand audiences
        of a kind. Raises DatabaseUnavailable.
        """
        names = frozenset(visible)
        asked = sorted(
            name
            for name in names
            if name.startswith(_ON_GITHUB) and (name in self._granted or name.endswith(_ALL))
        )
        if not asked:
            return names
        found = self._database.run(tenant, list(_spellings(tenant, asked)))
        every = {name for name in asked if name.endswith(_ALL)}
        return (names - every) | {row["audience"] for rows in found for row in rows}


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
    return frozenset(map(_small, places))


def _small(place: str) -> str:
    """Write GitHub's names in small letters; Slack's ids are as they are."""
    return place.lower() if place.startswith(_ON_GITHUB) else place


def _granted(reader: str, grants: Grants) -> frozenset[str]:
    reader = _small(reader)
    owner, slash, _ = reader.partition("/")
    every = grants.get(f"{owner}{_ALL}", frozenset()) if slash else frozenset()
    return grants.get(reader, frozenset()) | every


def _spellings(tenant: str, asked: Iterable[str]) -> Iterator[Statement]:
    """Ask for the audiences of these names, for each kind as a range of the index."""
    for kind in _ON_GITHUB:
        of_kind = [name for name in asked if name.startswith(kind)]
        if of_kind:
            yield Statement(
                SQL["spellings"],
                {
                    "tenant": tenant,
                    "kind": kind,
                    "after": kind.replace(":", chr(ord(":") + 1)),
                    "names": [name for name in of_kind if not name.endswith(_ALL)],
                    "owners": [name.removesuffix("*") for name in of_kind if name.endswith(_ALL)],
                    "most": _MOST,
                    "looked_at": _LOOKED_AT,
                },
            )
