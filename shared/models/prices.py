"""Prices of tokens: the user's own, the list prices of some models, and None for the rest."""

import json
import re
import threading
from typing import NamedTuple

from shared.errors import SettingsError
from shared.log import log
from shared.models import ModelRequest, Usage
from shared.patterns import lazily


class Price(NamedTuple):
    """US dollars per million tokens. A price counts for calls of more than `above` input tokens."""

    input: float
    output: float
    cached: float
    above: int = 0


#: Standard tier, without regional surcharges or batch discounts. As of November 2026; check the
#: vendors' pages before you rely on a figure:
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
    "text-embedding-3-small": (Price(0.02, 0, 0),),
    "text-embedding-3-large": (Price(0.13, 0, 0),),
    "text-embedding-ada-002": (Price(0.10, 0, 0),),
    "titan-embed-text-v2": (Price(0.02, 0, 0),),
    "embed-english-v3": (Price(0.10, 0, 0),),
    "embed-multilingual-v3": (Price(0.10, 0, 0),),
    "embed-v4": (Price(0.12, 0, 0),),
}

#: Servers whose prices stand in the table. Elsewhere a model of the same name may cost anything.
_KNOWN = ("openai:", "anthropic:", "bedrock:")

#: A date or a version may follow a name in the table. Anything else (`gpt-5.4-pro` after
#: `gpt-5.4`) makes it another model at another price.
_SAME_MODEL = lazily(r"(-latest|-?\d{4}-?\d{2}-?\d{2})?(-v\d+)?(:\d+)*")


#: Tokens that providers add to a request (their words about tools or JSON), and to each part.
_REQUEST_TOKENS = 1_000
_PART_TOKENS = 16
#: The most that a provider counts for one picture: OpenAI's budget of patches at full detail.
#: https://developers.openai.com/api/docs/guides/images-vision
_IMAGE_TOKENS = 10_000

#: Batches cost this share of the price of calls, at OpenAI, Anthropic and Bedrock alike:
#: https://developers.openai.com/api/docs/guides/batch,
#: https://platform.claude.com/docs/en/build-with-claude/batch-processing,
#: https://aws.amazon.com/bedrock/pricing/.
BATCH_SHARE = 0.5

#: A larger amount is a typing error.
_MOST_DOLLARS = 1e9

_unknown: set[str] = set()
_lock = threading.Lock()


class Prices:
    """The prices of MODEL_PRICES, then those of the table. An exact name comes before a prefix, and
    a longer prefix before a shorter one.

    >>> Prices("ollama:*=0/0/0").cost("ollama:llama3.2", Usage(1_000_000, 1_000_000))
    0.0
    """

    def __init__(self, text: str = "") -> None:
        self._own = _parsed(text)

    def cost(self, name: str, usage: Usage) -> float | None:
        """Return the cost of `usage` of the model `name` in US dollars, None when unknown.

        >>> Prices().cost("anthropic:claude-haiku-4-5-20251001", Usage(1_000_000, 1_000_000))
        6.0
        """
        tiers = self._tiers(name)
        if not tiers:
            return None
        price = _tier(tiers, usage.input)
        cached = min(usage.cached, usage.input)
        fresh = usage.input - cached
        dollars = fresh * price.input + cached * price.cached + usage.output * price.output
        dollars += usage.written * price.input * _write_surcharge(name)
        return dollars / 1_000_000

    def ceiling(self, name: str, request: ModelRequest) -> float | None:
        """Return the most that one call can cost in US dollars, None when the price is unknown.

        That assumes `most_tokens` of input, all written to the prefix cache, and `max_tokens` of
        output.
        """
        tiers = self._tiers(name)
        if not tiers:
            return None
        tokens = most_tokens(request)
        price = _tier(tiers, tokens)
        dearest = max(price.input * (1 + _write_surcharge(name)), price.cached)
        dollars = tokens * dearest + request.max_tokens * price.output
        return dollars / 1_000_000

    def _tiers(self, name: str) -> tuple[Price, ...]:
        """Return the prices of `name`; none when unknown, and log that once per process."""
        prefixes = [key for key in self._own if key.endswith("*") and name.startswith(key[:-1])]
        if found := self._own.get(name) or self._own.get(max(prefixes, key=len, default="")):
            return (found,)
        tiers = _listed(name)
        if not tiers:
            with _lock:
                news = name not in _unknown
                _unknown.add(name)
            if news:
                log("price unknown; MODEL_PRICES can name it", model=name)
        return tiers


def _write_surcharge(name: str) -> float:
    """Return the surcharge for writing to the prefix cache, as a share of the price of input.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching: a quarter, for five
    minutes. Amazon's own models write for free, and OpenAI's do not count it.
    """
    return 0.25 if "claude" in name else 0.0


def most_tokens(request: ModelRequest) -> int:
    """Return an upper bound of the input tokens of `request`.

    A tokenizer makes at most one token of each byte. English has a quarter of that, so the bound is
    high; budgets give the rest back as soon as the call has ended.
    """
    parts = [request.system]
    for message in request.messages:
        parts.append(message.text)
        parts += [json.dumps([call.id, call.name, call.arguments]) for call in message.calls]
    parts += [json.dumps([t.name, t.description, t.parameters]) for t in request.tools]
    if request.schema is not None:
        parts.append(json.dumps(request.schema))
    text = sum(len(part.encode("utf-8", "replace")) for part in parts)
    images = sum(len(message.images) for message in request.messages)
    around = _REQUEST_TOKENS + _PART_TOKENS * len(parts)
    return text + images * _IMAGE_TOKENS + around


def shown_cost(dollars: float, *, unpriced: bool) -> str:
    """Write what was spent, also when the price of some of it is unknown; nothing for nothing.

    >>> shown_cost(0.0, unpriced=False), shown_cost(0.5, unpriced=False)
    ('', '$0.5000')
    >>> shown_cost(0.0, unpriced=True), shown_cost(0.5, unpriced=True)
    ('cost unknown', '$0.5000 and an unknown cost')
    """
    if not unpriced:
        return f"${dollars:.4f}" if dollars else ""
    return f"${dollars:.4f} and an unknown cost" if dollars else "cost unknown"


def dollars_of(text: str) -> float:
    """Read an amount of dollars; raises ValueError unless it is a number of a sensible size."""
    dollars = float(text)
    if not 0 <= dollars <= _MOST_DOLLARS:
        raise ValueError(f"{dollars:g} is not from 0 to {_MOST_DOLLARS:,.0f}")
    return dollars


def _parsed(text: str) -> dict[str, Price]:
    """Read `openai:my-model=0.5/2/0.05;ollama:*=0/0/0`; raises SettingsError."""
    prices: dict[str, Price] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, _, amounts = (piece.strip() for piece in part.rpartition("="))
        try:
            price_in, price_out, price_cached = map(dollars_of, amounts.split("/"))
        except ValueError as err:
            raise _malformed(part, "has no three prices from 0 on") from err
        if not name or "*" in name[:-1]:
            raise _malformed(part, "names no model; a * stands at the end only")
        if name in prices:
            raise _malformed(part, "comes after another price of the same name")
        prices[name] = Price(price_in, price_out, price_cached)
    return prices


def _malformed(part: str, why: str) -> SettingsError:
    return SettingsError(
        f"MODEL_PRICES: {part!r} {why}; expected name=input/output/cached in US dollars per million"
        " tokens, such as openai:my-model=0.5/2/0.05"
    )


def _tier(tiers: tuple[Price, ...], tokens: int) -> Price:
    return max(tier for tier in tiers if not tier.above or tokens > tier.above)


def _listed(name: str) -> tuple[Price, ...]:
    if name == "offline":
        return (Price(0, 0, 0),)
    if not name.startswith(_KNOWN):
        return ()
    # Bedrock writes the region and the vendor first: `us.anthropic.claude-…`, `amazon.nova-…`, all
    # of which may end an ARN. Behind a # stands the model of a profile whose ARN does not name it.
    model = re.sub(
        r"^\w+:(arn:[^/]*/(.*#)?)?([\w-]+\.)?(anthropic|amazon|cohere)\.|^\w+:", "", name
    )
    known = [key for key in PRICES if model.startswith(key)]
    longest = max(known, key=len, default="")
    if not longest or not _SAME_MODEL.fullmatch(model[len(longest) :]):
        return ()
    return PRICES[longest]
