"""Where the deployment puts each setting: into a secret, into the bundles, into a parameter of the
template, or nowhere, and then why."""

from infra.configuration.names import OF_DEPLOYMENT
from infra.configuration.secret_settings import SECRET_FIELDS
from shared.settings import Settings

#: Settings that only ./scripts/dev and ./scripts/flows read.
LOCAL: dict[str, str] = {
    "GITHUB_WEB_URL": "the scripts open GitHub's pages; no function does",
    "SLACK_APP_TOKEN": "Slack calls the deployment over HTTP; Socket Mode is for ./scripts/dev",
}
#: The settings that travel with a deployment, by variable: all but secrets.
DEPLOYED = frozenset(
    name
    for field in Settings._fields
    if (name := field.upper()) not in OF_DEPLOYMENT | LOCAL.keys() and field not in SECRET_FIELDS
)


def parameter_of(name: str) -> str:
    """Return what a parameter of template.yaml for this setting would be called.

    >>> parameter_of("ALARM_EMAIL")
    'AlarmEmail'
    """
    return name.title().replace("_", "")
