"""Who may see what: the audiences whose memories an event's readers may be shown."""

import json
import re
from collections.abc import Iterable, Mapping

from shared.database import Database, Statement, queries
from shared.errors import SettingsError
from shared.events import PUBLIC

SQL = queries(__file__, "audience.sql")

#: Whose readers may also see what was said where: AUDIENCES as it was read. `repo:acme/*`, on
#: either side, is every private repository of acme.
Grants = Mapping[str, frozenset[str]]

_WITHIN_WORKSPACE = frozenset({"channel", "dm"})
_KNOWN = _WITHIN_WORKSPACE | {"team", "repo", "org", "shared"}
#: What anybody or another company reads sees what is public, and its own, whatever is granted.
_READERS = re.compile(r"(?:team|channel|dm):[A-Z0-9]+|org:[\w-]+|repo:[\w-]+/(?:\*|[\w.-]+)")
#: What is said in a direct message is for nobody else.
_SOURCES = re.compile(r"(?:team|channel|shared):[A-Z0-9]+|org:[\w-]+|repo:[\w-]+/(?:\*|[\w.-]+)")
_ALL = "/*"
#: How many repositories one grant of all of an owner's opens at most.
_MOST = 1_000


def grants_from(setting: str) -> Grants:
    """Read AUDIENCES; raises SettingsError for what is no place, or may never be granted."""
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
    """Return the audiences whose memories may be shown where `audience` reads along.

    What anybody may read, and what was said to the same audience; in Slack also what was said to
    its whole workspace, and in a channel that the whole workspace reads also what was said there
    when Slack did not tell who reads it, as with mentions; and what `grants` opens to it or to that
    workspace, and not what is granted on to those. Channels and direct messages do not name their
    workspace, so `source` does: an event's scope or tenant, such as `slack:T1:C1` or `slack:T1`.
    Everything else, and every audience of another form, sees no more than is public.

    A grant of all of an owner's repositories is returned as it is: `Audiences.existing` resolves
    it.
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
    """The audiences that exist in one database, and what is granted between them."""

    def __init__(self, database: Database, grants: Grants) -> None:
        self._database = database
        self._grants = grants

    def visible_from(self, audience: str, source: str) -> frozenset[str]:
        """What the function of this name returns, with the grants."""
        return visible_from(audience, source, self._grants)

    def existing(self, tenant: str, visible: Iterable[str]) -> frozenset[str]:
        """Put the repositories that `tenant` has memories of in the place of `repo:acme/*`.

        At most a thousand of an owner, for one round trip if there is any such grant. Raises
        DatabaseUnavailable.
        """
        names = frozenset(visible)
        every = sorted(name for name in names if name.endswith(_ALL))
        if not every:
            return names
        found = self._database.run(tenant, [_repositories(tenant, name) for name in every])
        return (names - set(every)) | {row["audience"] for rows in found for row in rows}


class _Pairs(list[tuple[str, object]]):
    """The pairs of a JSON object, with those that a dict would hide."""


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
    """Ask for the audiences between `repo:acme/` and what follows all that begin so."""
    prefix = every.removesuffix("*")
    after = prefix[:-1] + chr(ord("/") + 1)
    key = {"tenant": tenant, "prefix": prefix, "after": after, "most": _MOST}
    return Statement(SQL["repositories"], key)
