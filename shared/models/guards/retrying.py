"""Repeats a model call that failed for the moment. Nothing else in the room retries."""

import random
from collections.abc import Callable
from typing import TypeVar

from shared.errors import ModelUnavailable
from shared.models.deadline import Deadline

T = TypeVar("T")

_ATTEMPTS = 5
#: At most so many seconds before the second attempt; doubled each time.
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 10.0
#: The shortest time that is worth a call.
_SHORTEST_CALL = 0.5


def retrying(
    attempt: Callable[[], T],
    deadline: Deadline,
    sleep: Callable[[float], None],
    *,
    paced: bool = False,
) -> T:
    """Call `attempt` until it succeeds, up to five times within the deadline.

    A limiter makes a `paced` attempt wait after an overload, together with all other calls; such
    attempts are bounded by the deadline alone.
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
    """Return the seconds before attempt `number + 1`: as the server asked, or growing jitter.

    A little is added to the server's wish, to spread the callers that come back.
    """
    if asked is not None:
        return asked + random.uniform(0, min(0.1 * asked, 1.0))
    ceiling: float = min(_FIRST_WAIT * 2 ** (number - 1), _LONGEST_WAIT)
    return random.uniform(ceiling / 2, ceiling)
