"""The forms that a setting's value may have, as checks: a line, a number, an address, a key.

Each takes the name of a field and the settings, returns the value as the system reads it, and
raises SettingsError with what it expects; it never quotes a secret or an address.
"""

import re
from urllib.parse import urlsplit

from infra.configuration.authorities import authorities
from infra.terminal import is_address
from shared.errors import SettingsError
from shared.settings import Settings

_LONGEST_SHOWN = 60


def wrong(field: str, expected: str, value: str = "") -> SettingsError:
    shown = value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "…"
    return SettingsError(f"{field.upper()} is {shown!r}; expected {expected}")


def unquoted(field: str, problem: str, expected: str) -> SettingsError:
    return SettingsError(f"{field.upper()} {problem}; expected {expected}")


def check_form(pattern: str, expected: str, field: str, settings: Settings) -> str:
    value: str = getattr(settings, field)
    if not re.fullmatch(pattern, value):
        raise wrong(field, expected, value)
    return value


def check_choice(options: tuple[str, ...], field: str, settings: Settings) -> str:
    value: str = getattr(settings, field)
    if value.lower() not in options:
        raise wrong(field, f"{', '.join(options[:-1])} or {options[-1]}", value)
    return value.lower()


def check_whole(least: int, field: str, settings: Settings) -> str:
    value: str = getattr(settings, field)
    if not re.fullmatch(r"[0-9]{1,5}", value) or int(value) < least:
        raise wrong(field, f"a whole number from {least} to 99999", value)
    return str(int(value))


def check_between(least: int, most: int, field: str, settings: Settings) -> str:
    value = check_whole(least, field, settings)
    if int(value) > most:
        raise wrong(field, f"a whole number from {least} to {most}", value)
    return value


def check_amount(field: str, settings: Settings) -> str:
    value: str = getattr(settings, field)
    if not re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", value) or float(value) <= 0:
        raise wrong(field, "a number above 0", value)
    return value


def check_line(field: str, settings: Settings) -> str:
    """Any text in one line."""
    value: str = getattr(settings, field)
    if not value.isprintable():
        raise unquoted(field, "holds a line break or another control character", "one line")
    return value


def check_key(field: str, settings: Settings) -> str:
    """A token or a key, which travels in a header."""
    value: str = getattr(settings, field)
    if not re.fullmatch(r"[!-~]+", value):
        raise unquoted(
            field, "holds characters that no key has", "letters, digits and signs; copy it again"
        )
    return value


def check_slack_token(kinds: tuple[str, ...], field: str, settings: Settings) -> str:
    """A token of one of the kinds. A compatible server may have tokens of its own form."""
    value = check_key(field, settings)
    is_slack = value.startswith(("xox", "xapp-")) or urlsplit(settings.slack_api_url).hostname in {
        "slack.com",
        "slack-gov.com",
    }
    if is_slack and not value.startswith(kinds):
        raise unquoted(field, "is a token of another kind", f"{kinds[0]}…")
    return value


def check_private_key(field: str, settings: Settings) -> str:
    from shared.actions.github.app_jwt import AppJwt

    AppJwt("1", settings.credential(field))()
    return str(getattr(settings, field))


def check_address(field: str, settings: Settings) -> str:
    value = check_line(field, settings)
    if not is_address(value):
        raise unquoted(field, "is no address", "such as https://host/path")
    return value


def check_ollama(field: str, settings: Settings) -> str:
    """A host, a port, both, or an address."""
    value = check_line(field, settings)
    try:
        parts = urlsplit(value if "://" in value else f"//{value}", scheme="http")
        fits = parts.scheme in {"http", "https"} and parts.port != 0
        fits = fits and re.fullmatch(r"[\w.:-]*", parts.hostname or "") is not None
    except ValueError:
        fits = False
    if not fits:
        raise unquoted(field, "is no address", "such as http://127.0.0.1:11434")
    return value


def check_database(field: str, settings: Settings) -> str:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    value = check_line(field, settings)
    expected = "postgresql://user:password@host/name"
    try:
        found = conninfo_to_dict(value)
    except psycopg.Error as err:
        raise unquoted(field, "is no connection string", expected) from err
    ports = str(found.get("port", "5432")).split(",")
    if not all(re.fullmatch(r"[0-9]{0,5}", port) and int(port or 1) < 65536 for port in ports):
        raise unquoted(field, "names no port from 1 to 65535", expected)
    return value


def check_authorities(field: str, settings: Settings) -> str:
    value = check_line(field, settings)
    authorities(value)
    return value


def check_ids(kind: str, field: str, settings: Settings) -> str:
    """A list of AWS's ids, with commas."""
    value = "".join(joined(field, settings).split())
    if not re.fullmatch(rf"{kind}-[0-9a-f]{{8,17}}(,{kind}-[0-9a-f]{{8,17}})*", value):
        raise wrong(field, f"such as {kind}-0a1b2c3d4e5f67890,{kind}-0f9e8d7c6b5a43210", value)
    return value


def joined(field: str, settings: Settings) -> str:
    value = re.sub(r"\s*[\r\n]\s*", " ", getattr(settings, field))
    return check_line(field, settings._replace(**{field: value}))
