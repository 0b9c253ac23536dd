"""Renders a body as GitHub does, and finds what would act on the page."""

import re
from collections.abc import Sequence
from html import escape
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token

from shared.actions.links import is_known

_MENTION = re.compile(r"(?:^|[^A-Za-z0-9_])@[A-Za-z0-9][A-Za-z0-9-]*")
#: An address that GitHub makes a link of, outside of HTML.
_LINKED = re.compile(r"(?<![A-Za-z])https?://[^\s<]*")
_CLOSING = re.compile(
    r"(?:\b(?:close[sd]?|(?:fi|\ufb01)x(?:es|ed)?|resolve[sd]?)\b|^\W*duplicate of\b)[:\s*_(]*"
    r"(?:(?:[\w.-]+/[\w.-]+)?#\d|GH-\d|https?://\S+/(?:issues|pull)/\d)",
    re.IGNORECASE | re.MULTILINE,
)
_COMMAND = re.compile(r"^[^\S\n]*/[a-z]", re.MULTILINE | re.IGNORECASE)
_ADDRESS = re.compile(
    r"\b(?:https?|ftp)://([^\s/?#<>]*)|(?<![\w.])(www\.[\w-]+\.\w+)", re.IGNORECASE
)
_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?(?:\\|/){2}(?:[^/?#\\]*@)?([^/?#\\:]*)", re.IGNORECASE)
_LOADING = frozenset(
    [
        "img",
        "picture",
        "source",
        "video",
        "audio",
        "track",
        "svg",
        "image",
        "object",
        "embed",
        "iframe",
        "frame",
        "input",
        "link",
        "script",
        "style",
        "body",
        "base",
        "meta",
        "form",
        "math",
    ]
)
_LOADING_ATTRIBUTES = frozenset(
    {"src", "srcset", "background", "poster", "style", "data", "xlink:href"}
)
_BLOCKS = frozenset(
    [
        "p",
        "div",
        "li",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "td",
        "th",
        "tr",
        "blockquote",
        "br",
        "hr",
        "summary",
        "details",
        "dd",
        "dt",
    ]
)


def _linked(_: object, tokens: Sequence[Token], at: int, *__: object) -> str:
    """Write a text outside of HTML, where GitHub makes links of addresses: they mention nobody."""
    return escape(_LINKED.sub(lambda found: found[0].replace("@", "…"), tokens[at].content))


class RenderedPage(HTMLParser):
    """The page of a Markdown body. `hosts` may be linked to."""

    def __init__(self, body: str, hosts: frozenset[str] = frozenset()) -> None:
        super().__init__(convert_charrefs=True)
        self._hosts = hosts
        self._inside: list[str] = []
        self.images: list[str] = []
        self.links: list[str] = []
        self._text: list[str] = []
        self._body = body
        page = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
        page.add_render_rule("text", _linked)
        self.feed(page.render(body))
        self.close()

    @property
    def text(self) -> str:
        """What is written on the page outside of code."""
        return "".join(self._text)

    @property
    def mentions(self) -> list[str]:
        return _MENTION.findall(self.text)

    @property
    def closings(self) -> list[str]:
        return _CLOSING.findall(self.text)

    @property
    def commands(self) -> list[str]:
        raw = re.findall(r"^[ \t]*/[a-z]+(?=\s|\Z)", self._body, re.MULTILINE)
        return [*_COMMAND.findall(self.text), *raw]

    @property
    def strange_hosts(self) -> list[str]:
        """The hosts that the page links to, or that GitHub makes links to, and nobody named."""
        found = [host[1] for link in self.links if (host := _HOST.match(link.strip()))]
        found += [named[1] or named[2] for named in _ADDRESS.finditer(self.text)]
        return [host for host in found if not is_known(host.partition(":")[0], self._hosts)]

    @property
    def acts(self) -> dict[str, list[str]]:
        found = {
            "mentions": self.mentions,
            "closings": self.closings,
            "commands": self.commands,
            "images": self.images,
            "hosts": self.strange_hosts,
        }
        return {name: what for name, what in found.items() if what}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"code", "pre", "a"}:
            self._inside.append(tag)
        if tag in _BLOCKS:
            self._text.append("\n")
        if tag in _LOADING or any(name in _LOADING_ATTRIBUTES for name, _ in attrs):
            self.images.append(tag)
        if tag == "a":
            self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            self._inside.remove(tag)
        if tag in _BLOCKS:
            self._text.append("\n")

    def handle_data(self, data: str) -> None:
        if {"code", "pre"} & set(self._inside):
            data = "…"
        elif "a" in self._inside:
            data = data.replace("@", "…")  # a link mentions nobody
        self._text.append(data)
