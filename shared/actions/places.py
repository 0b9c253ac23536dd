"""Places: the repositories and channels that `on` names in a flow, as people write them.

A flow names `acme/shop`, every repository of `acme/*`, `#releases` or a channel's id; or
CONFIGURED, for those that the setting PLACES gives it.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache

from shared.errors import SettingsError
from shared.events import REPOSITORY

#: The places that the setting PLACES gives the flow.
CONFIGURED = "CONFIGURED"
#: At the end of a place: every repository of the owner.
EVERY = "/*"

#: https://docs.slack.dev/reference/objects/conversation-object
_FORMS = {
    "github": rf"(?:{REPOSITORY}|[A-Za-z0-9][A-Za-z0-9_-]{{0,99}}/\*)",
    "slack": r"(?:#[^\s#@,;:<>|A-Z]{1,80}|[CG][A-Z0-9]{6,20})",
}
_SHOWN = {"github": "acme/shop or acme/*", "slack": "#releases or C0123ABCD"}


def scopes(connector: str, names: Iterable[str]) -> frozenset[str]:
    """Return the scopes of the places that `on` names on the platform of `connector`; raises
    SettingsError for a name that is none there."""
    platform = _platform(connector)
    found = [_scope(platform, name) for name in names]
    if not found:
        raise SettingsError(f"on() names no place; expected such as {_SHOWN.get(platform, '…')}")
    return frozenset(found)


def configured(setting: str) -> Mapping[str, tuple[str, ...]]:
    """Read PLACES, `stale=acme/shop,acme/site;standup=#standup`: the scopes of each flow; raises
    SettingsError."""
    return dict(_read(setting))


def resolved(places: Collection[str], connector: str, given: Iterable[str]) -> frozenset[str]:
    """Add to CONFIGURED the places that PLACES gives the flow on this platform. It stays, since no
    place at all would mean that of the event."""
    if CONFIGURED not in places:
        return frozenset(places)
    return frozenset({*places, *(s for s in given if s.startswith(f"{_platform(connector)}:"))})


def holds(places: Collection[str], scope: str) -> bool:
    """Is the place one of these? GitHub's names ignore case."""
    plain = scope.lower() if scope.startswith("github:") else scope
    return plain in places or plain.partition("/")[0] + EVERY in places


def to_spread(places: Iterable[str]) -> list[str]:
    """Return the places that a schedule spreads over: the repositories, and channels only where a
    flow names no repository, since it then tells channels of repositories."""
    each = sorted(set(places) - {CONFIGURED})
    return [one for one in each if one.startswith("github:")] or each


@cache
def _read(setting: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    expected = "expected such as stale=acme/shop,acme/*;standup=#standup"
    found: dict[str, tuple[str, ...]] = {}
    for group in filter(None, (part.strip() for part in setting.split(";"))):
        flow, _, listed = (piece.strip() for piece in group.partition("="))
        names = [name.strip() for name in listed.split(",") if name.strip()]
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", flow) or not names:
            raise SettingsError(f"PLACES has {group[:60]!r}; {expected}")
        if flow in found:
            raise SettingsError(f"PLACES names the flow {flow} twice; name it once")
        try:
            each = [_scope("github" if "/" in name else "slack", name) for name in names]
        except SettingsError as err:
            raise SettingsError(f"PLACES of {flow}: {err}") from err
        found[flow] = tuple(dict.fromkeys(each))
    return tuple(found.items())


def _platform(connector: str) -> str:
    return connector.partition(":")[0].rpartition(".")[2]


def _scope(platform: str, name: str) -> str:
    if name == CONFIGURED:
        return CONFIGURED
    plain = name.lower() if platform == "github" or name.startswith("#") else name
    if not re.fullmatch(_FORMS.get(platform, "(?!)"), plain):
        expected = _SHOWN.get(platform, "no place: this platform has none")
        raise SettingsError(f"{name[:60]!r} is no place on {platform}; expected {expected}")
    return f"{platform}:{plain}"
