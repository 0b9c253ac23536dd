"""Reads the HTML inside Markdown as a browser does: tags lose their attributes, and what a page
does not show is left out."""

import re
from collections.abc import Mapping, Sequence
from html import unescape
from html.parser import HTMLParser

from shared.models.visible_characters import visible_characters
from shared.patterns import lazily

Attributes = Sequence[tuple[str, str | None]]

#: Elements whose content no page shows.
_UNSEEN = frozenset(
    [
        "script",
        "style",
        "template",
        "title",
        "head",
        "noscript",
        "iframe",
        "noembed",
        "noframes",
        "object",
        "audio",
        "video",
        "canvas",
        "svg",
        "math",
        "select",
        "datalist",
        "dialog",
        "rp",
        "applet",
        "map",
        "progress",
        "meter",
    ]
)
_VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    ]
)
#: A paragraph ends these, even where nobody closed them.
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "label",
        "mark",
        "p",
        "q",
        "rp",
        "ruby",
        "s",
        "samp",
        "select",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "title",
        "tt",
        "u",
        "var",
    ]
)
#: Tags that tell a reader of the source how the text is laid out; and `data`, which is no secret:
#: prompts make it harmless.
_LAYOUT = frozenset(
    [
        "b",
        "blockquote",
        "br",
        "center",
        "code",
        "data",
        "dd",
        "del",
        "details",
        "div",
        "dl",
        "dt",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "ins",
        "kbd",
        "li",
        "mark",
        "ol",
        "p",
        "pre",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "u",
        "ul",
        "var",
    ]
)
#: Placeholders of logs, which people paste without marking them as code.
_PLACEHOLDERS = frozenset(
    [
        "init",
        "clinit",
        "module",
        "stdin",
        "stdout",
        "stderr",
        "anonymous",
        "string",
        "lambda",
        "listcomp",
        "genexpr",
        "unknown",
        "none",
        "null",
    ]
)
#: Comments, CDATA and instructions. They go before the parser, which versions of Python end at
#: different places.
_NO_ELEMENT = lazily(
    r"<!--.*?(?:-->|\Z)|<!\[.*?(?:\]\]>|\Z)|<(?:[!?]|/(?![A-Za-z]))[^>]*(?:>|\Z)", re.S
)
#: Classes by which style sheets hide a text.
_HIDDEN_CLASS = lazily(
    r"(?:^|\s)(?:hidden|invisible|d-none|sr-only|(?:visually|is)-hidden)(?:$|\s)"
)
#: A style shows its text only if each of its declarations is one of these. Others can hide it.
_VISIBLE_STYLE = lazily(
    r"(?:text-align|vertical-align|font-(?:weight|style|family|variant)|text-decoration|float|clear"
    r"|white-space|word-break|overflow-wrap|list-style(?:-type)?|tab-size|(?:min|max)-width"
    r"|background(?:-color)?|border(?:-[a-z-]+)?|padding(?:-[a-z]+)?):[^:()]+"
    r"|margin(?:-[a-z]+)?:(?>(?:auto|-?\d{1,2}(?:\.\d+)?(?:px|pt)|\d{1,2}(?:\.\d+)?(?:r?em|%)|0)+)"
    r"|(?:width|height|max-height|line-height):(?:auto|0?\.[3-9]\d*|[1-9]\d*(?:\.\d+)?)[a-z%]*"
    r"|font-size:(?:(?:x+-)?(?:small|large)(?:er)?|medium|(?:[6-9]|\d\d+)(?:\.\d+)?(?:px|pt)"
    r"|(?:0?\.[5-9]|[1-9])\d*(?:\.\d+)?r?em|[5-9]\d%|\d{3,}%)"
    r"|display:(?:block|inline(?:-block)?|flex|grid|table(?:-[a-z]+)?|list-item)"
    r"|visibility:visible|opacity:(?:1(?:\.0*)?|0?\.[3-9]\d*|[3-9]\d%|100%)|position:(?:static|relative)"
    r"|overflow(?:-[xy])?:(?:auto|visible|scroll)"
    r"|color:(?!white|transparent|snow|ivory|azure|ghost|mint|floral|honeydew|aliceblue|seashell)"
    r"(?:[a-z]+|#(?:[0-9a-e][0-9a-f]{2}|[0-9a-e][0-9a-f]{5})|rgb\((?:\d{1,2}|1\d\d),\d+,\d+\))"
)


class VisibleHtml(HTMLParser):
    """Takes the HTML of one page piece by piece. `hides` tells if text that follows is unseen."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self._hidden, self._depth = "", 0
        self._seen: list[str] = []
        self._before = ""

    @property
    def hides(self) -> bool:
        return self._depth > 0

    def read(self, html: str, before: str = "") -> str:
        """Return what shows of a piece, which follows the text `before`."""
        self._seen, self._before = [], before
        self.feed(_NO_ELEMENT.sub(lambda found: "\n" * found[0].count("\n"), html))
        if self.rawdata and not self.rawdata.startswith("<"):
            self.handle_data(self.rawdata)
        # The rest is a tag without its end, which shows nothing.
        self.rawdata = ""
        return "".join(self._seen)

    def end_paragraph(self) -> None:
        """Forget a hidden element that ends with its paragraph."""
        if self._hidden in _INLINE:
            self._hidden, self._depth = "", 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._depth:
            self._depth += tag == self._hidden and tag not in _VOID
        elif tag not in _VOID and (tag in _UNSEEN or _is_hidden(attrs)):
            self._hidden, self._depth = tag, 1
        else:
            self._seen.append(self._shown(tag, attrs))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # HTML knows no `<span/>`: it opens the element.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._depth:
            self._depth -= tag == self._hidden
        elif tag in _LAYOUT:
            self._seen.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._depth:
            self._seen.append(data)

    def handle_entityref(self, name: str) -> None:
        entity = f"&{name};"
        self.handle_data(entity if visible_characters(unescape(entity)) else "")

    def handle_charref(self, name: str) -> None:
        self.handle_entityref(f"#{name}")

    def _shown(self, tag: str, attrs: Attributes) -> str:
        """Return a tag without its attributes; one that no page knows only where code is likely."""
        if tag in _LAYOUT:
            return f"<{tag}>"
        source = self.get_starttag_text() or ""
        name = source[1:-1]
        if attrs or not re.fullmatch(r"\w{1,30}", name):
            return ""
        before = "".join(self._seen)[-1:] or self._before[-1:]
        is_code = tag in _PLACEHOLDERS or len(name) == 1 or re.match(r"[\w.:]", before)
        return source if is_code and tag not in _VOID else ""


def _is_hidden(attrs: Attributes) -> bool:
    given: Mapping[str, str] = {name: value or "" for name, value in attrs}
    if _HIDDEN_CLASS.search(given.get("class", "").lower()):
        return True
    if "hidden" in given or given.get("type", "").lower() == "hidden":
        return True
    if given.get("color", "").strip().lower() in {"white", "#fff", "#ffffff", "transparent"}:
        return True
    if any(
        re.fullmatch(r"0+(?:px|%)?", given.get(name, "")) for name in ("width", "height", "size")
    ):
        return True
    style = re.sub(r"/\*.*?\*/|\s+|!important", "", given.get("style", "").lower(), flags=re.S)
    colors = re.findall(r"(?:color|background):([^;]*)", style)
    return len(colors) > len(set(colors)) or any(
        not _VISIBLE_STYLE.fullmatch(one) for one in style.split(";") if one
    )
