"""Splits a request into the question and the texts that may answer it."""

import re
from dataclasses import replace
from functools import cached_property

from shared.frozen import frozen
from shared.models import ModelRequest
from shared.models.offline.similarity import sentences
from shared.patterns import lazily

_BLOCK = lazily(r'<data source="([^"]*)"((?: \w+="[^"]*")*)>\n(.*?)\n?</data>', re.S)
_SAID = lazily(r' (\w+)="([^"]*)"')
_EVENT = lazily(r"(github|slack|api|schedule)\.\S+")
_BESIDE = lazily(r"(memory of|result of)\b|turn$|summary of the earlier conversation$")
_EARLIER = lazily(r"turn$|summary of the earlier conversation$")
#: The block that gives a conversation its number.
_HERE = "this conversation"
_MENTION = lazily(r"<@[^>]*>|^\s*@[\w-]+:?")
#: What stands in a question for a file that came with it, whose text is a source.
_ATTACHED = lazily(r"^\[(?:file|image): [^\n]*\]$", re.M)


@frozen
class SourceText:
    """A text and the name of its source; and who said it where, as its block's first line says."""

    name: str
    text: str
    author: str = ""
    trust: str = ""
    place: str = ""
    #: The number by which an answer cites it; '' where texts have none.
    cite: str = ""

    @property
    def cited(self) -> str:
        """The name for readers: that of a memory is its subject, with its address."""
        name = re.sub(r"^(memory of \S+|result of)\s+", "", self.name)
        if name == "turn":
            return "earlier in this conversation"
        name = f"{name} {self.place}".rstrip()
        return "" if _EVENT.match(name) or name == "text" else name

    @property
    def is_trusted(self) -> bool:
        """False for what outsiders said, and for what the agent made of that."""
        return "outsider" not in self.trust

    @property
    def is_own(self) -> bool:
        """Is it an earlier answer of the agent?"""
        return (self.name, self.author) == ("turn", "agent")

    @property
    def where(self) -> str:
        """The place in few words, such as `acme/shop#5`; '' if only an address tells it."""
        ref = re.search(r"^memory of \S+ (\S+[#:]\S+)$", self.name)
        return self.place.partition("http")[0].strip() or (ref[1] if ref else "")


@frozen
class ParsedRequest:
    """The parts of a request. `sources` may answer the `question`; `blocks` are all those of the
    last turn, in their order. An answer that `is_numbered` cites numbers, and declares its kind."""

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
        here = next((block.cite for block in blocks if block.name == _HERE), "")
        blocks = [_numbered(block, here) for block in blocks if block.name != _HERE]
        plain = _BLOCK.sub(" ", text).strip()
        subject = _subject(blocks, plain)
        asks = subject is not None and _EVENT.match(subject.name) is not None
        others = [block for block in blocks if block is not subject and not (asks and block.is_own)]
        beside = sorted(others, key=lambda block: _EARLIER.match(block.name) is not None)
        earlier = [
            source
            for message in request.messages[: max(asked, 0)]
            if message.role == "user"
            for source in (
                *(_numbered(block, here) for block in _blocks(message.text)),
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
        said = subject.text if subject else plain
        question = _ATTACHED.sub("", _MENTION.sub(" ", said)).strip() or said.strip()
        sources = (*beside, *earlier)
        return cls(request.system, question, sources, tuple(results), called, tuple(blocks))

    @property
    def is_numbered(self) -> bool:
        return "[unknown]" in self.task

    @cached_property
    def lines(self) -> list[str]:
        """The question's sentences, without orders in it."""
        return sentences(self.question)


def _blocks(text: str) -> list[SourceText]:
    made = []
    for name, said, body in _BLOCK.findall(text):
        told = dict(_SAID.findall(said))
        who = (told.get(field, "") for field in ("author", "trust", "place", "cite"))
        made.append(SourceText(name, body, *who))
    return made


def _numbered(block: SourceText, here: str) -> SourceText:
    """Give a turn the number of the conversation."""
    return replace(block, cite=here) if _EARLIER.match(block.name) else block


def _subject(blocks: list[SourceText], plain: str) -> SourceText | None:
    events = [block for block in blocks if _EVENT.match(block.name)]
    if events:
        return events[-1]
    if plain:
        return None
    rest = [block for block in blocks if not _BESIDE.match(block.name)]
    return next(iter(rest or [block for block in blocks if _EARLIER.match(block.name)]), None)
