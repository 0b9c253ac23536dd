"""What each setting expects: a line of one table for each.

A check takes the name of a field and the settings, and returns the field's value as the system
reads it. It raises SettingsError with a line that names the setting and says what it expects, and
never quotes a secret or an address, which may hold one.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial

from infra.configuration.forms import (
    check_address,
    check_amount,
    check_authorities,
    check_between,
    check_choice,
    check_database,
    check_form,
    check_ids,
    check_key,
    check_line,
    check_ollama,
    check_private_key,
    check_slack_token,
    check_whole,
    joined,
    unquoted,
    wrong,
)
from shared.errors import SettingsError
from shared.settings import Settings

Check = Callable[[str, Settings], str]

#: The begin of a label, which ends in a colon or a slash.
_PREFIX = r"(?:\w[\w .-]{0,28}[:/])?"


def checked(field: str, settings: Settings) -> str:
    """Return the value of a field in the form that the system reads; raises SettingsError."""
    if "\0" in getattr(settings, field):
        raise SettingsError(f"{field.upper()} holds a NUL character; write it again")
    try:
        return CHECKS.get(field, check_line)(field, settings)
    except RecursionError as err:
        raise unquoted(field, "is nested too deep", "what docs/settings.md shows") from err


def _with_keys(settings: Settings) -> Settings:
    """Fill in missing keys: a deployment keeps them, and a command may need none."""
    openai, anthropic = settings.openai_api_key or "-", settings.anthropic_api_key or "-"
    return settings._replace(openai_api_key=openai, anthropic_api_key=anthropic)


def _connects(name: str, field: str, settings: Settings) -> None:
    from shared.models.providers.connect import connect

    connect(name.strip(), settings, field.upper())


def _models(field: str, settings: Settings) -> str:
    value = check_line(field, settings)
    for name in value.split(","):
        _connects(name, field, _with_keys(settings))
    return value


def _embedder(field: str, settings: Settings) -> str:
    from shared.models.providers.connect import connect_embedder

    value = check_line(field, settings)
    if value.lower() in {"offline", "minilm", "hashing"}:
        return value.lower()
    size = re.search(r"@([+-]?[0-9]+)$", value)
    if "," in value or (size and not re.fullmatch(r"[1-9][0-9]{0,4}", size[1])):
        raise wrong(field, "one model, after an @ perhaps its dimensions above 0", value)
    connect_embedder(value, _with_keys(settings))
    return value


def _roles(field: str, settings: Settings) -> str:
    from shared.models.roles import Roles

    value = joined(field, settings)
    Roles(settings._replace(model_roles=value))
    for part in filter(None, (part.strip() for part in value.split(";"))):
        for name in part.partition("=")[2].split(","):
            _connects(name, field, _with_keys(settings))
    return value


def _read_by(reader: Callable[[str], object], field: str, settings: Settings) -> str:
    """What `reader` reads, which raises SettingsError. Lines of it may be written one below the
    other."""
    value = joined(field, settings)
    reader(value)
    return value


def _prices(text: str) -> object:
    from shared.models.prices import Prices

    return Prices(text)


def _windows(text: str) -> object:
    from shared.models.windows import ModelWindows

    return ModelWindows(text)


def _audio(field: str, settings: Settings) -> str:
    from shared.models.providers.servers import served_model

    value = check_line(field, settings)
    if value.partition(":")[0] not in {"openai", "http", "https"} or "," in value:
        raise wrong(field, "one model, such as openai:whisper-1 or http://host/v1#name", value)
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


_ON_OFF = partial(check_choice, ("on", "off"))
_NAMES = r"[\w*.:/#@-]+(?:\s*,\s*[\w*.:/#@-]+)*"
_ARN = r"arn:aws[\w-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+"
_TEAM = r"[A-Za-z0-9][A-Za-z0-9-]*/[a-z0-9][a-z0-9_-]*"
_SLUG = r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?"

#: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTIONS = (
    *("1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731"),
    *("1096", "1827", "2192", "2557", "2922", "3288", "3653"),
)

CHECKS: Mapping[str, Check] = {
    "github_webhook_secret": check_line,
    "github_app_id": partial(check_form, r"[A-Za-z0-9.]+", "the number that GitHub gave your App"),
    "github_app_private_key": check_private_key,
    "github_token": check_key,
    "github_api_url": check_address,
    "github_web_url": check_address,
    "github_client_id": partial(check_form, r"[\w.]+", "the App's Client ID, such as Iv23…"),
    "github_client_secret": check_key,
    "github_bot_name": partial(check_form, _SLUG, "the App's slug, such as my-agent"),
    "github_label_prefix": partial(check_form, _PREFIX, "the begin of a label, such as agent:"),
    "slack_signing_secret": check_key,
    "slack_bot_token": partial(check_slack_token, ("xoxb-", "xoxe.xoxb-")),
    "slack_app_token": partial(check_slack_token, ("xapp-",)),
    "slack_configuration_token": partial(check_slack_token, ("xoxe-",)),
    "slack_client_id": partial(check_form, r"[0-9]+\.[0-9]+", "the app's Client ID, two numbers"),
    "slack_client_secret": check_key,
    "slack_token_keys": partial(_read_by, _token_keys),
    "slack_api_url": check_address,
    "front_door_url": check_address,
    "api_tokens": partial(_read_by, _api_tokens),
    "console_key": check_key,
    "console_operators": partial(
        check_form, rf"{_TEAM}(?:\s*,\s*{_TEAM})*", "teams of GitHub, such as acme/platform"
    ),
    "model_small": _models,
    "model_large": _models,
    "model_embed": _embedder,
    "model_roles": _roles,
    "model_prices": partial(_read_by, _prices),
    "model_windows": partial(_read_by, _windows),
    "model_sees": partial(check_form, _NAMES, "names of models, such as *claude*,openai:gpt-5*"),
    "model_audio": _audio,
    "model_audio_price": partial(_read_by, _audio_price),
    "model_limits": partial(_read_by, _limits),
    "budgets": partial(_read_by, _budgets),
    "prompt_cache": partial(check_choice, ("shared", "process", "off")),
    "prompt_cache_hours": check_amount,
    "prompt_cache_mb": check_amount,
    "openai_base_url": check_address,
    "openai_api_key": check_key,
    "anthropic_api_key": check_key,
    "anthropic_base_url": check_address,
    "ollama_host": check_ollama,
    "batch_bucket": partial(check_form, r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "an S3 bucket's name"),
    "batch_role_arn": partial(check_form, _ARN, "arn:aws:iam::123456789012:role/name"),
    "database_url": check_database,
    "database_runtime_url": check_database,
    "database_operator_url": check_database,
    "database_reader_url": check_database,
    "database_ca": check_authorities,
    "database_connections": partial(check_whole, 1),
    "database": partial(check_form, "aurora", "aurora, or nothing"),
    "database_min_capacity": partial(
        check_form, r"[0-9]{1,3}(\.5)?", "ACUs in halves, from 0 to 256"
    ),
    "database_max_capacity": partial(
        check_form, r"[1-9][0-9]{0,2}(\.5)?", "ACUs in halves, from 1 to 256"
    ),
    "database_pause_seconds": partial(check_whole, 300),
    "database_backup_days": partial(check_whole, 1),
    "database_rotation_days": partial(check_whole, 0),
    "subnets": partial(check_ids, "subnet"),
    "security_groups": partial(check_ids, "sg"),
    "max_concurrency": partial(check_whole, 2),
    "plan_concurrency": partial(check_whole, 0),
    "runs_concurrency": partial(check_whole, 0),
    "alarm_email": partial(check_form, r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+", "one e-mail address"),
    "log_retention": partial(check_choice, _RETENTIONS),
    "ingress_concurrency": partial(check_whole, 0),
    "visibility_timeout": partial(check_between, 170, 43_200),
    "tenants": partial(_read_by, lambda text: Settings(tenants=text).tenant_of),
    "places": partial(_read_by, _places),
    "repositories": partial(_read_by, lambda text: Settings(repositories=text).repository_of),
    "approver_differs": _ON_OFF,
    "footer": _ON_OFF,
    "findings_per_day": partial(check_whole, 0),
    "explore_share": partial(check_form, r"0|1|0?\.[0-9]{1,4}", "a share from 0 to 1, such as 0.1"),
    "link_hosts": partial(_read_by, _link_hosts),
    "max_attempts": partial(check_whole, 1),
    "max_pause_hours": check_amount,
    "map_memory_mb": partial(check_whole, 0),
    "map_spill": partial(check_choice, ("disk", "s3")),
    "retention_days": partial(check_whole, 1),
    "memory_unused_days": partial(check_whole, 0),
    "audiences": partial(_read_by, _audiences),
    "memory_retention": partial(_read_by, _retention),
}
