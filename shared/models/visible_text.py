"""Reads Markdown as its page shows it: what a reader does not see is left out.

A Markdown parser finds what a page does not show: comments, definitions of links, titles, the
descriptions of pictures, surplus cells of tables, footnotes that nobody refers to, hidden HTML. The
rest stays as it was written, line by line, and code stays whole. The parser is imported only for a
text that could hide something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.models.visible_characters import visible_characters
from shared.models.visible_html import VisibleHtml
from shared.patterns import lazily

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

#: Signs of what can hide a text: HTML, links and pictures, footnotes, tables, words after a fence.
_SUSPICIOUS = lazily(
    r"<[A-Za-z/!?]|&[#A-Za-z]|\]\s*[(\[:]|\[\^|\|[ \t]*:?-|-:?[ \t]*\|"
    r"|^[ \t>*+\-0-9.)]*(?:`{3}|~{3})[^\n]*[ \t]\S",
    re.M,
)
_FOOTNOTE = lazily(r"\[\^([^\]\s]{1,100})\](?!:)")
_NOTE = lazily(r"[ \t>]*\[\^([^\]\s]{1,100})\]:")
#: The longest address of a link that is kept.
_ADDRESS = 300
#: Markdown that is read at once, in characters: a hostile text may take the square of its length.
_PAGE = 100_000


def visible_text(markdown: str) -> str:
    """Return `markdown` without what its page does not show. Lines keep their numbers."""
    if not _SUSPICIOUS.search(markdown):
        return markdown
    lines = markdown.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    html, shown = VisibleHtml(), []
    while lines:
        page = _Page(lines[: _fitting(lines)], html)
        count = page.whole_blocks if page.length < len(lines) else page.length
        shown += page.read(count)
        lines = lines[count:]
    return "\n".join(shown)


def _fitting(lines: Sequence[str]) -> int:
    """Count the lines to read at once, at least one."""
    size = 0
    for number, line in enumerate(lines):
        size += len(line) + 1
        if size > _PAGE and number:
            return number
    return len(lines)


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True, "store_labels": True})
    # Without text_join, escapes and entities are tokens of their own and keep their spelling.
    return parser.enable(["table", "strikethrough"]).disable("text_join")


class _Page:
    """Lines that are read at once, and what shows of them. `html` stays from page to page."""

    def __init__(self, lines: Sequence[str], html: VisibleHtml) -> None:
        self._lines = list(lines)
        self._html = html
        self._env: dict[str, Any] = {}
        self._tokens = _parser().parse("\n".join(lines), self._env)
        self._notes = self._referred()
        #: The lines of footnotes that do not show.
        self._dropped: set[int] = set()
        self.length = len(lines)

    @property
    def whole_blocks(self) -> int:
        """The number of lines before the last block, which may go on after them."""
        starts = [token.map[0] for token in self._tokens if not token.level and token.map]
        return (starts[-1] if starts else 0) or self.length

    def read(self, count: int) -> list[str]:
        """Return the first `count` lines, as far as they show."""
        for first, last in self._references():
            self._blank(first, last)
        row: list[Token] = []
        for token in self._tokens:
            if token.map and token.map[0] >= count:
                break
            if self._html.hides and token.type in _WHOLE and token.map:
                self._blank(*token.map)
            elif token.type == "tr_open":
                row = [token]
            elif token.type == "inline" and row:
                row.append(token)
            elif token.type == "tr_close" and row:
                self._row(row)
                row = []
            else:
                self._block(token)
        return self._lines[:count]

    def _block(self, token: Token) -> None:
        if token.type == "inline":
            self._inline(token)
        elif token.type == "html_block":
            self._put(token, self._html.read(token.content))
        elif token.type in {"fence", "code_block"}:
            self._code(token)

    def _references(self) -> Iterator[tuple[int, int]]:
        """Yield the lines of the definitions, but not those of footnotes that show."""
        found = [
            *self._env.get("references", {}).items(),
            *((one["label"], one) for one in self._env.get("duplicate_refs", ())),
        ]
        for label, reference in found:
            if not (label.startswith("^") and label[1:].casefold() in self._notes):
                first, last = reference["map"]
                if label.startswith("^"):
                    self._dropped |= set(range(first, last))
                yield first, last

    def _referred(self) -> frozenset[str]:
        """Return the names of the footnotes that the text outside of footnotes refers to."""
        names = set()
        for token in self._tokens:
            if token.type != "inline" or _NOTE.match(token.content):
                continue
            said = "".join(_words(token.children or ()))
            names |= {name.casefold() for name in _FOOTNOTE.findall(said)}
        return frozenset(names)

    def _inline(self, token: Token) -> None:
        """Show a paragraph or a heading, without the footnotes in it that nobody refers to."""
        shown = self._shown(token)
        lines = (token.content if shown is None else shown).split("\n")
        assert token.map is not None
        # A paragraph right behind a footnote belongs to it.
        drops = token.map[0] - 1 in self._dropped
        for number, line in enumerate(lines):
            if note := _NOTE.match(line):
                drops = note[1].casefold() not in self._notes
            if drops:
                lines[number] = ""
                self._dropped.add(token.map[0] + number)
        if (text := "\n".join(lines)) != token.content:
            self._put(token, text)

    def _shown(self, token: Token) -> str | None:
        """Return what shows of a text, or None when all of it does."""
        children, was_hidden = token.children or [], self._html.hides
        if was_hidden or any(_hides(children, number) for number in range(len(children))):
            shown = "".join(self._spell(children))
            if not was_hidden:
                self._html.end_paragraph()
            return shown
        return None

    def _spell(self, children: Sequence[Token]) -> Iterator[str]:
        """Yield the source of what shows, one piece of the text after the other."""
        before, ends = "", []
        for number, child in enumerate(children):
            piece = ""
            if child.content in _CALLS:
                piece = "" if self._html.hides else child.content
            elif child.type == "html_inline":
                piece = self._html.read(child.content, before)
            elif child.type == "link_open":
                opened, end = _link(children, number)
                ends.append(end)
                piece = "" if self._html.hides else opened
            elif child.type == "link_close":
                end = ends.pop()
                piece = "" if self._html.hides else end
            elif child.type in {"softbreak", "hardbreak"}:
                piece = "\n"
            elif _opens_comment(child) and not self._html.hides:
                yield child.content.partition("<!--")[0]
                return
            elif not self._html.hides:
                piece = _source(child)
            before = piece or before
            yield piece

    def _row(self, row: Sequence[Token]) -> None:
        """Show the cells of a table's row, as many as its head has."""
        head, *cells = row
        shown = [self._shown(cell) for cell in cells]
        assert head.map is not None
        line = self._lines[head.map[0]]
        first = max(line.find(cells[0].content), 0) if cells else 0
        surplus = len(_CELL_END.findall(line[first:].rstrip().rstrip("|"))) + 1 > len(cells)
        if surplus or any(text is not None for text in shown):
            texts = (
                (cell.content if text is None else text).replace("\n", " ")
                for cell, text in zip(cells, shown, strict=True)
            )
            self._put(head, f"| {' | '.join(texts)} |")

    def _code(self, token: Token) -> None:
        """Keep code, without the words after its language, which no page shows."""
        assert token.map is not None
        first, last = token.map
        if token.type == "code_block" and self._follows_dropped(first):
            self._blank(first, last)
            self._dropped.add(last - 1)
        elif token.type == "fence" and len(token.info.split()) > 1:
            language = token.info.split()[0]
            line = self._lines[first]
            self._lines[first] = line[: line.index(token.markup) + len(token.markup)] + language

    def _follows_dropped(self, line: int) -> bool:
        """Does an indented block at `line` belong to a footnote that does not show?"""
        before = line - 1
        while before >= 0 and before not in self._dropped and not self._lines[before].strip():
            before -= 1
        return before in self._dropped

    def _blank(self, first: int, last: int) -> None:
        self._lines[first:last] = [""] * (last - first)

    def _put(self, token: Token, text: str) -> None:
        """Write `text` into the lines of `token`, behind the marks of lists and quotes."""
        assert token.map is not None
        first, last = token.map
        old, new = token.content.split("\n"), text.split("\n")
        for at in range(first, last):
            number, line = at - first, self._lines[at]
            was = old[number].strip() if number < len(old) else ""
            mark = line[: line.index(was)] if was and was in line else ""
            if token.type == "tr_open":
                marks = _MARKS.match(line)
                mark = marks[0] if marks else ""
            self._lines[at] = (mark + new[number] if number < len(new) else "").rstrip()
        if len(new) > last - first:
            rest = " ".join(line for line in new[last - first :] if line.strip())
            self._lines[last - 1] = f"{self._lines[last - 1]} {rest}".rstrip()


#: Words of Slack that HTML takes for declarations; people write them on GitHub too, in vain.
_CALLS = frozenset({"<!channel>", "<!here>", "<!everyone>"})
#: The marks of quotes and lists before a row of a table.
_MARKS = lazily(r"(?:[ \t>]|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))*")
#: Blocks that go as a whole where hidden HTML holds them.
_WHOLE = frozenset(
    {"paragraph_open", "heading_open", "table_open", "tr_open", "fence", "code_block"}
)
#: The end of a cell, unless it is escaped.
_CELL_END = lazily(r"(?<!\\)\|")


def _hides(children: Sequence[Token], at: int) -> bool:
    """Could a page show less of this than its source says?"""
    child = children[at]
    if child.type in {"image", "html_inline"} or _opens_comment(child) or _is_invisible(child):
        return True
    if child.type != "link_open" or child.markup == "autolink":
        return False
    more = child.attrs.get("title") or child.meta.get("label")
    return bool(more) or not _link(children, at)[1].startswith("](")


def _opens_comment(child: Token) -> bool:
    """Is this a comment without an end? GitHub shows it, other pages do not."""
    return child.type == "text" and "<!--" in child.content


def _is_invisible(child: Token) -> bool:
    """Does an entity spell a character that nobody sees?"""
    return child.info == "entity" and not visible_characters(child.content)


def _words(children: Sequence[Token]) -> Iterator[str]:
    """Yield the text outside of code, with the brackets of links by reference."""
    for child in children:
        if child.type in {"text", "text_special"}:
            yield child.content if child.type == "text" else " "
        elif child.type == "link_open":
            yield "["
        elif child.type == "link_close":
            yield "]"


def _link(children: Sequence[Token], at: int) -> tuple[str, str]:
    """Return the source around the text of a link: without its title, and with its address only if
    there is a text to see."""
    link = children[at]
    if link.markup == "autolink":
        return "<", ">"
    address = str(link.attrs.get("href", ""))
    label = str(link.meta.get("label", ""))
    if label.startswith("^"):
        return "[", "]"
    is_empty = not _has_text(children, at)
    if is_empty or len(address) > _ADDRESS or re.search(r"\s|%20|[<>()]", address):
        return ("", "") if is_empty else ("[", "]")
    return "[", f"]({address})"


def _has_text(children: Sequence[Token], at: int) -> bool:
    for child in children[at + 1 :]:
        if child.type == "link_close":
            return False
        is_text = child.type in {"text", "text_special", "code_inline"}
        if is_text and visible_characters(child.content).strip():
            return True
    return False


def _source(child: Token) -> str:
    if child.type == "text":
        return child.content
    if child.type == "code_inline":
        space = " " if child.content[:1] == "`" or child.content[-1:] == "`" else ""
        return f"{child.markup}{space}{child.content}{space}{child.markup}"
    if child.type == "image" or _is_invisible(child):
        return ""
    return child.markup
