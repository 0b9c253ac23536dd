"""Calls each model once, as small as can be, the way the functions will."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from shared.errors import AgentFlowsError, ModelUnavailable
from shared.models import ChatMessage, ModelRequest, Provider, Usage
from shared.models.deadline import Deadline
from shared.models.prices import Prices
from shared.models.providers.bedrock import embeddings as bedrock_embeddings
from shared.models.providers.bedrock.model import BedrockModel, Clients
from shared.models.providers.connect import connect, connect_embedder
from shared.models.providers.embedding_wire import EmbeddingWire
from shared.settings import Settings

#: Seconds that a model has; a large one on a server of your own may have to be loaded.
_PATIENCE = 60.0
_WORDS = "Say OK."
#: The least that all providers take.
_TOKENS = 16
#: Names that nobody has to be asked about.
HERE = frozenset({"offline", "minilm", "hashing"})


class TrialResult(NamedTuple):
    """What a call came to; `cost` in US dollars, None when the price is unknown. `passing` says
    that the model is only busy."""

    problem: str = ""
    seconds: float = 0.0
    cost: float | None = 0.0
    passing: bool = False


class _Given(Clients):
    """The one client of the person who deploys, with their profile and region."""

    def __init__(self, client: Any) -> None:
        super().__init__()
        self._client = client

    def within(self, seconds: float) -> Any:
        return self._client


def tried(setting: str, name: str, settings: Settings, bedrock: Callable[[], Any]) -> TrialResult:
    """Call the model `name` of `setting` once. `bedrock` gives boto3's client of
    `bedrock-runtime`."""
    start = time.monotonic()
    try:
        if setting == "MODEL_EMBED":
            cost = _embed(_embedder(name, settings, bedrock), settings)
        else:
            cost = _ask(_provider(setting, name, settings, bedrock))
    except AgentFlowsError as err:
        return TrialResult(str(err), passing=isinstance(err, ModelUnavailable) and err.overloaded)
    return TrialResult("", time.monotonic() - start, cost)


def _provider(setting: str, name: str, settings: Settings, bedrock: Callable[[], Any]) -> Provider:
    if name.startswith("bedrock:"):
        prices = Prices(settings.model_prices)
        return BedrockModel(name, setting, prices, _Given(bedrock()))
    return connect(name, settings, setting)


def _embedder(name: str, settings: Settings, bedrock: Callable[[], Any]) -> EmbeddingWire:
    if name.startswith("bedrock:"):
        return bedrock_embeddings.connect(name, _Given(bedrock()))
    return connect_embedder(name, settings)


def _ask(provider: Provider) -> float | None:
    request = ModelRequest((ChatMessage("user", _WORDS),), max_tokens=_TOKENS)
    return provider.reply(request, _PATIENCE).cost


def _embed(embedder: EmbeddingWire, settings: Settings) -> float | None:
    vectors = embedder.call([_WORDS], "document", Deadline(_PATIENCE))
    plain = embedder.name.partition("@")[0]
    return Prices(settings.model_prices).cost(plain, Usage(input=vectors.tokens))
