"""Finds the places of a text where a zero-width space takes away its power to do more than be read.

The space reads as nothing, in the page, in mail and in the source, while an escape would show where
the text is code after all. It breaks mentions, closing keywords before an issue, commands at the
start of a line, HTML, pictures, definitions of links, and addresses on hosts that nobody named.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from enum import Enum, auto
from typing import NamedTuple

from shared.actions.links import known_address
from shared.patterns import lazily

BREAK = "\u200b"


class Kind(Enum):
    """What a part of a text is. In PARAGRAPH code spans and escapes count; TITLE is no Markdown."""

    PARAGRAPH = auto()
    UNCERTAIN = auto()
    TITLE = auto()
    CODE = auto()
    BLANK = auto()


class _Span(NamedTuple):
    """A piece that stays as it is: code, or an address, in which a `@` names nobody."""

    start: int
    end: int
    is_code: bool


#: After a letter or a digit an @ is part of an address.
_AT = lazily(r"(?<![A-Za-z0-9])@(?=\S)")
_ENTITY = lazily(
    r"&(?!(?:amp|lt|gt|quot|nbsp);)(?:#\d+|#x[0-9a-f]+|[a-z][a-z0-9]{1,40});", re.IGNORECASE
)
#: An entity without its end, which browsers read all the same.
_HALF_ENTITY = lazily(r"&(?=#)(?!#(?:\d+|[xX][0-9a-fA-F]+);)")
#: One with a name: `<p>&nbsp@name</p>`. Only HTML has these.
_HALF_NAME = lazily(r"&(?=[A-Za-z])(?![A-Za-z0-9]{1,40};)")

#: HTML that stays as it is.
_TAG = lazily(
    r"</?(?:b|blockquote|br|code|dd|del|details|dl|dt|em|h[1-6]|hr|i|ins|kbd|li|ol|p|q|s|samp|small"
    r"|strong|sub|summary|sup|table|tbody|td|th|thead|tr|ul|var)(?: ?/)?>|<details open>",
    re.IGNORECASE,
)
#: The address of a link, behind its text.
_BEHIND = r"\]\((?![^()\s]*#\d)[^()\s<>]*\)"
#: What can stand inside of a word and shows nothing of itself.
_UNSEEN = rf"(?>(?:[\\*_~\[]|{_BEHIND}|{_TAG.pattern})*)"


def _word(letters: str) -> str:
    """`ﬁ` is one letter, and equals `fi` where case does not count."""
    return _UNSEEN.join(letters).replace(f"f{_UNSEEN}i", f"(?:f{_UNSEEN}i|ﬁ)", 1)


#: close, closes, closed, fix, fixes, fixed, resolve, resolves, resolved: what they begin with
#: stands once, which halves the time to compile.
_KEYWORDS = "|".join(
    rf"{_word(beginning)}(?:{_UNSEEN}{ending})?"
    for beginning, ending in (("close", "[sd]"), ("fix", f"e{_UNSEEN}[sd]"), ("resolve", "[sd]"))
)
#: What shows nothing of itself between two words, or is no word.
_BETWEEN = rf"{_TAG.pattern}|&#?\w{{1,31}};|\d{{1,9}}[.)]"
_KEYWORD = (
    rf"{_KEYWORDS}"
    rf"|(?P<duplicate>{_word('duplicate')}(?>(?:{_BETWEEN}|[^a-z0-9<&])+){_word('of')})"
)
#: A text as far as it says which issues to close; other signs may stand between keyword and issue.
_CLOSING = lazily(
    rf"(?P<keyword>(?<![a-z0-9])(?:{_KEYWORD})(?![a-z0-9]))"
    r"|(?P<issue>(?:\w(?:\\?[\w.-]){0,99}\\?/(?:\\?[\w.-]){1,100})?\\?"
    rf"#{_UNSEEN}\d|\bGH\\?-{_UNSEEN}\d"
    r"|https?://[^\s/<>()]{1,200}/[^\s/]{1,100}/[^\s/]{1,100}/(?:issues|pull|discussions)/\d)"
    rf"|{_BETWEEN}|(?P<behind>{_BEHIND})|(?P<other>[a-z0-9]+)",
    re.IGNORECASE,
)
#: `Duplicate of` counts only where it opens a line.
_LINE_START = lazily(
    r"(?:^|[>;\x0b\x0c\x1c-\x1e\x85\u2028\u2029])(?>(?:[^a-z0-9\n]|\d{1,9}[.)])*)\Z",
    re.IGNORECASE | re.MULTILINE,
)
#: So far back its line may have begun.
_REACH = 300
#: A blank line before the next word.
_NEXT_PARAGRAPH = lazily(rf"(?:{_BETWEEN}|[^a-z0-9<&]|&(?!#?\w))*?\n[ \t>]*\n", re.IGNORECASE)

_COMMAND = lazily(
    r"(?:^|</?(?:br|blockquote|d[dlt]|details|h[1-6r]|[ou]?l[i]?|p|summary|table|tbody|t[dhr]|thead)"
    r"(?:\s[^<>\n]{0,200})?/?>|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029])"
    rf"(?>(?:{_BEHIND}|[^\w\n/<&]|_|\d{{1,9}}[.)]|<[^<>\n]{{0,200}}>|&#?\w{{1,31}};)*)(?=/{_UNSEEN}<?[A-Za-z])",
    re.MULTILINE | re.IGNORECASE,
)
#: A command in a block of code; a path has another slash.
_CODE_COMMAND = lazily(r"^[ \t]*(?=/[A-Za-z][\w-]*(?:\s|\Z))", re.MULTILINE)

#: What keeps checks from running, in the message of a commit, which a pull request may become.
#: https://docs.github.com/en/actions/how-tos/manage-workflow-runs/skip-workflow-runs
_SKIP = lazily(
    r"\[(?=(?:(?:skip|no)[ _-](?:ci|actions|checks)|(?:ci|actions)[ _-]skip)\])"
    r"|^[ \t]*skip(?=-checks\s*:)|\*{3}(?=NO_CI)",
    re.IGNORECASE | re.MULTILINE,
)

_SIGN = lazily(
    rf"(?P<scheme>\\?:{_UNSEEN}/{_UNSEEN}(?=/))|(?P<www>w(?={_UNSEEN}w{_UNSEEN}w{_UNSEEN}\.))"
    r"|(?P<escape>\\[!-/:-@\[-`{-~])|(?P<ticks>`+)|(?P<tag><(?=[A-Za-z/!?]))|(?P<image>!(?=\[))"
    r"|(?P<target>\]\()|(?P<definition>\](?=:))",
    re.IGNORECASE,
)
#: The target of a link to the same page or repository.
_RELATIVE = lazily(r"(?!//)[A-Za-z0-9_./#?=%+-]*+\)")
_WORD = lazily(r"[^\s<]*")


class _Uncertain(Exception):
    """Only a full parser could tell which part of the text is code."""


def broken(text: str, kind: Kind, hosts: Collection[str] = ()) -> str:
    """Return `text` with the spaces in it. Links to `hosts` stay links."""
    if kind is Kind.BLANK:
        return text
    if kind is Kind.CODE:
        return _insert(text, [found.end() for found in _CODE_COMMAND.finditer(text)])
    breaks, kept = _links(text, kind, hosts)
    if kind is not Kind.TITLE:
        breaks += _entities(text)
    if kind is Kind.UNCERTAIN:
        breaks += [found.end() for found in _HALF_NAME.finditer(text)]
    breaks += [found.end() for found in _AT.finditer(text)]
    for acting in (_COMMAND, _SKIP):
        breaks += [found.end() for found in acting.finditer(text)]
    keywords = [start + 1 for start, _ in _closing_keywords(text, {*breaks})]
    closing = _outside(keywords, [span for span in kept if span.is_code])
    return _insert(text, [*_outside(breaks, kept), *closing])


def across_paragraphs(text: str) -> str:
    """Break closing keywords whose issue stands at the start of the next paragraph."""
    words = _closing_keywords(text)
    return _insert(text, [start + 1 for start, end in words if _NEXT_PARAGRAPH.match(text, end)])


def _insert(text: str, places: list[int]) -> str:
    pieces, done = [], 0
    for place in sorted(set(places)):
        pieces.append(text[done:place])
        done = place
    return BREAK.join([*pieces, text[done:]])


def _outside(places: Iterable[int], kept: list[_Span]) -> list[int]:
    """Leave out the places within what stays; both ends of it are outside."""
    out, spans = [], iter([*kept, _Span(1 << 60, 1 << 60, True)])
    span = next(spans)
    for place in sorted(places):
        while place >= span.end:
            span = next(spans)
        if place <= span.start:
            out.append(place)
    return out


def _entities(text: str) -> Iterator[int]:
    """Yield both sides of each entity: what it spells can be any part of a mention or an issue."""
    for found in _ENTITY.finditer(text):
        yield from found.span()
    for found in _HALF_ENTITY.finditer(text):
        yield found.end()


def _closing_keywords(text: str, broken: Collection[int] = ()) -> Iterator[tuple[int, int]]:
    """Yield start and end of the words that would close an issue: `fixes #12`. Behind a `broken`
    place is no link but text."""
    keyword, at = None, 0
    while found := _CLOSING.search(text, at):
        at = found.end()
        if found["behind"] and found.start() + 1 in broken:
            at = found.start() + 2
        elif found["keyword"]:
            before = text[max(found.start() - _REACH, 0) : found.start()]
            counts = not found["duplicate"] or _LINE_START.search(before)
            keyword = found.span() if counts else None
        elif found["issue"] and keyword:
            yield keyword
        if found["issue"] or found["other"]:
            keyword = None


def _links(text: str, kind: Kind, hosts: Collection[str]) -> tuple[list[int], list[_Span]]:
    """Return the places to break in HTML, pictures and links, and what stays as it is."""
    if kind is Kind.PARAGRAPH:
        try:
            return _Scan(text, hosts, certain=True).run()
        except _Uncertain:
            kind = Kind.UNCERTAIN
    if kind is Kind.TITLE:
        places = [at for at in re.finditer(r"(?<=:)(?=//)|(?<=\bw)(?=ww\.)", text, re.IGNORECASE)]
        return [at.start() for at in places], []
    return _Scan(text, hosts, certain=False).run()


class _Scan:
    """Goes through a text from left to right, as a parser does, and breaks what it would build.

    What it breaks is plain text from there on, so that the rest of the scan stays right.
    """

    def __init__(self, text: str, hosts: Collection[str], *, certain: bool) -> None:
        self._text = text
        self._hosts = hosts
        self._certain = certain
        self._breaks: list[int] = []
        self._kept: list[_Span] = []

    def run(self) -> tuple[list[int], list[_Span]]:
        """Raises _Uncertain when a code span has no sure end."""
        at = 0
        while found := _SIGN.search(self._text, at):
            at = getattr(self, f"_{found.lastgroup}")(found.start(), found.end())
        return self._breaks, self._kept

    def _escape(self, start: int, end: int) -> int:
        return end if self._certain else start + 1

    def _ticks(self, start: int, end: int) -> int:
        """Keep a code span that ends in its line and is in no cell of a table."""
        if not self._certain:
            return end
        run = self._text[start:end]
        partner = re.compile(rf"(?<!`){run}(?!`)").search(self._text, end)
        inside = self._text[end : partner.start()] if partner else "\n"
        if partner is None or "\n" in inside or "|" in inside:
            raise _Uncertain
        self._kept.append(_Span(start, partner.end(), True))
        return partner.end()

    def _tag(self, start: int, end: int) -> int:
        if tag := _TAG.match(self._text, start):
            return tag.end()
        address = known_address(self._text, end, self._hosts)
        if address and self._text[address : address + 1] == ">":
            self._keep(end, address)
            return address + 1
        return self._break(end)

    def _image(self, _: int, end: int) -> int:
        return self._break(end)

    def _definition(self, _: int, end: int) -> int:
        return self._break(end)

    def _www(self, _: int, end: int) -> int:
        return self._break(end)

    def _target(self, start: int, end: int) -> int:
        """Keep the target of a link that is relative, or on a known host."""
        address = known_address(self._text, end, self._hosts)
        if address and self._text[address : address + 1] == ")":
            self._keep(end, address)
            return address + 1
        if relative := _RELATIVE.match(self._text, end):
            return relative.end()
        return self._break(start + 1)

    def _scheme(self, start: int, end: int) -> int:
        """Keep an address on a known host: GitHub makes a link of it."""
        head = self._text[max(start - 5, 0) : start].lower()
        begin = start - (5 if head == "https" else 4)
        before = self._text[begin - 1 : begin] if begin > 0 else ""
        is_word = before.isascii() and before.isalpha()
        address = 0 if begin < 0 or is_word else known_address(self._text, begin, self._hosts)
        if not address:
            self._break(self._text.index(":", start) + 1)
            return end if self._text[end - 1] == "\\" else self._break(end)
        word = _WORD.match(self._text, address)
        if self._certain and word and "`" in word[0]:
            raise _Uncertain  # the link takes the back-tick, or it does not
        self._keep(begin, address)
        return address

    def _keep(self, start: int, end: int) -> None:
        """Keep an address. Where it may be no link after all, its first `@` ends it."""
        at = -1 if self._certain else self._text.find("@", start, end)
        self._kept.append(_Span(start, end if at < 0 else at, False))

    def _break(self, place: int) -> int:
        self._breaks.append(place)
        return place
