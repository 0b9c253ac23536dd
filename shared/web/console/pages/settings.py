"""/console/settings: the settings that are in force and where each comes from; secrets never."""

from urllib.parse import urlsplit

from chalice.app import Response

from shared.settings import Settings, bundled
from shared.web.console.routing import PageRequest

TEMPLATE = "settings.html"

#: Words in the names of what is never shown, and settings that hold such things by other names.
_SECRET_WORDS = ("secret", "token", "key", "password")
_HIDDEN = frozenset({"database_url", "console_key", "api_tokens"})


def settings(asked: PageRequest) -> Response:
    """List the settings that this function has, with their sources."""
    given, defaults = bundled(), Settings._field_defaults
    rows = []
    for name in Settings._fields:
        value = str(getattr(asked.settings, name))
        source = "default" if value == defaults.get(name, "") else "deployment"
        if name in given and given[name] != value:
            source = "function"
        if value or source != "default":
            rows.append({"name": name.upper(), "value": _shown(name, value), "source": source})
    return asked.page(TEMPLATE, "Settings", rows=rows)


def _shown(name: str, value: str) -> str:
    """Return a value without what must stay secret: whole settings, and the users of addresses."""
    parts = name.split("_")
    secret = name in _HIDDEN or (name.startswith("database_") and name.endswith("_url"))
    if secret or any(word in parts for word in _SECRET_WORDS):
        return "set, not shown" if value else ""
    if "://" in value and "@" in value:
        found = urlsplit(value)
        return f"{found.scheme}://{found.hostname or ''}{found.path}"
    return value
