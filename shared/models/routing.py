"""Which model answers: roles and names to providers, and the one owner of retries."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from shared.errors import ModelUnavailable, SettingsError
from shared.models import Chunk, Embedder, Provider, Reply, Request
from shared.models.deadline import Deadline
from shared.settings import Settings

T = TypeVar("T")

_ROLES = {"small": "model_small", "large": "model_large"}
_OPENAI_KINDS = frozenset({"openai", "ollama", "anthropic", "http", "https"})
_ATTEMPTS = 5
#: Seconds before the second attempt at most; doubled each time.
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 10.0
#: A call that has less time than this is not worth starting.
_SHORTEST_CALL = 0.5
_EMBED_SECONDS = 60.0


class Models:
    """All models that the settings name, built on first use and kept. Thread-safe."""

    def __init__(self, settings: Settings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self._sleep = sleep
        self._lock = threading.Lock()
        self._providers: dict[str, Provider] = {}

    def provider(self, role_or_name: str) -> Provider:
        """Return the model that a role (`small`, `large`) stands for, or that a full name names.

        Raises SettingsError when nothing is called so, or when its key is not set.
        """
        setting = _ROLES.get(role_or_name, "")
        name = getattr(self._settings, setting) if setting else role_or_name
        with self._lock:
            if name not in self._providers:
                pointed_at = setting.upper() or "the flow's model="
                self._providers[name] = _connect(name, self._settings, pointed_at)
            return self._providers[name]

    def reply(self, role: str, request: Request, *, timeout: float) -> Reply:
        """Ask a model; raises ModelUnavailable once retries are no use within `timeout` seconds."""
        provider = self.provider(role)
        return self._retrying(Deadline(timeout), lambda left: provider.reply(request, left))

    def stream(self, role: str, request: Request, *, timeout: float) -> Iterator[Chunk]:
        """Ask a model and yield its answer in pieces; the last chunk carries the whole reply.

        Nothing is retried once a piece was yielded: it cannot be taken back.
        """
        provider = self.provider(role)

        def start(left: float) -> tuple[Chunk, Iterator[Chunk]]:
            chunks = provider.stream(request, left)
            return next(chunks), chunks

        first, rest = self._retrying(Deadline(timeout), start)
        yield first
        yield from rest

    def embedder(self) -> Embedder:
        """Return the embedder that MODEL_EMBED names, if it is behind an API.

        Raises SettingsError for every other name: the local ones are not built here.
        """
        name = self._settings.model_embed
        kind = name.partition(":")[0]
        if kind == "bedrock":
            from shared.models import bedrock

            return _Retrying(bedrock.connect_embedder(name, self._settings), self._retrying)
        if kind in _OPENAI_KINDS - {"anthropic"}:
            from shared.models import openai

            return _Retrying(openai.connect_embedder(name, self._settings), self._retrying)
        raise SettingsError(
            f"MODEL_EMBED={name!r} names no embedder; write offline, minilm, hashing, bedrock:…, "
            "openai:… or ollama:…"
        )

    def _retrying(self, deadline: Deadline, attempt: Callable[[float], T]) -> T:
        """Call `attempt` with the seconds left until it succeeds, or until waiting is no use."""
        for number in range(1, _ATTEMPTS + 1):
            try:
                return attempt(deadline.left)
            except ModelUnavailable as err:
                wait = _wait(number, err.retry_after)
                if number == _ATTEMPTS or deadline.left - wait < _SHORTEST_CALL:
                    raise
                self._sleep(wait)
        raise AssertionError("the last attempt returns or raises")


class _Retrying:
    """An embedder whose calls are retried like those of models."""

    def __init__(
        self,
        embedder: Embedder,
        retrying: Callable[[Deadline, Callable[[float], list[list[float]]]], list[list[float]]],
    ) -> None:
        self.name = embedder.name
        self.dimensions = embedder.dimensions
        self._embedder = embedder
        self._retrying = retrying

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return self._retrying(Deadline(_EMBED_SECONDS), lambda _: self._embedder.embed(texts))


def _wait(number: int, asked: float | None) -> float:
    """Return how long to wait before attempt `number + 1`: as asked, or with growing jitter.

    A little is added to what the server asked for, so that not everybody comes back at once.
    """
    if asked is not None:
        return asked + random.uniform(0, min(0.1 * asked, 1.0))
    ceiling: float = min(_FIRST_WAIT * 2 ** (number - 1), _LONGEST_WAIT)
    return random.uniform(ceiling / 2, ceiling)


def _connect(name: str, settings: Settings, setting: str) -> Provider:
    """Build the provider of `name`, loading the module of its wire format only."""
    kind, colon, _ = name.partition(":")
    if name == "offline":
        from shared.models import offline

        return offline.connect()
    if kind == "bedrock" and colon:
        from shared.models import bedrock

        return bedrock.connect(name, settings, setting)
    if kind in _OPENAI_KINDS and colon:
        from shared.models import openai

        return openai.connect(name, settings, setting)
    raise SettingsError(
        f"{setting}={name!r} names no model; write offline, bedrock:…, openai:…, anthropic:…, "
        "ollama:… or http://host/v1#…"
    )
