"""The models in the settings, in chains and roles; and those to propose where none are set."""

import re
from collections.abc import Callable, Iterator, Mapping

from infra.deploy.models.catalog import BedrockCatalog
from infra.deploy.models.resolving import ResolvedModel, resolve

#: The models to propose, the first that the account may use. Their prices are known, and the
#: embedders are those that the memory can call.
PROPOSALS: Mapping[str, tuple[str, ...]] = {
    "MODEL_SMALL": (
        *("amazon.nova-lite-v1:0", "amazon.nova-micro-v1:0"),
        *("anthropic.claude-haiku-4-5-20251001-v1:0",),
    ),
    "MODEL_LARGE": (
        *("amazon.nova-pro-v1:0", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
        *("anthropic.claude-haiku-4-5-20251001-v1:0", "amazon.nova-lite-v1:0"),
    ),
    "MODEL_EMBED": (
        *("amazon.titan-embed-text-v2:0", "cohere.embed-multilingual-v3", "cohere.embed-v4:0"),
    ),
}
SETTINGS = (*PROPOSALS, "MODEL_ROLES")

#: A name within a setting: what stands between commas, and after the `=` of a role.
_NAME = re.compile(r"[^,;=\s][^,;=]*(?=\s*(?:[,;]|$))")


def names_in(settings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each model with the setting that names it; each pair once."""
    seen = set()
    for setting in SETTINGS:
        for found in _NAME.finditer(settings.get(setting, "")):
            pair = (setting, found[0].strip())
            if pair not in seen:
                seen.add(pair)
                yield pair


def renamed(text: str, rename: Callable[[str], str]) -> str:
    """Return a setting with each name in it replaced.

    >>> renamed("judge=a,b;draft=c", str.upper)
    'judge=A,B;draft=C'
    """
    return _NAME.sub(lambda found: rename(found[0].strip()), text)


def proposals(settings: Mapping[str, str], catalog: BedrockCatalog) -> dict[str, ResolvedModel]:
    """Return the best model for each setting that names none."""
    found = {}
    for setting, candidates in PROPOSALS.items():
        if settings.get(setting, "offline") == "offline":
            resolved = (resolve(f"bedrock:{one}", catalog) for one in candidates)
            usable = (one for one in resolved if not one.problem and "legacy" not in one.note)
            if best := next(usable, None):
                found[setting] = best
    return found
