"""What tokens cost, as far as we know: list prices of a few models, and None for the rest."""

import re
from typing import NamedTuple

from shared.models import Usage


class Price(NamedTuple):
    """US dollars per million tokens. A price counts for calls of more than `above` input tokens."""

    input: float
    output: float
    cached: float
    above: int = 0


#: Standard tier, without regional surcharges, batch discounts or what writing to a prefix cache
#: costs. As of November 2026; check the vendors' pages before you rely on a figure:
#: - https://platform.claude.com/docs/en/about-claude/pricing (Bedrock lists the same),
#: - https://developers.openai.com/api/docs/pricing,
#: - https://aws.amazon.com/bedrock/pricing/.
PRICES: dict[str, tuple[Price, ...]] = {
    "claude-opus-5-5": (Price(4, 20, 0.20),),
    "claude-opus-5": (Price(5, 25, 0.50),),
    "claude-sonnet-5-5": (Price(2, 10, 0.10),),
    "claude-sonnet-5": (Price(2, 10, 0.20),),
    "claude-sonnet-4-6": (Price(3, 15, 0.30),),
    "claude-sonnet-4-5": (Price(3, 15, 0.30),),
    "claude-haiku-5-5": (Price(0.10, 0.50, 0.01), Price(0.50, 2.50, 0.05, above=100_000)),
    "claude-haiku-4-5": (Price(1, 5, 0.10),),
    "gpt-5.6-terra": (Price(2, 12, 0.20), Price(4, 18, 0.40, above=272_000)),
    "gpt-5.6-luna": (Price(0.20, 1.20, 0.02), Price(0.40, 1.80, 0.04, above=200_000)),
    "gpt-5.5": (Price(5, 30, 0.50), Price(10, 45, 1.0, above=272_000)),
    "gpt-5.4": (Price(2.5, 15, 0.25), Price(5, 22.5, 0.50, above=272_000)),
    "gpt-5.4-mini": (Price(0.75, 4.5, 0.075),),
    "gpt-5.4-nano": (Price(0.20, 1.25, 0.02),),
    "gpt-5-mini": (Price(0.25, 2, 0.025),),
    "gpt-4.1": (Price(2, 8, 0.50),),
    "gpt-4.1-mini": (Price(0.40, 1.60, 0.10),),
    "nova-pro": (Price(0.80, 3.20, 0.20),),
    "nova-lite": (Price(0.06, 0.24, 0.015),),
    "nova-micro": (Price(0.035, 0.14, 0.00875),),
}

#: Servers whose prices the table knows. A model of the same name elsewhere may cost anything.
_KNOWN = ("openai:", "anthropic:", "bedrock:")

#: What may follow a name in the table and still be the same model: a date or a version. Anything
#: else (`gpt-5.4-pro` after `gpt-5.4`) is another model at another price.
_SAME_MODEL = re.compile(r"(-latest|-?\d{4}-?\d{2}-?\d{2})?(-v\d+)?(:\d+)*")


def cost(name: str, usage: Usage) -> float | None:
    """Return what `usage` of the model called `name` costs in US dollars, None when unknown.

    >>> cost("anthropic:claude-haiku-4-5-20251001", Usage(input=1_000_000, output=1_000_000))
    6.0
    >>> cost("openai:gpt-5.4-pro", Usage(input=1_000_000)) is None
    True
    """
    if name == "offline":
        return 0.0
    tiers = _tiers(name)
    if not tiers:
        return None
    price = max(tier for tier in tiers if not tier.above or usage.input > tier.above)
    fresh = usage.input - usage.cached
    dollars = fresh * price.input + usage.cached * price.cached + usage.output * price.output
    return dollars / 1_000_000


def _tiers(name: str) -> tuple[Price, ...]:
    if not name.startswith(_KNOWN):
        return ()
    # Bedrock writes the region and the vendor first: `us.anthropic.claude-…`, `amazon.nova-…`.
    model = re.sub(r"^\w+:(\w+\.)?(anthropic|amazon)\.|^\w+:", "", name)
    known = [key for key in PRICES if model.startswith(key)]
    longest = max(known, key=len, default="")
    if not longest or not _SAME_MODEL.fullmatch(model[len(longest) :]):
        return ()
    return PRICES[longest]
