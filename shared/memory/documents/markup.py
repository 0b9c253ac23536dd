"""Removes from a document what no reader sees: comments, front matter, pictures, hidden text.

The line breaks stay, so the other lines keep their numbers. A Markdown parser finds what a page
does not show. Each pattern here either matches to the end or gives up within a bounded distance, so
the time grows with the length even of a hostile document.
"""

import re

from shared.models.visible_text import visible_text
from shared.patterns import lazily

#: Format and control characters, and letters that nobody sees, but not the joiners of scripts.
_INVISIBLE = lazily(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\xad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2069\u2800\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e01ef]"
)

_FRONT_MATTER = lazily(
    r"\A(?:---[ \t]*\n.*?^(?:---|\.\.\.)|\+\+\+[ \t]*\n.*?^\+\+\+)[ \t]*$", re.M | re.S
)

#: A comment of MDX; the first alternatives match code, which is kept whole.
_MDX = lazily(
    r"""
      (?P<code> ^[ \t>]*(?P<fence>`{3,}|~{3,})[^\n]*(?:\n.*?)??(?:^[ \t>]*(?P=fence)[`~]*[ \t]*$|\Z)
              | (?P<ticks>`+)(?!`)[^\n]{1,500}?(?<!`)(?P=ticks)(?!`) )
    | \{/\*.*?(?:\*/\}|\Z)
    """,
    re.X | re.M | re.S,
)

#: A comment is `..` without the name of a directive, a target or a footnote; with its lines.
_RST = lazily(
    r"""^(?:
      \.\.(?:[ \t]+(?![\w:+.-]+::|_|\[|\|)[^\n]*)?
    | \.\.[ \t]+(?:\|[^|\n]{1,200}\|[ \t]+)?image::[^\n]*
    )(?:\n[ \t]+[^\n]*|\n(?=(?:[ \t]*\n)*[ \t]+\S))*(?=\n|\Z)""",
    re.X | re.M,
)


def visible(text: str) -> str:
    """Return `text` with plain line ends and without invisible characters."""
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def clean_markdown(text: str) -> str:
    """Return what a reader of the rendered page sees."""
    body = _FRONT_MATTER.sub(_line_breaks, visible(text), count=1)
    return visible_text(_MDX.sub(_kept, body) if "{/*" in body else body)


def clean_rst(text: str) -> str:
    """Return the text without comments and images."""
    return _RST.sub(_line_breaks, visible(text))


def _kept(match: re.Match[str]) -> str:
    return _line_breaks(match) if match["code"] is None else match[0]


def _line_breaks(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")
