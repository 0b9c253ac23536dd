"""Tells if one text says all that another says, so that the other is not needed."""

import unicodedata

from shared.patterns import lazily

#: Each ideograph and kana is a word; hangul and all other letters form words.
_TOKEN = lazily(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f]|[\w'’]+")
_NUMBER = lazily(r"[^\W_]*\d\w*")
_LISTS = {
    # Words that carry no meaning.
    "empty": "a an the please just also really very",
    # Words that negate or limit a statement: texts that differ in one say different things.
    "turning": """
not no never none nothing nobody neither nor without cannot only except unless until if but longer
nicht kein keine keinen nie ohne nur pas jamais sans nunca sin solo
不 没 沒 無 无 非 未 别 勿 禁 안 못
""",
}
_EMPTY, _TURNING = (frozenset(words.split()) for words in _LISTS.values())
#: A text with more than this many times the words is another text.
_LONGER = 1.34


def covers(text: str, other: str) -> bool:
    """Does `text` say all that `other` says, in the same order, and little more?

    It compares words instead of meanings and keeps both texts in doubt: neither covers the other if
    they differ in a number, a negation or a condition, or in their wording.
    """
    words, others = _words(text), _words(other)
    if not others or len(words) > max(len(others) * _LONGER, len(others) + 1):
        return False
    if _bounds(words) != _bounds(others):
        return False
    rest = iter(words)
    return all(word in rest for word in others)


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    found = (word.strip("'_") for word in _TOKEN.findall(plain))
    return [word for word in found if word and word not in _EMPTY]


def _bounds(words: list[str]) -> list[str]:
    """Return the numbers, the identifiers with a number, and the negations and conditions."""
    return [
        word
        for word in words
        if word in _TURNING or word.endswith("n't") or _NUMBER.fullmatch(word)
    ]
