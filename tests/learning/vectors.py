"""Compares what was found with what is known by vectors that are made once, without a database."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from shared.journal import Outcome, Run
from shared.learning.findings import KeptFinding
from shared.learning.meaning import Meanings
from shared.memory.embedding.embedder import Embedder, Purpose
from shared.memory.embedding.tenant_embedders import OneEmbedder
from tests.events.made import an_event


class _Once:
    """An embedder that makes each vector once."""

    asymmetric = False

    def __init__(self, embedder: Embedder) -> None:
        self.name, self.dimensions = embedder.name, embedder.dimensions
        self._embedder = embedder
        self._made: dict[str, list[float]] = {}

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        new = [text for text in dict.fromkeys(texts) if text not in self._made]
        self._made |= zip(new, self._embedder.embed(new), strict=True)
        return [self._made[text] for text in texts]


class _Unrecorded:
    """A run that records nothing."""

    id, event = "r1", an_event()

    def step(self, name: str, input: object, work: Callable[[], Outcome]) -> Any:
        return work().output


class ByVectors:
    """Adds to what is known what means the same as what was found."""

    def __init__(self, embedder: Embedder) -> None:
        self._meanings = Meanings(cast(Run, _Unrecorded()), OneEmbedder(_Once(embedder)))

    def __call__(
        self, found: Sequence[KeptFinding], known: Sequence[KeptFinding]
    ) -> list[KeptFinding]:
        return [*self._meanings.in_other_words(found, known), *known]


def by_words(found: Sequence[KeptFinding], known: Sequence[KeptFinding]) -> list[KeptFinding]:
    return [*known]
