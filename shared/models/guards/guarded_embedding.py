"""An embedding model with its guards: texts are cut, split and sent in turn, vectors are checked.

Calls pass the budget, retries, the account's limits, the circuit breaker and the limiter of this
process, as those of chat models do. The prompt cache is for chat models alone.

A call that fails while the model takes another one holds too much, or a text that it cannot take.
So it is halved, until each text has its vector or is refused by itself.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from shared.errors import ModelError, ModelUnavailable, SettingsError
from shared.log import log
from shared.models import ChatMessage, EmbeddingPurpose, ModelRequest, Payer, Usage
from shared.models.deadline import Deadline
from shared.models.guards.circuit_breaker import CircuitBreaker
from shared.models.guards.guarded_model import Guards
from shared.models.guards.limiter import Limiter
from shared.models.guards.retrying import retrying
from shared.models.measuring import measured
from shared.models.payers import payer_now
from shared.models.prices import most_tokens
from shared.models.providers.embedding_wire import EmbeddingWire, Portion, Vectors, sized
from shared.models.providers.failures import BodyRefused

#: Calls that one `embed` makes at a time; the limiter may allow fewer.
_THREADS = 8
_CALL_SECONDS = 60.0
#: A server that refuses texts of so many characters does not refuse them for their length.
_SHORT = 500
#: Stands for an empty text, which servers refuse; and shows whether a server takes any text.
_NOTHING = "-"
_PROOF_SECONDS = 10.0
#: After so many refused texts, and none that was taken, all is refused.
_MOST_REFUSED = 16

Rows = list[list[float]]


class _Wish(NamedTuple):
    """What the texts are for, and who pays."""

    purpose: EmbeddingPurpose
    payer: Payer


class _Unanswerable(BodyRefused):
    """The call failed while the model takes others."""


class GuardedEmbeddingProvider:
    """An embedding model that is called within its limits. Thread-safe."""

    def __init__(self, wire: EmbeddingWire, guards: Guards, sleep: Callable[[float], None]) -> None:
        self.name = wire.name
        self.asymmetric = wire.asymmetric
        #: The name in prices and limits.
        self._model = sized(self.name, {}).name
        self._dimensions = wire.dimensions
        self._wire = wire
        #: Texts of a call: fewer, once the server has refused so many.
        self._most = wire.portion.texts
        #: The largest call that was taken, and the texts that were refused since a taken one.
        self._taken = 0
        self._refused = 0
        self._guards = guards
        self._sleep = sleep
        self._breaker = CircuitBreaker(self.name)
        self._limiter = Limiter(name=self.name)

    @property
    def dimensions(self) -> int:
        """The dimensions; one call finds them out where the name does not say them."""
        if self._dimensions is None:
            [row] = self._portion([_NOTHING], _Wish("document", payer_now()))
            self._dimensions = len(row)
        return self._dimensions

    def embed(self, texts: Sequence[str], purpose: EmbeddingPurpose = "document") -> Rows:
        """Return a unit vector per text, in the order of the texts; an empty one for a text that
        the model refuses while it takes others.

        Texts are cut to the model's window. Raises ModelUnavailable, ModelRejected, BudgetExceeded,
        and SettingsError when the vectors do not have the dimensions of MODEL_EMBED.
        """
        wish, window = _Wish(purpose, payer_now()), self._wire.portion.characters
        cut = [text.strip()[:window] or _NOTHING for text in texts]
        portions = list(portioned(cut, self._wire.portion._replace(texts=self._most)))
        if len(portions) < 2:
            return self._portion(portions[0], wish) if portions else []
        with ThreadPoolExecutor(min(_THREADS, len(portions))) as threads:
            futures = [threads.submit(self._portion, portion, wish) for portion in portions]
            try:
                return [row for future in futures for row in future.result()]
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    def _portion(self, texts: Sequence[str], wish: _Wish) -> Rows:
        """Embed the texts of one call, or of several if it is refused."""
        parts = [texts[at : at + self._most] for at in range(0, len(texts), self._most)]
        tried = [(part, self._tried(part, wish)) for part in parts]
        return [row for part, rows in tried for row in self._complete(part, rows, wish)]

    def _tried(self, texts: Sequence[str], wish: _Wish) -> Rows | BodyRefused:
        """Embed the texts in one call; return the refusal if there is one."""
        try:
            rows = self._checked(self._paid(texts, wish), len(texts))
        except BodyRefused as err:
            return err
        if any(rows):
            self._refused, self._taken = 0, max(self._taken, len(texts))
        return rows

    def _complete(self, texts: Sequence[str], tried: Rows | BodyRefused, wish: _Wish) -> Rows:
        """Return the rows, after further calls for what has none yet."""
        if isinstance(tried, BodyRefused):
            return self._halved(texts, tried, wish)
        if len(tried) == 1:
            return tried if tried[0] else self._directionless(texts[0])
        # A vector without direction: the text itself may be the reason, or another of the call.
        return [
            row or self._portion([text], wish)[0] for text, row in zip(texts, tried, strict=True)
        ]

    def _halved(self, texts: Sequence[str], refusal: BodyRefused, wish: _Wish) -> Rows:
        if len(texts) == 1:
            return self._alone(texts[0], refusal, wish)
        middle = (len(texts) + 1) // 2
        tried = [(half, self._tried(half, wish)) for half in (texts[:middle], texts[middle:])]
        refused = any(isinstance(rows, BodyRefused) for _, rows in tried)
        if not refused and not isinstance(refusal, _Unanswerable):
            taken = self._taken if self._taken < len(texts) else 0
            self._most = min(self._most, max(middle, taken))
        return [row for half, rows in tried for row in self._complete(half, rows, wish)]

    def _alone(self, text: str, refusal: BodyRefused, wish: _Wish) -> Rows:
        """Embed a text that was refused by itself: once more, or shortened; else it has none."""
        if isinstance(refusal, _Unanswerable):
            again = self._tried([text], wish)
            if not isinstance(again, BodyRefused):
                return again
        if len(text) > _SHORT:
            # Only the server knows how many tokens a text has.
            return self._portion([text[: len(text) // 2]], wish)
        if not isinstance(refusal, _Unanswerable) and (text == _NOTHING or not self._takes_any()):
            raise refusal
        return self._without(text, refusal)

    def _directionless(self, text: str) -> Rows:
        wrong = SettingsError(
            f"MODEL_EMBED={self.name} sent a vector without direction (zero, infinite or no"
            " number); choose another model, or look at its server"
        )
        if text == _NOTHING or not self._takes_any():
            raise wrong
        return self._without(text, wrong)

    def _without(self, text: str, why: Exception) -> Rows:
        """Return no vector for a text; raises `why` if that has happened to all of late."""
        self._refused += 1
        if self._refused > _MOST_REFUSED:
            raise why
        log("embedding: the model refuses a text", model=self.name, characters=len(text))
        return [[]]

    def _takes_any(self) -> bool:
        """Tell whether the model gives a vector to the plainest of texts now."""
        deadline = Deadline(_PROOF_SECONDS)
        try:
            rows = self._limited([_NOTHING], "document", deadline).rows
            return all(self._checked(rows, 1))
        except (ModelError, SettingsError):
            return False

    def _paid(self, texts: Sequence[str], wish: _Wish) -> Rows:
        """Make the call, and count it in the budgets of its payer."""
        budgets, deadline = self._guards.budgets, Deadline(_CALL_SECONDS)
        # Outside of a run, as when a process finds out the dimensions, nobody pays.
        if budgets is None or not wish.payer.tenant or not budgets.counts(wish.payer):
            return self._retried(texts, wish, deadline).rows
        request = _request(texts)
        dollars, most = self._guards.prices.ceiling(self._model, request), most_tokens(request)
        held = budgets.reserve(wish.payer, self._model, dollars, deadline.seconds, tokens=most)
        try:
            vectors = self._retried(texts, wish, deadline)
        except BaseException:
            budgets.release(held)  # a failed call of embeddings costs nothing
            raise
        cost = self._guards.prices.cost(self._model, Usage(input=vectors.tokens))
        # A run writes soon, and what counts for it goes along.
        later = wish.payer if wish.payer.flow else None
        known = cost if vectors.tokens else None
        budgets.commit(held, known, vectors.tokens or None, later=later)
        return vectors.rows

    def _retried(self, texts: Sequence[str], wish: _Wish, deadline: Deadline) -> Vectors:
        def attempt() -> Vectors:
            try:
                return self._limited(texts, wish.purpose, deadline)
            except ModelUnavailable as err:
                if err.overloaded or texts == [_NOTHING] or not self._takes_any():
                    raise
                raise _Unanswerable(str(err), "") from err

        def judge(vectors: Vectors) -> tuple[Usage, float | None, str]:
            usage = Usage(input=vectors.tokens)
            return usage, self._guards.prices.cost(self._model, usage), "answered"

        def call() -> Vectors:
            return retrying(attempt, deadline, self._sleep, paced=True)

        return measured("embed", self._model, wish.payer, call, judge)

    def _limited(
        self, texts: Sequence[str], purpose: EmbeddingPurpose, deadline: Deadline
    ) -> Vectors:
        """Make one call within the account's limits."""
        buckets, prices = self._guards.buckets, self._guards.prices
        if buckets is None:
            return self._in_turn(texts, purpose, deadline)
        request = _request(texts)
        most = prices.ceiling(self._model, request)
        held = buckets.reserve(self._model, most_tokens(request), most, deadline)
        used = Vectors([])
        try:
            self._sleep(held.wait)
            used = self._in_turn(texts, purpose, deadline)
        finally:
            tokens = used.tokens if used.tokens or not used.rows else most_tokens(request)
            buckets.settle(held, tokens, prices.cost(self._model, Usage(input=tokens)))
        return used

    def _in_turn(
        self, texts: Sequence[str], purpose: EmbeddingPurpose, deadline: Deadline
    ) -> Vectors:
        with self._limiter.turn(deadline), self._breaker.guard():
            return self._wire.call(texts, purpose, deadline)

    def _checked(self, rows: Rows, count: int) -> Rows:
        """Return the rows scaled to length one, those without direction empty; raises SettingsError
        unless they are vectors of the model's dimensions."""
        if len(rows) != count:
            sent = f"MODEL_EMBED={self.name} sent {len(rows)} vectors for {count} texts"
            if count > 1:
                raise _Unanswerable(sent, "")
            raise SettingsError(f"{sent}; it is no embedding model that can be used")
        expected = self._dimensions or len(rows[0])
        wrong = {len(row) for row in rows} - {expected}
        if wrong:
            raise SettingsError(
                f"MODEL_EMBED={self.name} sends vectors of {min(wrong)} dimensions, not {expected};"
                f" write MODEL_EMBED={self._model}@{min(wrong)}"
            )
        lengths = [math.hypot(*row) for row in rows]
        return [
            [value / length for value in row] if math.isfinite(length) and length > 0 else []
            for row, length in zip(rows, lengths, strict=True)
        ]


def _request(texts: Sequence[str]) -> ModelRequest:
    """Return the texts as a request of a chat model, whose tokens are estimated alike."""
    return ModelRequest(tuple(ChatMessage("user", text) for text in texts), max_tokens=0)


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
