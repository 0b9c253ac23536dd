"""The credentials of the apps in Secrets Manager, read once in a sitting. The apps tell them after
the functions are deployed, which read them there."""

from collections.abc import Mapping
from typing import Any

from infra.configuration.secret_settings import LEARNED, SECRETS, key_of
from infra.deploy import kept, secrets
from shared.settings import Settings


class Credentials:
    def __init__(self, client: Any, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._stored: Mapping[str, str] | None = None

    def under(self, settings: Settings, environment: Mapping[str, str]) -> Settings:
        """Return the settings with what is stored, unless the environment says otherwise."""
        if self._stored is None:
            self._stored = secrets.read(self._client, self._prefix)
        unset = {
            name: value for name, value in self._stored.items() if not environment.get(name.upper())
        }
        return settings._replace(**unset)

    def keep(self, values: Mapping[str, str]) -> None:
        """Keep values by the names of settings, in each secret whose readers need them."""
        self._stored = None
        for secret, fields in SECRETS.items():
            held = {*fields, *LEARNED.get(secret, ())} & values.keys()
            if held:
                new = {key_of(field): values[field] for field in held}
                secrets.keep(self._client, self._prefix, secret, new)

    def get(self, secret: str) -> dict[str, str]:
        """Return what no function reads."""
        return secrets.held(self._client, f"{self._prefix}/{secret}") or {}

    def put(self, secret: str, values: Mapping[str, str]) -> None:
        """Keep what no function reads."""
        secrets.keep(self._client, self._prefix, secret, values)

    def forget(self) -> None:
        """Read again at the next question."""
        self._stored = None


def app_of(session: Any, prefix: str, settings: Settings) -> Settings:
    """Return `settings` with the GitHub App that the deployment under `prefix` is connected to, and
    its GitHub; the App is empty where it has none."""
    stored = secrets.read(session.client("secretsmanager"), prefix)
    given = kept.read(session.client("ssm"), prefix) or {}
    return settings._replace(
        github_app_id=stored.get("github_app_id") or given.get("GITHUB_APP_ID", ""),
        github_app_private_key=stored.get("github_app_private_key", ""),
        github_api_url=given.get("GITHUB_API_URL") or Settings().github_api_url,
    )
