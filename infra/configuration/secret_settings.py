"""Which settings are secrets, and which secret of the deployment holds each.

They are cut by who reads them, so that a function may read no more than it needs. In a secret, a
value has the name of its setting in small letters; each login of the database is `database_url`
there, because that is what its reader calls it.
"""

from collections.abc import Iterable, Mapping

#: The secrets by the ends of their names, with the settings that each holds.
SECRETS: Mapping[str, tuple[str, ...]] = {
    "webhooks": ("github_webhook_secret", "slack_signing_secret", "api_tokens"),
    "github": ("github_app_private_key", "github_token"),
    "slack": ("slack_bot_token", "slack_client_secret", "slack_token_keys"),
    "sign-in": ("github_client_secret",),
    "console": ("console_key",),
    "models": ("openai_api_key", "anthropic_api_key"),
    "database/owner": ("database_url",),
    "database/runtime": ("database_runtime_url",),
    "database/operator": ("database_operator_url",),
    "database/reader": ("database_reader_url",),
}
#: What an app tells when it is registered, after the functions are deployed: these are no secrets,
#: but they stand beside those that come with them.
LEARNED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("webhooks", "github"), ("github_app_id", "github_bot_name")),
    **dict.fromkeys(("sign-in",), ("github_client_id",)),
}
SECRET_FIELDS = frozenset(field for fields in SECRETS.values() for field in fields)


def key_of(field: str) -> str:
    """Return what a setting is called in its secret."""
    return "database_url" if field.startswith("database_") else field


def contents(settings: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Sort the settings, by field, into what each secret holds; those that are not set, and those
    that are no secrets, are left out."""
    return {
        secret: {key_of(field): settings[field] for field in fields if settings.get(field)}
        for secret, fields in SECRETS.items()
    }


def secrets_of(fields: Iterable[str]) -> list[str]:
    """Return the secrets of platforms and models that hold any of these settings."""
    wanted = {*fields}
    return [
        secret
        for secret, held in SECRETS.items()
        if wanted & {*held} and not secret.startswith("database/")
    ]
