"""A person's own words in a comment or message: without what they quote of others."""

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

#: How mail programs announce the text that they repeat: before quoted lines, and before plain ones.
_ATTRIBUTION = re.compile(r"^On\b.{1,300}\n?.{0,100}\bwrote:[ \t]*$", re.M)
_REPEATED = re.compile(r"^(?:_{20,}|-{3,} ?(?:Original|Forwarded) [Mm]essage ?-{3,})[ \t]*$", re.M)


def own_words(text: str) -> str:
    """Return `text` without quoted lines, and without the mail that an answer by mail repeats."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _ATTRIBUTION.sub("", _REPEATED.split(text, maxsplit=1)[0])
    if ">" not in text:
        return text.strip()
    lines = text.split("\n")
    for token in _parser().parse(text):
        if token.type == "blockquote_open" and token.map:
            begin, end = token.map
            lines[begin:end] = [""] * (end - begin)
    return "\n".join(lines).strip()


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")
