"""Removes from a document what no reader sees: comments, front matter, pictures, hidden text.

The line breaks stay, so the other lines keep their numbers. Each pattern either matches to the end
or gives up within a bounded distance, so the time grows with the length even of a hostile document.
"""

import re

#: Format and control characters, and letters that nobody sees, but not the joiners of scripts.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\xad\u034f\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2069\u2800\u3164\ufeff\uffa0\U000e0000-\U000e01ef]"
)

_FRONT_MATTER = re.compile(
    r"\A(?:---[ \t]*\n.*?^(?:---|\.\.\.)|\+\+\+[ \t]*\n.*?^\+\+\+)[ \t]*$", re.M | re.S
)

#: The first alternatives match code, which is kept whole. An element that is never closed hides
#: all up to the next blank line, a comment all that follows, as in HTML.
_MARKDOWN = re.compile(
    r"""
      (?P<code> ^[ \t>]*(?P<fence>`{3,}|~{3,})[^\n]*(?:\n.*?)??(?:^[ \t>]*(?P=fence)[`~]*[ \t]*$|\Z)
              | (?P<ticks>`+)(?!`)[^\n]{1,500}?(?<!`)(?P=ticks)(?!`) )
    | <!--.*?(?:-->|\Z)
    | \{/\*.*?(?:\*/\}|\Z)
    | ^[ ]{0,3}\[(?://|comment)\]:[ \t]*(?:\#|<>)[^\n]*
    | ^[ ]{0,3}\[[^\]\n]{1,200}\]:[ \t]*<?data:[^\n]*
    | <(?P<unseen>script|style|template)\b.*?(?:</(?P=unseen)\s*>|\Z)
    | <(?P<hidden>[a-z][a-z0-9]*)\b
      (?=[^>]{0,500}?(?:\shidden\b|display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0))
      [^>]{0,2000}>.*?(?:</(?P=hidden)\s*>|(?=\n[ \t]*\n)|\Z)
    | <img\b(?P<attributes>[^>]*)(?:>|\Z)
    | \[\s?!\[[^\]\n]{0,500}\]\([^)\n]{0,2000}\)\s?\](?:\([^)\n]{0,2000}\)|\[[^\]\n]{0,200}\])?
    | !\[(?P<alt>[^\]\n]{0,500})\]
      (?:\(\s?(?:data:[\w+/=;:,.%-]*)?[^)\n]{0,2000}\)|\[[^\]\n]{0,200}\])
    """,
    re.X | re.M | re.S | re.I,
)
_ALT = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.I)
_BADGE = re.compile(r"shields\.io|badge", re.I)

#: A comment is `..` without the name of a directive, a target or a footnote; with its lines.
_RST = re.compile(
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
    """Return what a reader of the rendered page sees, with the descriptions of pictures."""
    return _MARKDOWN.sub(_kept, _FRONT_MATTER.sub(_line_breaks, visible(text), count=1))


def clean_rst(text: str) -> str:
    """Return the text without comments and images."""
    return _RST.sub(_line_breaks, visible(text))


def _kept(match: re.Match[str]) -> str:
    if match["code"] is not None:
        return match[0]
    described = match["alt"] or ""
    if match["attributes"] is not None and (alt := _ALT.search(match["attributes"])):
        described = alt[1] or alt[2] or ""
    if _BADGE.search(match[0][:2000]):
        described = ""
    return described.replace("\n", " ") + _line_breaks(match)


def _line_breaks(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")
