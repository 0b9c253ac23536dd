"""Drops the characters of a text that nobody sees: zero-width, bidirectional, tags, fillers."""

import re
import unicodedata

#: Unicode's categories of invisible characters: format (zero-width, bidirectional, tags), control,
#: surrogate, private use.
_HIDDEN = frozenset({"Cf", "Cc", "Cs", "Co"})

#: Letters and marks that are invisible too: fillers, and the variation selectors that can carry
#: bytes behind an emoji.
_BLANK = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0") | {
    chr(code) for code in range(0xE0100, 0xE01F0)
}

#: The ordinary variation selectors: one behind a character chooses its look.
_VARIANTS = frozenset(chr(code) for code in range(0xFE00, 0xFE10))

#: Joiners that emoji and several scripts need between visible characters.
_JOINERS = "\u200c\u200d"


def visible_characters(text: str) -> str:
    """Drop invisible characters, except line breaks, tabs and joiners between visible ones."""
    if text.isascii():
        return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", text)
    return "".join(
        character
        for before, character, after in zip(" " + text, text, text[1:] + " ", strict=False)
        if not _hides(before, character, after)
    )


def _hides(before: str, character: str, after: str) -> bool:
    if character in "\n\t":
        return False
    if character in _JOINERS:
        return before.isascii() or after.isascii() or before in _JOINERS
    if character in _VARIANTS:
        return before.isascii() or before in _VARIANTS
    return character in _BLANK or unicodedata.category(character) in _HIDDEN
