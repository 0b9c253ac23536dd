"""Where the deployment puts each setting: into a secret, into the bundles, into a parameter of the
template, or nowhere, and then why."""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from infra.configuration.names import OF_DEPLOYMENT, is_foreign
from infra.configuration.secret_settings import SECRET_FIELDS
from shared.settings import Settings

#: Settings that only ./scripts/dev and ./scripts/flows read.
LOCAL: dict[str, str] = {
    "SLACK_APP_TOKEN": "Slack calls the deployment over HTTP; Socket Mode is for ./scripts/dev",
    "SLACK_CONFIGURATION_TOKEN": "the scripts make the Slack app with it; no function does",
    "EXPLORE_SHARE": "`./scripts/flows learn` bounds by it what it makes; functions read policies",
}
#: The settings that travel with a deployment, by variable: all but secrets.
DEPLOYED = frozenset(
    name
    for field in Settings._fields
    if (name := field.upper()) not in OF_DEPLOYMENT | LOCAL.keys() and field not in SECRET_FIELDS
)


#: The settings that the deployment itself reads: certificates for the bundles, a number to check,
#: the database that it makes.
OF_DEPLOYING = frozenset(name for name in DEPLOYED if name.startswith("DATABASE"))
#: The settings that only say where and how this command works.
_COMMANDS = frozenset(
    f"AWS_{name}"
    for name in (
        *("REGION", "DEFAULT_REGION", "PROFILE", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"),
        *("SESSION_TOKEN", "CONFIG_FILE", "SHARED_CREDENTIALS_FILE", "CA_BUNDLE"),
    )
)
#: An address in a setting, and this machine's names.
_HOST = re.compile(r"https?://(?:[^/@\s]*@)?(\[[^\]]*\]|[^/:\s,;#]+)")
_HERE = re.compile(
    r"localhost|.*\.localhost|127(?:\.[0-9]+)+|0\.0\.0\.0|::1?|\[::1?\]|host\.docker\.internal",
    re.I,
)


def left_out(given: Iterable[str]) -> Iterator[str]:
    """Say which of the names do not reach the deployment, and why."""
    for name in sorted(given):
        if name in LOCAL:
            yield f"{name} stays on this machine: {LOCAL[name]}"
        elif name not in DEPLOYED | _COMMANDS and is_foreign(name):
            yield f"{name} counts for this command; the deployment does not get it"


def out_of_reach(settings: Mapping[str, str]) -> Iterator[str]:
    """Name the addresses that only this machine reaches. An address may hold a secret."""
    for name in sorted(settings.keys() & DEPLOYED):
        if any(is_here(host) for host in _HOST.findall(settings[name])):
            yield f"{name} is on this machine, which AWS cannot reach"
    host = settings.get("OLLAMA_HOST", "")
    if host and "://" not in host and is_here(urlsplit(f"//{host}").hostname or ""):
        yield "OLLAMA_HOST is on this machine, which AWS cannot reach"
    for name in ("MODEL_SMALL", "MODEL_LARGE", "MODEL_EMBED", "MODEL_ROLES"):
        if re.search(r"(?:^|[\s,=])ollama:", settings.get(name, "")) and not host:
            yield f"{name} names a model of Ollama; set OLLAMA_HOST to where AWS reaches it"


def is_here(host: str) -> bool:
    """Tell if a host is this machine."""
    return bool(_HERE.fullmatch(host))


def parameter_of(name: str) -> str:
    """Return what a parameter of template.yaml for this setting would be called.

    >>> parameter_of("ALARM_EMAIL")
    'AlarmEmail'
    """
    return name.title().replace("_", "")


def default_of(name: str) -> str:
    """Return the value of the setting where nothing sets it."""
    return str(Settings._field_defaults.get(name.lower(), ""))
