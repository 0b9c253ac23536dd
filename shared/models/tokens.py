"""Estimates the tokens of a text without a vendor's tokenizer, and cuts it to fewer."""

import re
from functools import cache

from shared.patterns import lazily

#: The mark where a text was cut.
CUT = "[… cut …]"

#: Scripts in which one character is about one token: Chinese, Japanese, Korean.
_DENSE = (
    r"\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
)

#: A token of each kind. A space belongs to its word; of more, eight are one.
_KINDS = (
    *(r"[A-Za-z]{1,5}", r"[0-9]{1,3}", r"[!-/:-@\[-`{-~]{1,2}"),
    *(r"[ \t]{2,8}", r"(?<=[ \t])[ \t]", r"\n+", rf"[{_DENSE}]"),
    rf"[^\x00-\x7f{_DENSE}\U00010000-\U0010ffff]{{1,2}}",
)
#: A token of ordinary text has fewer characters than twice this.
_CHARACTERS = 4

#: Such a character is two tokens.
_ASTRAL = lazily(r"[\U00010000-\U0010ffff]")


@cache
def _token() -> re.Pattern[str]:
    """Compile the kinds of tokens on first use, to keep cold starts short."""
    return re.compile("|".join(_KINDS))


def tokens(text: str) -> int:
    """Estimate the tokens of `text`, rather too many than too few.

    A run of letters is one token per five of them, of digits one per three, of punctuation one per
    two; a Chinese, Japanese or Korean character is one, an emoji two; of other scripts two
    characters are one. A space belongs to its word.
    """
    astral = 0 if text.isascii() else 2 * len(_ASTRAL.findall(text))
    return len(_token().findall(text)) + astral


def shortened(text: str, most: int) -> str:
    """Return `text`, or as much of its beginning and end as fits into `most` tokens.

    A long text says its subject at the beginning and its question at the end.
    """
    if len(text) <= most // 2 or tokens(text) <= most:
        return text
    low, high = 0, min(len(text) // 2, most * _CHARACTERS)
    while low < high:
        kept = (low + high + 1) // 2
        low, high = (kept, high) if tokens(_cut(text, kept)) <= most else (low, kept - 1)
    return _cut(text, low)


def _cut(text: str, kept: int) -> str:
    """Keep `kept` characters at either end."""
    return f"{text[:kept].rstrip()} {CUT} {text[len(text) - kept :].lstrip()}".strip()
