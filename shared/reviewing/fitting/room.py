"""How much of a change a call to a model holds."""

from typing import NamedTuple

from shared.models.windows import ModelWindow

#: Tokens of a part. A small diff is reviewed better than a large one
#: (https://arxiv.org/abs/2603.26130), so a large window is no reason to fill it.
MOST = 6_000
#: Tokens of an answer, and of the prompt, the schema and the wishes of a team.
_ANSWER, _ORDERS = 4_096, 1_600
#: Tokens of what the pull request says of itself, and of the outline of its change.
_BESIDE = 1_000
#: Tokens that even the smallest window leaves.
_LEAST = 600


class Room(NamedTuple):
    """Tokens of a `part` of a change, of each text `beside` it, and of the `answer`."""

    part: int = MOST
    beside: int = _BESIDE
    answer: int = _ANSWER


def room_in(window: ModelWindow) -> Room:
    """Divide a window.

    >>> room_in(ModelWindow(200_000, 64_000))
    Room(part=6000, beside=1000, answer=4096)
    """
    answer = min(_ANSWER, window.answer, window.tokens // 4)
    beside = min(_BESIDE, window.tokens // 16)
    part = window.tokens - answer - 2 * beside - _ORDERS
    return Room(max(_LEAST, min(MOST, part)), beside, answer)
