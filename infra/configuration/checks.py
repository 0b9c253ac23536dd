"""What each setting expects: a line of one table for each.

A check takes the name of a field and the settings, and returns the field's value as the system
reads it. It raises SettingsError with a line that names the setting and says what it expects, and
never quotes a secret or an address, which may hold one.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import urlsplit

from infra.configuration.authorities import authorities
from infra.terminal import is_address
from shared.errors import SettingsError
from shared.settings import Settings

Check = Callable[[str, Settings], str]

_LONGEST_SHOWN = 60
#: The begin of a label, which ends in a colon or a slash.
_PREFIX = r"(?:\w[\w .-]{0,28}[:/])?"


def checked(field: str, settings: Settings) -> str:
    """Return the value of a field in the form that the system reads; raises SettingsError."""
    if "\0" in getattr(settings, field):
        raise SettingsError(f"{field.upper()} holds a NUL character; write it again")
    try:
        return CHECKS.get(field, _line)(field, settings)
    except RecursionError as err:
        raise _hidden(field, "is nested too deep", "what docs/settings.md shows") from err


def _wrong(field: str, expected: str, value: str = "") -> SettingsError:
    shown = value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "…"
    return SettingsError(f"{field.upper()} is {shown!r}; expected {expected}")


def _hidden(field: str, problem: str, expected: str) -> SettingsError:
    return SettingsError(f"{field.upper()} {problem}; expected {expected}")


def _matching(pattern: str, expected: str, field: str, settings: Settings) -> str:
    value: str = getattr(settings, field)
    if not re.fullmatch(pattern, value):
        raise _wrong(field, expected, value)
    return value


def _choice(options: tuple[str, ...], field: str, settings: Settings) -> str:
    value: str = getattr(settings, field)
    if value.lower() not in options:
        raise _wrong(field, f"{', '.join(options[:-1])} or {options[-1]}", value)
    return value.lower()


def _whole(least: int, field: str, settings: Settings) -> str:
    value: str = getattr(settings, field)
    if not re.fullmatch(r"[0-9]{1,5}", value) or int(value) < least:
        raise _wrong(field, f"a whole number from {least} to 99999", value)
    return str(int(value))


def _between(least: int, most: int, field: str, settings: Settings) -> str:
    value = _whole(least, field, settings)
    if int(value) > most:
        raise _wrong(field, f"a whole number from {least} to {most}", value)
    return value


def _amount(field: str, settings: Settings) -> str:
    value: str = getattr(settings, field)
    if not re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", value) or float(value) <= 0:
        raise _wrong(field, "a number above 0", value)
    return value


def _line(field: str, settings: Settings) -> str:
    """Any text in one line."""
    value: str = getattr(settings, field)
    if not value.isprintable():
        raise _hidden(field, "holds a line break or another control character", "one line")
    return value


def _key(field: str, settings: Settings) -> str:
    """A token or a key, which travels in a header."""
    value: str = getattr(settings, field)
    if not re.fullmatch(r"[!-~]+", value):
        raise _hidden(
            field, "holds characters that no key has", "letters, digits and signs; copy it again"
        )
    return value


def _slack_token(kinds: tuple[str, ...], field: str, settings: Settings) -> str:
    """A token of one of the kinds. A compatible server may have tokens of its own form."""
    value = _key(field, settings)
    is_slack = value.startswith(("xox", "xapp-")) or urlsplit(settings.slack_api_url).hostname in {
        "slack.com",
        "slack-gov.com",
    }
    if is_slack and not value.startswith(kinds):
        raise _hidden(field, "is a token of another kind", f"{kinds[0]}…")
    return value


def _private_key(field: str, settings: Settings) -> str:
    from shared.actions.github.app_jwt import AppJwt

    AppJwt("1", settings.credential(field))()
    return str(getattr(settings, field))


def _address(field: str, settings: Settings) -> str:
    value = _line(field, settings)
    if not is_address(value):
        raise _hidden(field, "is no address", "such as https://host/path")
    return value


def _ollama(field: str, settings: Settings) -> str:
    """A host, a port, both, or an address."""
    value = _line(field, settings)
    try:
        parts = urlsplit(value if "://" in value else f"//{value}", scheme="http")
        fits = parts.scheme in {"http", "https"} and parts.port != 0
        fits = fits and re.fullmatch(r"[\w.:-]*", parts.hostname or "") is not None
    except ValueError:
        fits = False
    if not fits:
        raise _hidden(field, "is no address", "such as http://127.0.0.1:11434")
    return value


def _database(field: str, settings: Settings) -> str:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    value = _line(field, settings)
    expected = "postgresql://user:password@host/name"
    try:
        found = conninfo_to_dict(value)
    except psycopg.Error as err:
        raise _hidden(field, "is no connection string", expected) from err
    ports = str(found.get("port", "5432")).split(",")
    if not all(re.fullmatch(r"[0-9]{0,5}", port) and int(port or 1) < 65536 for port in ports):
        raise _hidden(field, "names no port from 1 to 65535", expected)
    return value


def _authorities(field: str, settings: Settings) -> str:
    value = _line(field, settings)
    authorities(value)
    return value


def _ids(kind: str, field: str, settings: Settings) -> str:
    """A list of AWS's ids, with commas."""
    value = "".join(_joined(field, settings).split())
    if not re.fullmatch(rf"{kind}-[0-9a-f]{{8,17}}(,{kind}-[0-9a-f]{{8,17}})*", value):
        raise _wrong(field, f"such as {kind}-0a1b2c3d4e5f67890,{kind}-0f9e8d7c6b5a43210", value)
    return value


def _with_keys(settings: Settings) -> Settings:
    """Fill in missing keys: a deployment keeps them, and a command may need none."""
    openai, anthropic = settings.openai_api_key or "-", settings.anthropic_api_key or "-"
    return settings._replace(openai_api_key=openai, anthropic_api_key=anthropic)


def _connects(name: str, field: str, settings: Settings) -> None:
    from shared.models.providers.connect import connect

    connect(name.strip(), settings, field.upper())


def _models(field: str, settings: Settings) -> str:
    value = _line(field, settings)
    for name in value.split(","):
        _connects(name, field, _with_keys(settings))
    return value


def _embedder(field: str, settings: Settings) -> str:
    from shared.models.providers.connect import connect_embedder

    value = _line(field, settings)
    if value.lower() in {"offline", "minilm", "hashing"}:
        return value.lower()
    size = re.search(r"@([+-]?[0-9]+)$", value)
    if "," in value or (size and not re.fullmatch(r"[1-9][0-9]{0,4}", size[1])):
        raise _wrong(field, "one model, after an @ perhaps its dimensions above 0", value)
    connect_embedder(value, _with_keys(settings))
    return value


def _roles(field: str, settings: Settings) -> str:
    from shared.models.roles import Roles

    value = _joined(field, settings)
    Roles(settings._replace(model_roles=value))
    for part in filter(None, (part.strip() for part in value.split(";"))):
        for name in part.partition("=")[2].split(","):
            _connects(name, field, _with_keys(settings))
    return value


def _read_by(reader: Callable[[str], object], field: str, settings: Settings) -> str:
    """What `reader` reads, which raises SettingsError. Lines of it may be written one below the
    other."""
    value = _joined(field, settings)
    reader(value)
    return value


def _joined(field: str, settings: Settings) -> str:
    value = re.sub(r"\s*[\r\n]\s*", " ", getattr(settings, field))
    return _line(field, settings._replace(**{field: value}))


def _prices(text: str) -> object:
    from shared.models.prices import Prices

    return Prices(text)


def _windows(text: str) -> object:
    from shared.models.windows import ModelWindows

    return ModelWindows(text)


def _audio(field: str, settings: Settings) -> str:
    from shared.models.providers.servers import served_model

    value = _line(field, settings)
    if value.partition(":")[0] not in {"openai", "http", "https"} or "," in value:
        raise _wrong(field, "one model, such as openai:whisper-1 or http://host/v1#name", value)
    served_model(value, _with_keys(settings), field.upper())
    return value


def _audio_price(text: str) -> object:
    from shared.models.providers.transcribing import price_of

    return price_of(text)


def _limits(text: str) -> object:
    from shared.models.guards.account_limits import limits_of

    return limits_of(text)


def _budgets(text: str) -> object:
    from shared.models.guards.ceilings import Ceilings

    return Ceilings(text)


def _api_tokens(text: str) -> object:
    from shared.web.api_requests import known_tokens

    return known_tokens(text)


def _link_hosts(text: str) -> object:
    from shared.actions.links import link_hosts

    return link_hosts(text)


def _places(text: str) -> object:
    from shared.actions.places import configured

    return configured(text)


def _audiences(text: str) -> object:
    from shared.memory.audience import grants_from

    return grants_from(text)


def _token_keys(text: str) -> object:
    from shared.installations.sealing import TokenKeys

    return TokenKeys(text)


def _retention(text: str) -> object:
    from shared.memory.upkeep.retention import expiry

    return expiry(text)


_ON_OFF = partial(_choice, ("on", "off"))
_NAMES = r"[\w*.:/#@-]+(?:\s*,\s*[\w*.:/#@-]+)*"
_ARN = r"arn:aws[\w-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+"
_SLUG = r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?"

#: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTIONS = (
    *("1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731"),
    *("1096", "1827", "2192", "2557", "2922", "3288", "3653"),
)

CHECKS: Mapping[str, Check] = {
    "github_webhook_secret": _line,
    "github_app_id": partial(_matching, r"[A-Za-z0-9.]+", "the number that GitHub gave your App"),
    "github_app_private_key": _private_key,
    "github_token": _key,
    "github_api_url": _address,
    "github_web_url": _address,
    "github_client_id": partial(_matching, r"[\w.]+", "the App's Client ID, such as Iv23…"),
    "github_client_secret": _key,
    "github_bot_name": partial(_matching, _SLUG, "the App's slug, such as my-agent"),
    "github_label_prefix": partial(_matching, _PREFIX, "the begin of a label, such as agent:"),
    "slack_signing_secret": _key,
    "slack_bot_token": partial(_slack_token, ("xoxb-", "xoxe.xoxb-")),
    "slack_app_token": partial(_slack_token, ("xapp-",)),
    "slack_configuration_token": partial(_slack_token, ("xoxe-",)),
    "slack_client_id": partial(_matching, r"[0-9]+\.[0-9]+", "the app's Client ID, two numbers"),
    "slack_client_secret": _key,
    "slack_token_keys": partial(_read_by, _token_keys),
    "slack_api_url": _address,
    "front_door_url": _address,
    "api_tokens": partial(_read_by, _api_tokens),
    "model_small": _models,
    "model_large": _models,
    "model_embed": _embedder,
    "model_roles": _roles,
    "model_prices": partial(_read_by, _prices),
    "model_windows": partial(_read_by, _windows),
    "model_sees": partial(_matching, _NAMES, "names of models, such as *claude*,openai:gpt-5*"),
    "model_audio": _audio,
    "model_audio_price": partial(_read_by, _audio_price),
    "model_limits": partial(_read_by, _limits),
    "budgets": partial(_read_by, _budgets),
    "prompt_cache": partial(_choice, ("shared", "process", "off")),
    "prompt_cache_hours": _amount,
    "prompt_cache_mb": _amount,
    "openai_base_url": _address,
    "openai_api_key": _key,
    "anthropic_api_key": _key,
    "anthropic_base_url": _address,
    "ollama_host": _ollama,
    "batch_bucket": partial(_matching, r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "an S3 bucket's name"),
    "batch_role_arn": partial(_matching, _ARN, "arn:aws:iam::123456789012:role/name"),
    "database_url": _database,
    "database_runtime_url": _database,
    "database_operator_url": _database,
    "database_reader_url": _database,
    "database_ca": _authorities,
    "database_connections": partial(_whole, 1),
    "database": partial(_matching, "aurora", "aurora, or nothing"),
    "database_min_capacity": partial(
        _matching, r"[0-9]{1,3}(\.5)?", "ACUs in halves, from 0 to 256"
    ),
    "database_max_capacity": partial(
        _matching, r"[1-9][0-9]{0,2}(\.5)?", "ACUs in halves, from 1 to 256"
    ),
    "database_pause_seconds": partial(_whole, 300),
    "database_backup_days": partial(_whole, 1),
    "database_rotation_days": partial(_whole, 0),
    "subnets": partial(_ids, "subnet"),
    "security_groups": partial(_ids, "sg"),
    "max_concurrency": partial(_whole, 2),
    "plan_concurrency": partial(_whole, 0),
    "runs_concurrency": partial(_whole, 0),
    "alarm_email": partial(_matching, r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+", "one e-mail address"),
    "log_retention": partial(_choice, _RETENTIONS),
    "ingress_concurrency": partial(_whole, 0),
    "visibility_timeout": partial(_between, 170, 43_200),
    "tenants": partial(_read_by, lambda text: Settings(tenants=text).tenant_of),
    "places": partial(_read_by, _places),
    "repositories": partial(_read_by, lambda text: Settings(repositories=text).repository_of),
    "approver_differs": _ON_OFF,
    "footer": _ON_OFF,
    "findings_per_day": partial(_whole, 0),
    "link_hosts": partial(_read_by, _link_hosts),
    "max_attempts": partial(_whole, 1),
    "max_pause_hours": _amount,
    "map_memory_mb": partial(_whole, 0),
    "map_spill": partial(_choice, ("disk", "s3")),
    "retention_days": partial(_whole, 1),
    "memory_unused_days": partial(_whole, 0),
    "audiences": partial(_read_by, _audiences),
    "memory_retention": partial(_read_by, _retention),
}
