"""The names that count as settings, and the nearest of them to a name that is none."""

import re
from difflib import get_close_matches

from shared.settings import Settings

#: Only template.yaml sets these.
OF_DEPLOYMENT = frozenset(
    {
        *("FLOW", "SECRETS", "LOGIN_SECRETS", "TOPIC_ARN", "PAYLOAD_BUCKET", "PLANNER_ARN"),
        *("EVENT_TYPES", "TIMER_ROLE_ARN", "LATER_SECRETS", "TOKEN_PATH"),
    }
)
#: What a stage says in samconfig.toml, or an option of ./scripts/deploy.
OF_STAGE = frozenset(
    {
        *("ACCESS_LOGS", "ARCHITECTURE", "KMS_KEY", "KMS_KEY_ARN", "PERMISSIONS_BOUNDARY"),
        *("ROLLOUT", "RUNTIME", "SECRET_PREFIX", "STACK_NAME", "TRACING"),
    }
)
#: https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
_AWS = frozenset(
    f"AWS_{name}"
    for name in (
        *("REGION", "DEFAULT_REGION", "PROFILE", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"),
        *("SESSION_TOKEN", "ENDPOINT_URL", "CONFIG_FILE", "SHARED_CREDENTIALS_FILE", "CA_BUNDLE"),
    )
)
SETTINGS = frozenset(name.upper() for name in Settings._fields) - OF_DEPLOYMENT | _AWS

#: What the programs and libraries under us read.
_OTHERS = re.compile(
    r"(?i:(?:https?|all|no|ftp)_proxy)|PATH|HOME|LANG|LANGUAGE|TZ|TERM|TMPDIR|NO_COLOR|FORCE_COLOR"
    r"|(?:AWS|LC|PG|SAM|PIP|PYTHON|XDG|SSL|CURL|REQUESTS|OLLAMA|DOCKER|COMPOSE|BOTO)[A-Z0-9_]+"
)
#: The first words of our names; a name that begins so was meant for us.
_OURS = frozenset(name.partition("_")[0] for name in SETTINGS - _AWS) | {"AGENT", "AGENTS"}
_NEAR, _FAR = 0.84, 0.5


def is_known(name: str) -> bool:
    return name in SETTINGS or name in OF_DEPLOYMENT or name.startswith("AWS_ENDPOINT_URL_")


def misspelt(name: str) -> str:
    """Return the setting that `name` nearly spells, or nothing.

    >>> misspelt("MODEL_SMAL"), misspelt("database-url"), misspelt("PATH")
    ('MODEL_SMALL', 'DATABASE_URL', '')
    """
    if is_known(name) or re.fullmatch(r"(?i:\w+_proxy)", name):
        return ""
    nearest = _nearest(name, _NEAR)
    is_theirs = is_foreign(name) and _first_word(name) != _first_word(nearest)
    return "" if is_theirs else nearest


def is_foreign(name: str) -> bool:
    """Tell whether another program than ours reads the variable."""
    return bool(_OTHERS.fullmatch(name))


def is_meant_for_us(name: str) -> bool:
    return _first_word(name) in _OURS


def _first_word(name: str) -> str:
    return re.split(r"[_-]", name.upper())[0]


def hint(name: str) -> str:
    """Return words that lead from a wrong name to the right one."""
    nearest = _nearest(name, _FAR)
    return f"did you mean {nearest}?" if nearest else "docs/settings.md lists all"


def _nearest(name: str, cutoff: float) -> str:
    plain = re.sub(r"[-.\s]", "_", name.upper())
    return next(iter(get_close_matches(plain, sorted(SETTINGS), 1, cutoff)), "")
