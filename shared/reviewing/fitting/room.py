"""How much of a change, and of what stands beside it, a call to a model holds."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from shared.agent.context import Code
from shared.models.tokens import shortened, tokens
from shared.models.windows import ModelWindow

T = TypeVar("T")

#: Tokens of a part. A small diff is reviewed better than a large one
#: (https://arxiv.org/abs/2603.26130), so a large window is no reason to fill it.
MOST = 6_000
#: Tokens of an answer, and of the prompt, the schema and the wishes of a team.
_ANSWER, _ORDERS = 4_096, 1_600
#: Tokens of what the pull request says of itself, of the outline of its change, and of the
#: background.
_BESIDE, _BACKGROUND = 1_000, 12_000
#: Parts that a call shows which mends findings.
_AGAIN = 3
#: Tokens that even the smallest window leaves for a part, and of a text that is worth to be shown.
_LEAST, _SHORTEST = 600, 60


class Room(NamedTuple):
    """Tokens of a `part` of a change, of each text `beside` it, of all its `background`, and of the
    `answer`; and how many parts are shown `again`."""

    part: int = MOST
    beside: int = _BESIDE
    background: int = _BACKGROUND
    answer: int = _ANSWER
    again: int = _AGAIN

    @property
    def refused(self) -> int:
        """Tokens of findings that go back to be mended, beside the parts that show them."""
        return self.part * self.again // _AGAIN


def within(most: int, found: Iterable[T]) -> Iterator[T]:
    """Yield what fits into so many tokens, the first first; a long piece of code is shortened."""
    for one in found:
        size = tokens(one.text if isinstance(one, Code) else str(one))
        if size <= most:
            yield one
        elif isinstance(one, Code) and most >= _SHORTEST:
            yield one._replace(text=shortened(one.text, most))
        most = max(0, most - size)


def room_in(window: ModelWindow) -> Room:
    """Divide a window.

    >>> room_in(ModelWindow(200_000, 64_000)) == Room()
    True
    """
    answer = min(_ANSWER, window.answer, window.tokens // 4)
    beside = min(_BESIDE, window.tokens // 16)
    background = min(_BACKGROUND, window.tokens // 8)
    left = window.tokens - answer - background - _ORDERS
    part = max(_LEAST, min(MOST, left - 2 * beside))
    return Room(part, beside, background, answer, max(1, min(_AGAIN, left // part - 1)))
