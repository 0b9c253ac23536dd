"""Retries a model call that failed for the moment: the one place that does."""

import random
from collections.abc import Callable
from typing import TypeVar

from shared.errors import ModelUnavailable
from shared.models.deadline import Deadline

T = TypeVar("T")

_ATTEMPTS = 5
#: Seconds before the second attempt at most; doubled each time.
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 10.0
#: A call that has less time than this is not worth starting.
_SHORTEST_CALL = 0.5


def retrying(
    attempt: Callable[[], T],
    deadline: Deadline,
    sleep: Callable[[float], None],
    *,
    paced: bool = False,
) -> T:
    """Call `attempt` until it succeeds, or until waiting is no use.

    When `attempt` is `paced` by a limiter, that makes it wait after an overload, together with all
    other calls, and only the deadline bounds how often.
    """
    failures = 0
    while True:
        try:
            return attempt()
        except ModelUnavailable as err:
            waits = paced and err.overloaded
            failures += not waits
            wait = (err.retry_after or 0.0) if waits else _wait(failures, err.retry_after)
            if failures == _ATTEMPTS or deadline.left - wait < _SHORTEST_CALL:
                raise
            if not waits:
                sleep(wait)


def _wait(number: int, asked: float | None) -> float:
    """Return how long to wait before attempt `number + 1`: as asked, or with growing jitter.

    A little is added to what the server asked for, so that not everybody comes back at once.
    """
    if asked is not None:
        return asked + random.uniform(0, min(0.1 * asked, 1.0))
    ceiling: float = min(_FIRST_WAIT * 2 ** (number - 1), _LONGEST_WAIT)
    return random.uniform(ceiling / 2, ceiling)
