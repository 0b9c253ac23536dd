"""Reads a document as an outline: its sections by heading, each with its paragraphs and code."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from shared.memory.documents.markup import clean_markdown, clean_rst, visible
from shared.patterns import lazily

Format = Literal["markdown", "rst", "text", "code"]

#: Longer lines are not headings.
HEADING_CHARACTERS = 200
#: The deepest level; deeper headings count as this deep.
DEPTH = 6

_FENCE = lazily(r"[ \t>]*(`{3,}|~{3,})")
_ATX = lazily(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_SETEXT = lazily(r" {0,3}(?:=+|-+)[ \t]*")
_NO_TITLE = lazily(r"[ \t]*(?:[-*+>|]|\d+[.)])")
_ADORNMENT = lazily(r"([!-/:-@\[-`{-~])\1{2,}[ \t]*")
_LINK = lazily(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_INLINE = lazily(r"<[^>]*>|[`*]")
_DEFINITION = lazily(
    r"(?:(?:export|default|pub(?:\([a-z]+\))?|public|private|protected|internal|async|static|final"
    r"|abstract|sealed|unsafe|data|partial)\s+)*"
    r"(?:def|class|function\*?|func|fn|interface|struct|enum|trait|impl|module|object|type)\s+"
    r"(?:\([^)\n]{0,200}\)\s*)?([A-Za-z_$][\w.$]{0,150})"
)


class Block(NamedTuple):
    """A paragraph or a block of code. Its lines `first` to `last` are counted from 1."""

    text: str
    first: int
    last: int
    is_code: bool = False


@dataclass
class Section:
    """The text under one heading, up to the next.

    `headings` leads to it from the outermost in; the first section of a document has none. `line`
    is the line of its heading.
    """

    headings: tuple[str, ...]
    anchor: str
    line: int
    blocks: list[Block] = field(default_factory=list)


class _Outline:
    """Collects the lines of a document into blocks and sections."""

    def __init__(self, slug: Callable[[str], str]) -> None:
        self.sections = [Section((), "", 1)]
        self.lines: list[str] = []
        self._slug = slug
        self.first = 0
        self._path: list[tuple[int, str]] = []
        self._used: dict[str, int] = {}

    def add(self, number: int, line: str) -> None:
        """Add a line to the open block."""
        if not self.lines:
            self.first = number
        self.lines.append(line)

    def close(self, *, is_code: bool = False) -> None:
        """End the open block, if there is one."""
        text = "\n".join(self.lines)
        if text.strip():
            last = self.first + len(self.lines) - 1
            self.sections[-1].blocks.append(Block(text, self.first, last, is_code))
        self.lines = []

    def head(self, level: int, title: str, number: int) -> None:
        """Begin the section under a heading."""
        self.close()
        self._path = [step for step in self._path if step[0] < level] + [(level, title)]
        headings = tuple(title for _, title in self._path)
        self.sections.append(Section(headings, self._anchor(title), number))

    def _anchor(self, title: str) -> str:
        """Return an anchor of its own: the second `install` is `install-1`, as on GitHub."""
        slug = anchor = self._slug(title) or "section"
        while anchor in self._used:
            self._used[slug] += 1
            anchor = f"{slug}-{self._used[slug]}"
        self._used[anchor] = 0
        return anchor


def format_of(path: str) -> Format:
    """Return the format that the suffix of `path` stands for."""
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in {".md", ".markdown", ".mdx"}:
        return "markdown"
    if suffix == ".rst":
        return "rst"
    return "text" if suffix in {".txt", ""} else "code"


def sections(format: Format, text: str) -> list[Section]:
    """Return the sections of a document in order; they hold all of its visible text."""
    return _READERS[format](text)


def slug(title: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def _markdown(text: str) -> list[Section]:
    outline, fence = _Outline(slug), ""
    for number, line in enumerate(clean_markdown(text).split("\n"), 1):
        mark = _FENCE.match(line)
        if fence:
            outline.add(number, line)
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip("`~ \t"):
                outline.close(is_code=True)
                fence = ""
        elif mark:
            outline.close()
            outline.add(number, line)
            fence = mark[1]
        elif (atx := _ATX.fullmatch(line)) and (title := _title(atx[2] or "")):
            outline.head(len(atx[1]), title, number)
        elif _SETEXT.fullmatch(line) and (title := _underlined(outline.lines)):
            outline.lines = []
            outline.head(1 if "=" in line else 2, title, number - 1)
        elif line.strip():
            outline.add(number, line)
        else:
            outline.close()
    outline.close(is_code=bool(fence))
    return outline.sections


def _title(text: str) -> str:
    """Return a heading without its markup; '' if it is empty or too long."""
    title = " ".join(_INLINE.sub("", _LINK.sub(r"\1", text)).split())
    return title if len(text) <= HEADING_CHARACTERS else ""


def _underlined(lines: list[str]) -> str:
    """Return the heading that the lines above an underline form, or ''."""
    if not lines or _NO_TITLE.match(lines[0]):
        return ""
    return _title("\n".join(lines))


def _rst(text: str) -> list[Section]:
    outline, lines = _Outline(slug), clean_rst(text).split("\n")
    styles: list[str] = []
    number = 0
    while number < len(lines):
        taken, style = _rst_heading(lines, number) if not outline.lines else (0, "")
        if taken:
            if style not in styles:
                styles.append(style)
            title = " ".join(lines[number + taken - 2].replace("`", "").split())
            outline.head(min(styles.index(style) + 1, DEPTH), title, number + taken - 1)
            number += taken
            continue
        if lines[number].strip():
            outline.add(number + 1, lines[number])
        elif _goes_on(outline.lines, lines, number):
            outline.add(number + 1, "")
        else:
            outline.close(is_code=outline.lines[-1:] != [] and outline.lines[-1][:1] == " ")
        number += 1
    outline.close()
    return outline.sections


def _rst_heading(lines: list[str], at: int) -> tuple[int, str]:
    """Return the number of lines of the heading at `at`, and its style; 0 if there is none."""
    over = _ADORNMENT.fullmatch(lines[at])
    first = at + 1 if over else at
    if first + 1 >= len(lines):
        return 0, ""
    title, under = lines[first], _ADORNMENT.fullmatch(lines[first + 1])
    if not under or not title.strip() or _ADORNMENT.fullmatch(title):
        return 0, ""
    if len(title) > HEADING_CHARACTERS or len(under[0].strip()) < min(len(title.strip()), 4):
        return 0, ""
    if over:
        return (3, over[1] * 2) if over[1] == under[1] else (0, "")
    return (2, under[1]) if not title[0].isspace() else (0, "")


def _goes_on(block: list[str], lines: list[str], blank: int) -> bool:
    """Does the block go on after a blank line, as indented code and directives do?"""
    after = next((line for line in lines[blank + 1 : blank + 4] if line.strip()), "")
    begins = bool(block) and (block[-1][:1] in {" ", "\t", ""} or block[-1].rstrip().endswith("::"))
    return after[:1] in {" ", "\t"} and (begins or bool(block and block[0].startswith(".. ")))


def _plain(text: str) -> list[Section]:
    outline = _Outline(slug)
    for number, line in enumerate(visible(text).split("\n"), 1):
        if line.strip():
            outline.add(number, line)
        else:
            outline.close()
    outline.close()
    return outline.sections


def _code(text: str) -> list[Section]:
    """Read code: a block ends at a blank line before an unindented one; a definition begins a
    section."""
    outline, lines = _Outline(str), visible(text).split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            if outline.lines:
                outline.add(number, "")
            continue
        if outline.lines and not outline.lines[-1] and not line[0].isspace():
            _end_code(outline)
        outline.add(number, line)
    _end_code(outline)
    return outline.sections


def _end_code(outline: _Outline) -> None:
    while outline.lines and not outline.lines[-1]:
        outline.lines.pop()
    lines, first = outline.lines, outline.first
    names = (match[1] for line in lines if (match := _DEFINITION.match(line)))
    if name := next(names, ""):
        outline.lines = []
        outline.head(1, name, first)
        for number, line in enumerate(lines, first):
            outline.add(number, line)
    outline.close(is_code=True)


_READERS: Mapping[Format, Callable[[str], list[Section]]] = {
    "markdown": _markdown,
    "rst": _rst,
    "text": _plain,
    "code": _code,
}
