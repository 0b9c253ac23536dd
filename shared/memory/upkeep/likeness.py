"""When one text says all that another says, so that the other need not be kept."""

import re
import unicodedata

#: Ideographs and kana stand for themselves; hangul and all other letters form words.
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f]|[\w'’]+")
_NUMBER = re.compile(r"[^\W_]*\d\w*")
_LISTS = {
    # A text loses nothing without these.
    "empty": "a an the please just also really very",
    # These turn a statement round or bound it: texts that differ in one say different things.
    "turning": """
not no never none nothing nobody neither nor without cannot only except unless until if but longer
nicht kein keine keinen nie ohne nur pas jamais sans nunca sin solo
不 没 沒 無 无 非 未 别 勿 禁 안 못
""",
}
_EMPTY, _TURNING = (frozenset(words.split()) for words in _LISTS.values())
#: A text that says more than this many times as much is another text.
_LONGER = 1.34


def covers(text: str, other: str) -> bool:
    """Does `text` say all that `other` says, in the same order, and little more?

    It compares words, not meaning, and would rather keep both: what differs in a number, a
    negation or a condition, or says in other words, is not covered.
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
    """The numbers, the identifiers with one, and what turns a statement round."""
    return [
        word
        for word in words
        if word in _TURNING or word.endswith("n't") or _NUMBER.fullmatch(word)
    ]
