"""The secrets in AWS Secrets Manager: made and updated from the settings, and never printed."""

import json
from base64 import b64encode
from collections.abc import Mapping
from secrets import token_bytes
from typing import Any

from botocore.exceptions import ClientError

from infra.configuration.secret_settings import (
    LEARNED,
    SECRET_FIELDS,
    SECRETS,
    contents,
    key_of,
)
from infra.migrations.logins import invented_urls
from shared.errors import SettingsError
from shared.settings import Settings

#: Bytes. https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
_LARGEST = 65_536
#: The answers when there is no secret, and when one waits to be deleted.
_ABSENT, _MARKED = "ResourceNotFoundException", "InvalidRequestException"

#: What held a setting before the secrets were cut by their readers: a secret and a key.
_EARLIER = {
    "github_webhook_secret": ("github", "webhook_secret"),
    "github_app_private_key": ("github", "app_private_key"),
    "github_token": ("github", "token"),
    "slack_signing_secret": ("slack", "signing_secret"),
    "slack_bot_token": ("slack", "bot_token"),
    "api_tokens": ("api", "tokens"),
    "database_url": ("database", "url"),
    "database_runtime_url": ("database", "runtime_url"),
    "database_operator_url": ("database", "operator_url"),
    "database_reader_url": ("database", "reader_url"),
}


def given(settings: Settings) -> dict[str, str]:
    """Return the secrets of the settings, by field."""
    values = {field: str(getattr(settings, field)) for field in SECRET_FIELDS}
    if settings.github_app_private_key:
        # The app is used then, and many shells carry a token that is meant for something else.
        values.pop("github_token")
    return {field: value for field, value in values.items() if value}


def read(client: Any, prefix: str) -> dict[str, str]:
    """Return the secret settings that are stored under `prefix`, by field."""
    all_held = {name: held(client, f"{prefix}/{name}") or {} for name in SECRETS}
    found = {
        field: all_held[name].get(key_of(field), "")
        for name, fields in SECRETS.items()
        for field in (*fields, *LEARNED.get(name, ()))
    }
    if not found["database_url"]:
        all_held |= {name: held(client, f"{prefix}/{name}") or {} for name in ("api", "database")}
        for field, (name, key) in _EARLIER.items():
            found[field] = found[field] or all_held[name].get(key, "")
    return {field: value for field, value in found.items() if value}


def store(
    client: Any, prefix: str, stored: Mapping[str, str], new: Mapping[str, str]
) -> dict[str, str]:
    """Store `new` over what is `stored`, report each change by name, and return all that is stored
    now, by field. Stored values that are not given stay."""
    after = {**stored, **_invented(stored, new), **new}
    for name, values in contents(after).items():
        if values:
            print(f"secret {prefix}/{name}: {keep(client, prefix, name, values)}")
    return after


def keep(client: Any, prefix: str, name: str, values: Mapping[str, str]) -> str:
    """Put values into the secret `name` beside those that it has, by their keys there.

    Returns unchanged, changed or created. Raises SettingsError when they do not fit.
    """
    full = f"{prefix}/{name}"
    before = held(client, full)
    after = {**(before or {}), **values}
    text = json.dumps(after)
    if len(text.encode()) > _LARGEST:
        raise SettingsError(f"secret {full} would have more than {_LARGEST} bytes; shorten it")
    if after == before:
        return "unchanged"
    if before is None:
        return _created(client, full, text)
    client.put_secret_value(SecretId=full, SecretString=text)
    return "changed"


def _created(client: Any, name: str, text: str) -> str:
    try:
        client.create_secret(Name=name, SecretString=text)
    except ClientError as err:
        if err.response["Error"]["Code"] not in {_MARKED, "ResourceExistsException"}:
            raise
        client.restore_secret(SecretId=name)
        client.put_secret_value(SecretId=name, SecretString=text)
    return "created"


def _invented(stored: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Return logins for the functions, which the Migrate function makes, beside a new DATABASE_URL
    or one that has none yet; and a key for the tokens of Slack's workspaces, which outlives all."""
    before = stored.get("database_url", "")
    known = {**stored, **new}
    keys = {}
    if known.get("slack_client_secret") and not known.get("slack_token_keys"):
        keys = {"slack_token_keys": f"k1:{b64encode(token_bytes(32)).decode()}"}
    url = new.get("database_url", before)
    if not url:
        return keys
    invented = {f"database_{kind}_url": login for kind, login in invented_urls(url).items()}
    fresh = {key: login for key, login in invented.items() if url != before or key not in stored}
    return fresh | keys


def held(client: Any, name: str) -> dict[str, str] | None:
    """Return what a secret holds; None when there is none, or when it waits to be deleted.

    Raises SettingsError for one that somebody broke.
    """
    try:
        found = client.get_secret_value(SecretId=name)
    except ClientError as err:
        if err.response["Error"]["Code"] not in {_ABSENT, _MARKED}:
            raise
        return None
    try:
        values: dict[str, str] = json.loads(found["SecretString"])
        if all(isinstance(value, str) for value in values.values()):
            return values
    except (KeyError, ValueError, AttributeError):
        pass
    raise SettingsError(f"secret {name} is not a JSON object of texts; correct it in AWS's console")
