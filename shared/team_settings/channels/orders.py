"""Reads what somebody asks of a channel's settings: `mode answers`, `flows -plan +memory`."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from shared.team_settings.channels.hours import hours_of
from shared.team_settings.channels.keys import FLOWS, KEYS

#: What people call the keys, and the order that sets all back.
NAMES = {"flows": "off", "flow": "off", "hours": "quiet", "draft": "drafts"} | {
    name: name for name in KEYS if name != "off"
}
RESET = "reset"
_EMPTY = frozenset({"off", "none", "no", "default", "any", '""'})
_QUOTED = 40


class SettingsOrder(NamedTuple):
    """What somebody wants: changes by key, all back to the defaults, or to see them; `problem` says
    why it cannot be."""

    changes: Mapping[str, Any] = {}
    resets: bool = False
    problem: str = ""


def read_order(argument: str, off: Sequence[str] = ()) -> SettingsOrder:
    """Read the words after `settings`; `off` are the flows that are off now."""
    words = " ".join(argument.strip(" `").replace("_", " ").split())
    name, _, rest = words.partition(" ")
    if not name:
        return SettingsOrder()
    if name.lower() == RESET:
        return SettingsOrder(resets=not rest, problem="`settings reset` takes no more" * bool(rest))
    key = NAMES.get(name.lower())
    if key is None:
        return SettingsOrder(problem=_unknown(name, [*NAMES, RESET], "setting"))
    if not rest:
        return SettingsOrder(problem=f"`settings {name.lower()}` needs a value. {KEYS[key].about}")
    if key == "off":
        return _flows(rest, off)
    if key == "quiet" and rest.lower().startswith("hours "):
        rest = rest[6:]
    return checked({key: _plain(key, rest)})


def checked(changes: Mapping[str, Any]) -> SettingsOrder:
    """Return the order to make these changes, as far as each fits its key."""
    for key, value in changes.items():
        if what := KEYS[key].kind.problem(value):
            return SettingsOrder(problem=f"`{key}` {what}{_near(key, value)}")
    if hours := changes.get("quiet"):
        changes = {**changes, "quiet": str(hours_of(hours))}
    return SettingsOrder(changes)


def _plain(key: str, text: str) -> str:
    if key in {"quiet", "language"}:
        return "" if text.lower() in _EMPTY else text
    return text.lower()


def _flows(text: str, off: Sequence[str]) -> SettingsOrder:
    """Read `-plan +memory`: what is turned off, and on again."""
    wanted = set(off)
    for word in text.replace(",", " ").split():
        sign, name = word[0], word[1:].lower()
        if sign not in "+-" or not name:
            return SettingsOrder(problem="write `+` or `-` before each flow, such as `-plan`")
        if name not in FLOWS:
            return SettingsOrder(problem=_unknown(name, FLOWS, "flow that can be turned off"))
        wanted = wanted | {name} if sign == "-" else wanted - {name}
    return SettingsOrder({"off": [name for name in FLOWS if name in wanted]})


def _near(key: str, value: object) -> str:
    names: Sequence[str] = getattr(KEYS[key].kind, "names", ())
    near = get_close_matches(str(value), names, 1)
    return f"; did you mean `{near[0]}`?" if near else ""


def _unknown(name: str, known: Sequence[str], what: str) -> str:
    shown = "".join(one for one in name if one.isprintable() and one not in "`<>@&|")[:_QUOTED]
    near = get_close_matches(shown.lower(), known, 1)
    hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}"
    return f"`{shown}` is no {what}; {hint}"
