"""An embedding model with its guards: texts are cut, split and sent in turn, vectors are checked.

Calls pass retries, the account's limits, the circuit breaker and the limiter of this process, as
those of chat models do. Budgets and the prompt cache are for chat models alone.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from shared.errors import SettingsError
from shared.models import ChatMessage, EmbeddingPurpose, ModelRequest, Usage
from shared.models.deadline import Deadline
from shared.models.guards.circuit_breaker import CircuitBreaker
from shared.models.guards.guarded_model import Guards
from shared.models.guards.limiter import Limiter
from shared.models.guards.retrying import retrying
from shared.models.prices import most_tokens
from shared.models.providers.embedding_wire import EmbeddingWire, Portion, Vectors, sized
from shared.models.providers.failures import BodyRefused

#: Calls that one `embed` makes at a time; the limiter may allow fewer.
_THREADS = 8
_CALL_SECONDS = 60.0
#: A server that refuses texts of so many characters does not refuse them for their length.
_SHORT = 500
#: Stands for an empty text, which servers refuse.
_NOTHING = "-"


class GuardedEmbeddingProvider:
    """An embedding model that is called within its limits. Thread-safe."""

    def __init__(self, wire: EmbeddingWire, guards: Guards, sleep: Callable[[float], None]) -> None:
        self.name = wire.name
        self.asymmetric = wire.asymmetric
        #: The name in prices and limits.
        self._model = sized(self.name, {}).name
        self._dimensions = wire.dimensions
        self._wire = wire
        self._guards = guards
        self._sleep = sleep
        self._breaker = CircuitBreaker(self.name)
        self._limiter = Limiter(name=self.name)

    @property
    def dimensions(self) -> int:
        """The dimensions; one call finds them out where the name does not say them."""
        if self._dimensions is None:
            [row] = self._portion([_NOTHING], "document")
            self._dimensions = len(row)
        return self._dimensions

    def embed(
        self, texts: Sequence[str], purpose: EmbeddingPurpose = "document"
    ) -> list[list[float]]:
        """Return a unit vector per text, in the order of the texts.

        Texts are cut to the model's window. Raises ModelUnavailable, ModelRejected, and
        SettingsError when the vectors do not have the dimensions of MODEL_EMBED.
        """
        window = self._wire.portion.characters
        cut = [text.strip()[:window] or _NOTHING for text in texts]
        portions = list(portioned(cut, self._wire.portion))
        if len(portions) < 2:
            return self._portion(portions[0], purpose) if portions else []
        with ThreadPoolExecutor(min(_THREADS, len(portions))) as threads:
            futures = [threads.submit(self._portion, portion, purpose) for portion in portions]
            try:
                return [row for future in futures for row in future.result()]
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    def _portion(self, texts: Sequence[str], purpose: EmbeddingPurpose) -> list[list[float]]:
        """Embed the texts of one call; after a refusal, with the long ones shortened."""
        try:
            rows = self._retried(texts, purpose)
        except BodyRefused:
            # Only the server knows how many tokens a text has.
            if max(map(len, texts)) <= _SHORT:
                raise
            return self._shortened(texts, purpose)
        return self._checked(rows, len(texts))

    def _shortened(self, texts: Sequence[str], purpose: EmbeddingPurpose) -> list[list[float]]:
        if len(texts) == 1:
            return self._portion([texts[0][: len(texts[0]) // 2]], purpose)
        rows: list[list[float]] = [[]] * len(texts)
        alone = [[number] for number, text in enumerate(texts) if len(text) > _SHORT]
        short = [number for number, text in enumerate(texts) if len(text) <= _SHORT]
        for numbers in [*alone, short] if short else alone:
            found = self._portion([texts[number] for number in numbers], purpose)
            for number, row in zip(numbers, found, strict=True):
                rows[number] = row
        return rows

    def _retried(self, texts: Sequence[str], purpose: EmbeddingPurpose) -> list[list[float]]:
        deadline = Deadline(_CALL_SECONDS)
        return retrying(
            lambda: self._once(texts, purpose, deadline), deadline, self._sleep, paced=True
        )

    def _once(
        self, texts: Sequence[str], purpose: EmbeddingPurpose, deadline: Deadline
    ) -> list[list[float]]:
        buckets, prices = self._guards.buckets, self._guards.prices
        if buckets is None:
            return self._in_turn(texts, purpose, deadline).rows
        request = ModelRequest(tuple(ChatMessage("user", text) for text in texts), max_tokens=0)
        most = prices.ceiling(self._model, request)
        held = buckets.reserve(self._model, most_tokens(request), most, deadline)
        used = Vectors([])
        try:
            self._sleep(held.wait)
            used = self._in_turn(texts, purpose, deadline)
        finally:
            tokens = used.tokens if used.tokens or not used.rows else most_tokens(request)
            buckets.settle(held, tokens, prices.cost(self._model, Usage(input=tokens)))
        return used.rows

    def _in_turn(
        self, texts: Sequence[str], purpose: EmbeddingPurpose, deadline: Deadline
    ) -> Vectors:
        with self._limiter.turn(deadline), self._breaker.guard():
            return self._wire.call(texts, purpose, deadline)

    def _checked(self, rows: list[list[float]], count: int) -> list[list[float]]:
        """Return the rows scaled to length one; raises SettingsError unless they are vectors of
        the model's dimensions."""
        if len(rows) != count:
            raise SettingsError(
                f"MODEL_EMBED={self.name} sent {len(rows)} vectors for {count} texts; it is no"
                " embedding model that can be used"
            )
        expected = self._dimensions or len(rows[0])
        wrong = {len(row) for row in rows} - {expected}
        if wrong:
            raise SettingsError(
                f"MODEL_EMBED={self.name} sends vectors of {min(wrong)} dimensions, not {expected};"
                f" write MODEL_EMBED={self._model}@{min(wrong)}"
            )
        lengths = [math.hypot(*row) for row in rows]
        if not all(math.isfinite(length) and length > 0 for length in lengths):
            raise SettingsError(
                f"MODEL_EMBED={self.name} sent a vector without direction (zero, infinite or no"
                " number); choose another model, or look at its server"
            )
        return [
            [value / length for value in row] for row, length in zip(rows, lengths, strict=True)
        ]


def portioned(texts: Sequence[str], portion: Portion) -> Iterator[list[str]]:
    """Split the texts, in their order, so that each part fits into one call."""
    part: list[str] = []
    size = 0
    for text in texts:
        more = len(text.encode("utf-8", "replace"))
        if part and (len(part) == portion.texts or size + more > portion.bytes):
            yield part
            part, size = [], 0
        part.append(text)
        size += more
    if part:
        yield part
