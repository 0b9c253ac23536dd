"""One model with all that lies between a request and its provider, and the one owner of retries."""

import random
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from shared.errors import ModelUnavailable
from shared.models import Caller, Provider, Reply, Request
from shared.models.deadline import Deadline

T = TypeVar("T")

#: Is called with the text of an answer so far, again and again; it never raises.
Sink = Callable[[str], None]

_ATTEMPTS = 5
#: Seconds before the second attempt at most; doubled each time.
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 10.0
#: A call that has less time than this is not worth starting.
_SHORTEST_CALL = 0.5


class Call(NamedTuple):
    """One request on its way: until when, for whom, and where its text is shown meanwhile.

    `may_repeat` says that the answer to an equal request will do.
    """

    request: Request
    deadline: Deadline
    caller: Caller
    sink: Sink | None = None
    may_repeat: bool = False


class Guarded:
    """A model that is asked within its limits. Thread-safe."""

    def __init__(self, provider: Provider, sleep: Callable[[float], None]) -> None:
        self.provider = provider
        self.name = provider.name
        self._sleep = sleep

    def reply(self, call: Call) -> Reply:
        """Ask, and ask again what may pass; raises ModelUnavailable or ModelRejected."""
        return retrying(lambda: answer(self.provider, call), call.deadline, self._sleep)


def answer(provider: Provider, call: Call) -> Reply:
    """Return the provider's reply, whole or, when there is a sink, streamed to it."""
    if call.sink is None:
        return provider.reply(call.request, call.deadline.left)
    text = ""
    for chunk in provider.stream(call.request, call.deadline.left):
        if chunk.reply is not None:
            return chunk.reply
        text += chunk.text
        call.sink(text)
    raise ModelUnavailable(f"{provider.name}: the stream ended without its reply")


def retrying(attempt: Callable[[], T], deadline: Deadline, sleep: Callable[[float], None]) -> T:
    """Call `attempt` until it succeeds, or until waiting is no use."""
    for number in range(1, _ATTEMPTS + 1):
        try:
            return attempt()
        except ModelUnavailable as err:
            wait = _wait(number, err.retry_after)
            if number == _ATTEMPTS or deadline.left - wait < _SHORTEST_CALL:
                raise
            sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def _wait(number: int, asked: float | None) -> float:
    """Return how long to wait before attempt `number + 1`: as asked, or with growing jitter.

    A little is added to what the server asked for, so that not everybody comes back at once.
    """
    if asked is not None:
        return asked + random.uniform(0, min(0.1 * asked, 1.0))
    ceiling: float = min(_FIRST_WAIT * 2 ** (number - 1), _LONGEST_WAIT)
    return random.uniform(ceiling / 2, ceiling)
