"""The secrets in AWS Secrets Manager: made and updated from the settings, and never printed."""

import json
import secrets
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from infra.migrations.logins import invented_urls
from shared.settings import Settings

#: The secrets that template.yaml reads, as secret and key, with the setting of each.
KEPT: Mapping[str, Mapping[str, str]] = {
    "database": {
        "url": "database_url",
        "runtime_url": "database_runtime_url",
        "operator_url": "database_operator_url",
        "reader_url": "database_reader_url",
    },
    "github": {
        "webhook_secret": "github_webhook_secret",
        "app_private_key": "github_app_private_key",
        "token": "github_token",
    },
    "slack": {"signing_secret": "slack_signing_secret", "bot_token": "slack_bot_token"},
    "api": {"tokens": "api_tokens"},
    "models": {"openai_api_key": "openai_api_key", "anthropic_api_key": "anthropic_api_key"},
}

#: The ingress always reads these two. A random value, which nobody knows, closes its door.
_DOORS = {"github": "webhook_secret", "slack": "signing_secret"}


class Stored(NamedTuple):
    """The content of Secrets Manager: `values` by secret and key, and a digest of the versions."""

    values: Mapping[str, Mapping[str, str]]
    versions: str = ""

    def has(self, secret: str, key: str) -> bool:
        return bool(self.values[secret].get(key))


def given(settings: Settings) -> dict[str, dict[str, str]]:
    """Return the secrets of the settings, by secret and key."""
    values = {
        secret: {key: value for key, name in keys.items() if (value := getattr(settings, name))}
        for secret, keys in KEPT.items()
    }
    if "app_private_key" in values["github"]:
        # The app is used then, and many shells carry a token that is meant for something else.
        values["github"].pop("token", None)
    return values


def read(client: Any, prefix: str) -> Stored:
    """Read what is stored under `prefix`."""
    found = {secret: _read(client, f"{prefix}/{secret}") for secret in KEPT}
    versions = "".join(version for _, version in found.values())
    values = {secret: content for secret, (content, _) in found.items()}
    return Stored(values, sha256(versions.encode()).hexdigest()[:12])


def store(client: Any, prefix: str, stored: Stored, new: Mapping[str, Mapping[str, str]]) -> Stored:
    """Store `new` over what is there, report each change by name, and return what is stored now.

    Stored values that are not given stay.
    """
    for secret in KEPT:
        name, before = f"{prefix}/{secret}", stored.values[secret]
        after = {**before, **_invented(secret, before, new[secret]), **new[secret]}
        if door := _DOORS.get(secret):
            after.setdefault(door, secrets.token_urlsafe(32))
        if after == before:
            print(f"secret {name}: unchanged")
        elif before:
            client.put_secret_value(SecretId=name, SecretString=json.dumps(after))
            print(f"secret {name}: changed")
        else:
            client.create_secret(Name=name, SecretString=json.dumps(after))
            print(f"secret {name}: created")
    return read(client, prefix)


def _invented(secret: str, before: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Return logins for the functions, which the Migrate function makes, beside a new DATABASE_URL
    or one that has none yet."""
    url = new.get("url", before.get("url", "")) if secret == "database" else ""
    if not url:
        return {}
    moved = url != before.get("url")
    invented = {f"{kind}_url": login for kind, login in invented_urls(url).items()}
    return {key: login for key, login in invented.items() if moved or key not in before}


def _read(client: Any, name: str) -> tuple[dict[str, str], str]:
    try:
        found = client.get_secret_value(SecretId=name)
    except ClientError as err:
        if err.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return {}, ""
    return json.loads(found["SecretString"]), found["VersionId"]
