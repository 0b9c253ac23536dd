"""Writes what people read of a channel's settings: each value, and who set it when."""

import time
from typing import Any

from shared.events import Json
from shared.team_settings.channels.keys import DRAFT_WEEK, FLOWS, KEYS, ChannelSettings

_MODES = {
    "mentions": "mention only",
    "answers": "answers questions when sure",
    "listens": "mention only, and listens",
}
_OUTCOMES = ("sent", "edited", "dropped", "undecided")


def all_settings(said: Json, drafts: Json) -> str:
    """Return the settings as a list, each with who set it and when; and what became of drafts."""
    found = ChannelSettings.of(said)
    rows = [f"- `{_shown(key)}` {_value(key, found)} {_origin(said.get(key))}" for key in KEYS]
    if any(drafts.values()):
        counts = ", ".join(f"{drafts[name]} {name}" for name in _OUTCOMES)
        rows += ["", f"Drafts of answers: {counts}. `settings drafts off` ends them after a week."]
    return "\n".join(["Settings of this channel:", "", *rows])


def in_short(said: Json, at: float) -> str:
    """Say in one line what a channel wants at this moment, in seconds since the epoch."""
    found = ChannelSettings.of(said)
    parts = [_MODES[found.mode]]
    if found.mode == "answers":
        since = said["mode"][2]
        is_new = at < since + DRAFT_WEEK
        parts += ["as drafts in its first week"] if is_new else []
        parts += ["as drafts"] if found.drafts == "on" and not is_new else []
    if found.quiet:
        parts.append(f"quiet {found.quiet}{', now' if found.is_quiet(at) else ''}")
    return "; ".join(parts)


def help_for_keys() -> str:
    """Say what each key takes."""
    rows = [f"- `settings {_shown(key)} …`: {one.about}" for key, one in KEYS.items()]
    return "\n".join([*rows, "- `settings reset`: all as it was at first."])


def _shown(key: str) -> str:
    return "flows" if key == "off" else key


def _value(key: str, found: ChannelSettings) -> str:
    if key == "off":
        return ", ".join(name if name not in found.off else f"~{name}~" for name in FLOWS)
    return f"**{getattr(found, key) or 'none'}**"


def _origin(row: Any) -> str:
    if not row:
        return "(default)"
    _, who, at = row
    day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))
    return f"({'set by ' + who + ', ' if who else 'set '}{day})"
