"""Cuts documents into passages of bounded size, by heading and paragraph, each with an address."""

from collections.abc import Iterator, Sequence

from shared.frozen import frozen
from shared.memory.documents.outline import Block, Format, format_of, sections
from shared.memory.stored_text import short_hash
from shared.patterns import lazily

#: Characters per passage; an ideograph counts as two. A block of code is split only if it has twice
#: as many. Small embedders read about this much, and a text of this length has one subject.
LIMIT = 1_200
#: A longer ref is cut, and a hash of the whole is appended.
_REF_CHARACTERS = 440

_WIDE = lazily(
    "[\u1100-\u11ff\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
    "\U00020000-\U0003134f]"
)
_ENDS = (lazily(r"\n"), lazily(r"[.!?][\"')\]]*\s|[。！？；]"), lazily(r"\s"))


@frozen
class Passage:
    """A part of a document that fits into an embedder.

    `headings` leads to it from the outermost in. `anchor` is the address of the last of them within
    the document, '' before the first. `number` counts the passages under that heading; `first` and
    `last` are lines. All count from 1.
    """

    headings: tuple[str, ...]
    anchor: str
    number: int
    body: str
    first: int
    last: int

    @property
    def text(self) -> str:
        """Return the text to remember: the headings, then the body."""
        return "\n\n".join(filter(None, (" › ".join(self.headings), self.body)))

    def ref(self, document: str) -> str:
        """Name it within `document`: `acme/shop:README.md#install/2`."""
        ref = f"{document}#{self.anchor}/{self.number}"
        return ref if len(ref) <= _REF_CHARACTERS else f"{ref[:_REF_CHARACTERS]}:{short_hash(ref)}"

    def url(self, document: str, format: Format) -> str:
        """Return its address: of its heading in the document at `document`, or of its lines of
        code."""
        if format == "code":
            return f"{document}#L{self.first}-L{self.last}"
        return f"{document}#{self.anchor}" if self.anchor else document


def cut(path: str, text: str) -> list[Passage]:
    """Return the passages of the document `path` in order; a blank document has none.

    They hold all of the visible text. The text and the ref of a passage depend only on its own
    section, so a change elsewhere in the document leaves it as it is.
    """
    found = sections(format_of(path), text)
    passages = []
    for place, section in enumerate(found):
        packed = list(_packed(section.blocks))
        leads_on = place + 1 < len(found) and len(found[place + 1].headings) > len(section.headings)
        if not packed and section.headings and not leads_on:
            packed = [Block("", section.line, section.line)]
        for number, block in enumerate(packed, 1):
            name = (section.headings, section.anchor, number)
            passages.append(Passage(*name, block.text, block.first, block.last))
    return passages


def weight(text: str) -> int:
    """Return the length of `text` as it counts towards LIMIT."""
    return len(text) if text.isascii() else len(text) + len(_WIDE.findall(text))


def _packed(blocks: Sequence[Block]) -> Iterator[Block]:
    """Join neighbours that fit into one passage, and split blocks that are too long."""
    held: list[Block] = []
    taken = 0
    for block in blocks:
        size = weight(block.text) + 2
        if held and taken + size > LIMIT:
            yield _joined(held)
            held, taken = [], 0
        if size > (2 * LIMIT if block.is_code else LIMIT):
            yield from _split(block)
        else:
            held.append(block)
            taken += size
    if held:
        yield _joined(held)


def _joined(blocks: Sequence[Block]) -> Block:
    return Block("\n\n".join(block.text for block in blocks), blocks[0].first, blocks[-1].last)


def _split(block: Block) -> Iterator[Block]:
    """Split a long block at the end of a line, a sentence or a word, else anywhere."""
    text, start, line = block.text, 0, block.first
    while start < len(text):
        end = _end(text, start)
        piece = text[start:end]
        after = line + piece.count("\n")
        if piece.strip():
            yield Block(piece.strip("\n"), line, after - (piece[-1] == "\n"))
        start, line = end, after


def _end(text: str, start: int) -> int:
    """Return the end of the passage that begins at `start`: late, and at a good place to split."""
    end, room = start, LIMIT
    while end < len(text) and room > 0:
        room -= 2 if _WIDE.match(text[end]) else 1
        end += 1
    if end == len(text):
        return end
    middle = (start + end) // 2
    for pattern in _ENDS:
        places = [match.end() for match in pattern.finditer(text, middle, end)]
        if places:
            return places[-1]
    return end
