"""Reads the settings; no other module reads the environment."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from shared.errors import SettingsError
from shared.events import REPOSITORY

#: Beginnings of tokens, and their kinds. https://docs.slack.dev/authentication/tokens
#: https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
_TOKENS = {
    **dict.fromkeys(("xoxb-", "xoxe.xoxb-"), "a bot token of Slack"),
    **dict.fromkeys(("xoxp-", "xoxe.xoxp-"), "a user token of Slack"),
    "xapp-": "an app-level token of Slack",
    "xoxe-": "a refresh token of Slack",
    **dict.fromkeys(("xoxa-", "xoxr-", "xoxs-", "xoxc-", "xoxd-"), "another token of Slack"),
    **dict.fromkeys(("ghp_", "github_pat_", "gho_", "ghu_", "ghs_"), "a token of GitHub"),
    "ghr_": "a refresh token of GitHub",
    "-----BEGIN": "a private key",
}
#: The settings that hold a token, and the kind that each expects.
_KINDS = {
    "slack_bot_token": "a bot token of Slack",
    "slack_app_token": "an app-level token of Slack",
    "slack_configuration_token": "a refresh token of Slack",
    "slack_signing_secret": "the signing secret of the Slack app",
    "github_token": "a token of GitHub",
    "github_app_private_key": "a private key",
}


class Credential:
    """A secret among the settings, as it stands now. This one never changes; those of a deployed
    function do (shared/aws/secrets.py). Threads may share it."""

    def __init__(self, value: str) -> None:
        self._value = value

    @property
    def value(self) -> str:
        return self._value

    def renewed(self, refused: str) -> str:
        """Return another value than `refused` when there is one by now, else the empty string."""
        return ""

    def present(self) -> Iterator[str]:
        """Yield the value, then the one that has replaced it, if the first did not fit."""
        value = self.value
        yield value
        if other := self.renewed(value):
            yield other

    def accepted(self) -> Iterator[str]:
        """Yield the values that a sender may sign with, the present one first: while it is changed
        on both sides, the previous one still counts."""
        yield from self.present()


class Settings(NamedTuple):
    """One field per environment variable of the same name in capitals; empty means not set.

    docs/settings.md explains each; a test holds the two equal.
    """

    # GitHub
    github_webhook_secret: str = ""
    github_app_id: str = ""
    github_app_private_key: str = ""
    github_token: str = ""
    github_api_url: str = "https://api.github.com"
    github_web_url: str = ""
    github_bot_name: str = ""
    github_client_id: str = ""
    github_client_secret: str = ""
    github_label_prefix: str = "agent:"
    # Slack
    slack_signing_secret: str = ""
    slack_bot_token: str = ""
    slack_app_token: str = ""
    slack_configuration_token: str = ""
    slack_client_id: str = ""
    slack_client_secret: str = ""
    slack_token_keys: str = ""
    slack_api_url: str = "https://slack.com/api/"
    # The front door
    front_door_url: str = ""
    # The REST API
    api_tokens: str = ""
    # The console
    console_key: str = ""
    console_operators: str = ""
    # Models
    model_small: str = "offline"
    model_large: str = "offline"
    model_embed: str = "offline"
    model_roles: str = ""
    model_prices: str = ""
    model_windows: str = ""
    model_sees: str = "*claude*,*gpt-4*,*gpt-5*,*gemini*,*nova-lite*,*nova-pro*,*pixtral*"
    model_audio: str = ""
    model_audio_price: str = ""
    model_limits: str = ""
    budgets: str = ""
    prompt_cache: str = "shared"
    prompt_cache_hours: str = "24"
    prompt_cache_mb: str = "256"
    openai_base_url: str = ""
    openai_api_key: str = ""
    anthropic_api_key: str = ""
    anthropic_base_url: str = ""
    ollama_host: str = ""
    batch_bucket: str = ""
    batch_role_arn: str = ""
    # Storage
    database_url: str = ""
    database_runtime_url: str = ""
    database_operator_url: str = ""
    database_reader_url: str = ""
    database_ca: str = ""
    database_connections: str = ""
    database: str = ""
    database_min_capacity: str = "0"
    database_max_capacity: str = "4"
    database_pause_seconds: str = "300"
    database_backup_days: str = "14"
    database_rotation_days: str = ""
    # The deployment's network and size
    subnets: str = ""
    security_groups: str = ""
    max_concurrency: str = "10"
    plan_concurrency: str = "20"
    runs_concurrency: str = "3"
    # What the deployment hands to its functions
    flow: str = ""
    secrets: str = ""
    login_secrets: str = ""
    later_secrets: str = ""
    token_path: str = ""
    topic_arn: str = ""
    payload_bucket: str = ""
    event_types: str = ""
    planner_arn: str = ""
    timer_role_arn: str = ""
    # What the deployment itself reads
    alarm_email: str = ""
    log_retention: str = "30"
    visibility_timeout: str = "180"
    # Behaviour
    max_attempts: str = "3"
    max_pause_hours: str = "24"
    map_memory_mb: str = "64"
    map_spill: str = "disk"
    tenants: str = ""
    places: str = ""
    repositories: str = ""
    approver_differs: str = "off"
    footer: str = "on"
    findings_per_day: str = "12"
    explore_share: str = "0.1"
    link_hosts: str = ""
    retention_days: str = "90"
    memory_unused_days: str = "180"
    audiences: str = ""
    memory_retention: str = ""
    ingress_concurrency: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the fields from `environment`, or from the process's own over its bundle's."""
        source = os.environ if environment is None else environment
        given = bundled() if environment is None else {}
        given |= {name: value for name in cls._fields if (value := source.get(name.upper()))}
        return cls(**given)

    def require(self, name: str) -> str:
        """Return the field `name`; raises SettingsError when it is not set, or another kind of
        token."""
        value = self.latest(name)
        if not value:
            raise SettingsError(f"{name.upper()} is not set; docs/settings.md says what it is for")
        kinds = (kind for start, kind in _TOKENS.items() if value.strip("\"' ").startswith(start))
        kind, expected = next(kinds, ""), _KINDS.get(name, "")
        if expected and kind not in ("", expected):
            raise SettingsError(
                f"{name.upper()} is {kind}; expected {expected}, see docs/settings.md"
            )
        return value

    def latest(self, name: str) -> str:
        """Return the field `name` as it stands now: a secret may have brought it lately."""
        value: str = getattr(self, name)
        return value

    def credential(self, name: str) -> Credential:
        """Return the secret in the field `name`; its value may be empty."""
        return Credential(getattr(self, name))

    @property
    def tenant_of(self) -> Mapping[str, str]:
        """The tenant of each organisation and workspace, from
        `TENANTS=acme=github:acme,slack:T1;…`."""
        return _tenants(self.tenants)

    @property
    def repository_of(self) -> Mapping[str, str]:
        """The repository that plans from a place in Slack work on, from
        `REPOSITORIES={"channel:C1": "acme/shop", "team:T1": "acme/website"}`."""
        return _repositories(self.repositories)


@cache
def _tenants(setting: str) -> Mapping[str, str]:
    expected = "expected name=github:org,slack:T123;…"
    mapping: dict[str, str] = {}
    for group in filter(None, (part.strip() for part in setting.split(";"))):
        name, _, members = (piece.strip() for piece in group.partition("="))
        for member in (piece.strip() for piece in members.split(",")):
            if not name or not re.fullmatch(r"(?:github|slack):[\w-]+", member):
                raise SettingsError(f"TENANTS has {group!r}; {expected}")
            if mapping.get(member, name) != name:
                raise SettingsError(f"TENANTS gives {member} to two tenants; {expected}")
            mapping[member] = name
    return mapping


@cache
def _repositories(setting: str) -> Mapping[str, str]:
    if not setting.strip():
        return {}
    expected = 'expected such as {"channel:C1": "acme/shop", "team:T1": "acme/website"}'
    try:
        pairs = json.loads(setting, object_pairs_hook=_Pairs)
    except ValueError as err:
        raise SettingsError(f"REPOSITORIES is no JSON ({err}); {expected}") from err
    if not isinstance(pairs, _Pairs):
        raise SettingsError(f"REPOSITORIES is no object; {expected}")
    mapping: dict[str, str] = {}
    for place, repository in pairs:
        if not re.fullmatch(r"(?:team|channel):[A-Z0-9]+", place):
            raise SettingsError(f"REPOSITORIES names the place {place!r}; {expected}")
        if not isinstance(repository, str) or not re.fullmatch(REPOSITORY, repository):
            raise SettingsError(f"REPOSITORIES gives {place} {repository!r}; {expected}")
        if place in mapping:
            raise SettingsError(f"REPOSITORIES names {place} twice; a place has one repository")
        mapping[place] = repository
    return mapping


class _Pairs(list[tuple[str, object]]):
    """The pairs of a JSON object, including repeated keys, which a dict would hide."""


#: The file of a bundle with the settings that its code reads, by their names in small letters.
BUNDLED = "settings.json"


def bundled() -> dict[str, str]:
    """Return the settings that the deployment wrote into the function's bundle."""
    root = os.environ.get("LAMBDA_TASK_ROOT", "")
    if not root or not os.path.exists(f"{root}/{BUNDLED}"):
        return {}
    with open(f"{root}/{BUNDLED}", encoding="utf-8") as file:
        found = json.load(file)
    return {name: value for name, value in found.items() if name in Settings._fields}


class AwsCredentials(NamedTuple):
    access_key: str
    secret_key: str
    session_token: str


def aws_credentials() -> AwsCredentials:
    """Read the present credentials: they rotate while a function lives, and a snapshot restores old
    ones."""
    env = os.environ
    return AwsCredentials(
        env.get("AWS_ACCESS_KEY_ID", ""),
        env.get("AWS_SECRET_ACCESS_KEY", ""),
        env.get("AWS_SESSION_TOKEN", ""),
    )


def aws_region() -> str:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def aws_endpoint(service: str) -> str:
    """Return AWS_ENDPOINT_URL_<SERVICE> or AWS_ENDPOINT_URL, else the empty string."""
    return os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get(
        "AWS_ENDPOINT_URL", ""
    )


def proxy_to(scheme: str, host: str) -> str:
    """Return the address of the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY name for a host,
    else the empty string. NO_PROXY's hosts, and this machine, are reached without one."""
    from urllib.request import getproxies, proxy_bypass  # the ingress needs none of it

    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all", "")
    if not proxy or host == "localhost" or host.startswith(("127.", "[::1")) or proxy_bypass(host):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"
