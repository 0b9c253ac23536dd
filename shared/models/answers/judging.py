"""Tells those who keep replies which are worth keeping: an answer that does not fit what was asked
for would be given again to everybody who asks the same."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from shared.models import ModelReply

#: Tells whether a reply is what was asked for.
Judge = Callable[[ModelReply], bool]


def _any(reply: ModelReply) -> bool:
    return True


_judge: ContextVar[Judge] = ContextVar("judge", default=_any)


def judge_now() -> Judge:
    """Return the judge of the replies that this thread asks for."""
    return _judge.get()


@contextmanager
def judged_by(judge: Judge) -> Iterator[None]:
    """Let `judge` decide about the replies that the block asks for."""
    token = _judge.set(judge)
    try:
        yield
    finally:
        _judge.reset(token)
