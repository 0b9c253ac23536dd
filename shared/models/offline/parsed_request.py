"""Splits a request into the question and the texts that may answer it."""

import re
from dataclasses import dataclass
from functools import cached_property

from shared.models import ModelRequest
from shared.models.offline.similarity import sentences

_BLOCK = re.compile(r'<data source="([^"]*)">\n(.*?)\n?</data>', re.S)
_EVENT = re.compile(r"(github|slack|api|schedule)\.\S+")
_BESIDE = re.compile(r"(memory of|result of)\b")
_MENTION = re.compile(r"<@[^>]*>|^\s*@[\w-]+")


@dataclass(frozen=True)
class SourceText:
    """A text and the name of its source."""

    name: str
    text: str

    @property
    def cited(self) -> str:
        """The name for readers: that of a memory is its subject."""
        name = re.sub(r"^(memory of \S+|result of)\s+", "", self.name)
        return "" if _EVENT.match(name) or name == "text" else name


@dataclass(frozen=True)
class ParsedRequest:
    """The parts of a request. `sources` may answer the `question`; `blocks` are all those of the
    last turn, in their order."""

    task: str
    question: str
    sources: tuple[SourceText, ...]
    results: tuple[SourceText, ...]
    called: frozenset[str]
    blocks: tuple[SourceText, ...] = ()

    @classmethod
    def of(cls, request: ModelRequest) -> "ParsedRequest":
        """Find the question: an event's text, else the text outside blocks, else a block."""
        asked = max((i for i, m in enumerate(request.messages) if m.role == "user"), default=-1)
        text = request.messages[asked].text if asked >= 0 else ""
        blocks = _blocks(text)
        plain = _BLOCK.sub(" ", text).strip()
        subject = _subject(blocks, plain)
        beside = [block for block in blocks if block is not subject]
        earlier = [
            source
            for message in request.messages[: max(asked, 0)]
            if message.role == "user"
            for source in (
                *_blocks(message.text),
                SourceText("earlier in this conversation", _BLOCK.sub(" ", message.text).strip()),
            )
        ]
        after = request.messages[asked + 1 :]
        called = frozenset(call.name for message in after for call in message.calls)
        results = [
            block
            for message in after
            if message.role == "tool"
            for block in (_blocks(message.text) or [SourceText("", message.text)])
        ]
        question = _MENTION.sub(" ", subject.text if subject else plain).strip()
        sources = (*beside, *earlier)
        return cls(request.system, question, sources, tuple(results), called, tuple(blocks))

    @cached_property
    def lines(self) -> list[str]:
        """The question's sentences, without orders in it."""
        return sentences(self.question)


def _blocks(text: str) -> list[SourceText]:
    return [SourceText(name, body) for name, body in _BLOCK.findall(text)]


def _subject(blocks: list[SourceText], plain: str) -> SourceText | None:
    events = [block for block in blocks if _EVENT.match(block.name)]
    if events:
        return events[-1]
    if plain:
        return None
    return next((block for block in blocks if not _BESIDE.match(block.name)), None)
