"""Decides which part of a request a provider should keep in its prefix cache.

Writing to it costs a quarter more than plain input, reading from it a tenth. So tools and system
prompt are always kept: other runs of the flow start with them. Turns are kept only when the
conversation goes on.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain
from typing import NamedTuple

from shared.events import Json
from shared.models import ModelRequest

#: The fewest tokens that providers keep, longest name first where several fit. For other models
#: the least of all is taken: a mark that comes too early is ignored, and costs nothing.
#: - https://platform.claude.com/docs/en/build-with-claude/prompt-caching#cache-limitations,
#: - https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html.
_FLOORS = {
    "claude-3-5-haiku": 2048,
    "claude-haiku-4-5": 4096,
    "claude-opus-4-5": 4096,
    "claude-opus-4-6": 4096,
    "claude-opus-4-7": 2048,
    "claude-3-haiku": 2048,
    "claude-sonnet-4": 1024,
    "claude-opus-4": 1024,
    "claude-3": 1024,
    "nova": 1000,
}
_LEAST = 512

#: A token is rarely shorter than this in UTF-8: English has four, Chinese three. The tokens of an
#: image are a guess, as only opening it would tell.
_BYTES_PER_TOKEN = 3
_IMAGE_TOKENS = 1000


class WorthCaching(NamedTuple):
    """`head` ends with the tools and the system prompt, `turns` with the last turn."""

    head: bool
    turns: bool


def worth_caching(model: str, request: ModelRequest) -> WorthCaching:
    """Return the parts of `request` that are worth keeping for the next one to `model`."""
    floor = next((size for part, size in _FLOORS.items() if part in model), _LEAST)
    least = floor * _BYTES_PER_TOKEN
    head = _reach(least, _head_sizes(request))
    goes_on = bool(request.tools) or any(
        turn.role == "assistant" or turn.seams for turn in request.messages
    )
    whole = chain(_head_sizes(request), _turn_sizes(request))
    return WorthCaching(head, goes_on and (head or _reach(least, whole)))


def _reach(least: int, sizes: Iterable[int]) -> bool:
    """Tell whether `sizes` add up to `least`, looking at as few of them as needed."""
    return any(total >= least for total in accumulate(sizes))


def _head_sizes(request: ModelRequest) -> Iterator[int]:
    yield _size(request.system.strip())
    for tool in request.tools:
        yield _size(tool.description) + len(json.dumps(tool.parameters))


def _turn_sizes(request: ModelRequest) -> Iterator[int]:
    for message in request.messages:
        yield _size(message.text) + len(message.images) * _IMAGE_TOKENS * _BYTES_PER_TOKEN
        yield from (len(json.dumps(call.arguments)) for call in message.calls)


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def ends_to_mark(turns: list[Json]) -> list[tuple[Json, int]]:
    """Return the ends of this request and of what comes again in the next one: the last two ends of
    the user's turns, each as the turn and the place of a block in it. What was said earlier ends
    before the last text of a turn with several.

    A provider looks back over some twenty blocks from a mark, and one turn of many calls has more.
    """
    ends = []
    for turn in turns:
        blocks = turn["content"]
        if turn["role"] == "user":
            last = len(blocks) - 1
            if len(blocks) > 1 and "text" in blocks[-1] and "text" in blocks[-2]:
                ends.append((turn, last - 1))
            ends.append((turn, last))
    return ends[-2:]
