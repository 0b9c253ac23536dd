"""Which models can see pictures. The others are told that there were some."""

from dataclasses import replace
from fnmatch import fnmatchcase

from shared.models import ChatMessage, ModelRequest

#: Stands in place of pictures before a model that cannot see them.
UNSEEN = "cannot be shown to you. Say so where the answer depends on it.]"


class Sight:
    """The models that MODEL_SEES names, by patterns in which `*` is any text.

    >>> Sight("*claude*, openai:gpt-5*").sees("anthropic:claude-sonnet")
    True
    """

    def __init__(self, setting: str) -> None:
        self._patterns = [one.strip().lower() for one in setting.split(",") if one.strip()]

    def sees(self, name: str) -> bool:
        return any(fnmatchcase(name.lower(), pattern) for pattern in self._patterns)

    def shown_to(self, name: str, request: ModelRequest) -> ModelRequest:
        """Return the request as this model can take it."""
        if not any(message.images for message in request.messages) or self.sees(name):
            return request
        return replace(request, messages=tuple(map(_blind, request.messages)))


def is_blind(request: ModelRequest) -> bool:
    """Were pictures left out of the request?"""
    return any(UNSEEN in message.text for message in request.messages)


def _blind(message: ChatMessage) -> ChatMessage:
    if not (count := len(message.images)):
        return message
    return replace(message, text=f"{message.text}\n\n{unseen(count)}".strip(), images=())


def unseen(count: int) -> str:
    """Say to a model that so many pictures came, which it is not shown."""
    return f"[{count} image{'s' * (count > 1)} came with this that {UNSEEN}"
