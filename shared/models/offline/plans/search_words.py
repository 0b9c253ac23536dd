"""The words of a search: what a request is about, and the qualifiers that its adjectives mean."""

import re
from collections.abc import Iterable

from shared.models.offline.plans.named_things import quoted, topic, without_quotes
from shared.models.offline.plans.tool_words import words_of
from shared.patterns import lazily

_QUALIFIERS = {
    r"\b(?:open|offene\w*|ouverte?s?|abiert[ao]s?)\b|未关闭|打开的": "is:open",
    r"\b(?:closed|geschlossene\w*|fermée?s?|cerrad[ao]s?)\b|已关闭": "is:closed",
    r"\bunassigned\b": "no:assignee",
}
_ADJECTIVES = lazily(
    r"^(?:(?:similar|related|other|older|open|closed|existing|recent|all|any) )+", re.I
)
_LABELLED = lazily(
    r"\b(?:label(?:l)?ed(?: as| with)?|(?:with|having|mit|avec|con)(?: the| an?| dem| le| la| el)?"
    r" (?:labels?|tags?|étiquette|etiqueta))[ :]+[\"“`'«]?([\w./-]*\w)[\"”`'»]?",
    re.I,
)
_NOISE = lazily(
    r"\b(?:the|a|an|all|any|every|our|my|recent|existing|other|similar|related|up|out|for|many|much|we|do|are|is"
    r"|there|us|me|it|this|that|in|on|at|from|of|by|with)\b|的|所有",
    re.I,
)
_PLURAL_ISSUES = lazily(r"\b(?:issues|tickets|bugs|reports|incidencias|vorgänge)\b|所有", re.I)


def names_issues(text: str) -> bool:
    """Does it name several issues?"""
    return _PLURAL_ISSUES.search(text) is not None


def names_many(text: str) -> bool:
    """Does it mean several issues without their numbers, as in `all issues`?"""
    each = r"\b(?:every|each|jede\w*|chaque|cada) (?:issue|ticket|bug)\b"
    plain = without_quotes(text)
    return names_issues(plain) or re.search(each, plain, re.I) is not None


def search_words(text: str) -> str:
    """Return the words and the qualifiers of a search for issues; '' when it names neither."""
    label = _LABELLED.search(text)
    text = _LABELLED.sub(" ", text)
    about = topic_of(text, "search_issues")
    rest = text.replace(about, " ") if about else text
    found = [word for pattern, word in _QUALIFIERS.items() if re.search(pattern, rest, re.I)]
    found += [f"label:{label[1]}"] if label else []
    if not about and not found and names_issues(text):
        return "is:issue"
    return " ".join([*filter(None, [about]), *found])


def topic_of(text: str, tool: str) -> str:
    """Return what a search is about: behind a preposition, or what is no word of the request."""
    known = words_of(tool)
    if said := topic(text):
        return said if quoted(text) else _without_nouns(said, known.nouns)
    plain = _LABELLED.sub(" ", text)
    for pattern in _QUALIFIERS:
        plain = re.sub(pattern, " ", plain, flags=re.I)
    for word in sorted({*known.verbs, *known.general, *known.nouns}, key=len, reverse=True):
        bounded = rf"(?<![\w-]){re.escape(word)}(?:e?s)?(?![\w-])"
        plain = re.sub(bounded if word.isascii() else re.escape(word), " ", plain, flags=re.I)
    return " ".join(_NOISE.sub(" ", plain).split()).strip(" .,:!?？。")


def _without_nouns(said: str, nouns: Iterable[str]) -> str:
    """Leave `login` of `similar login issues`."""
    ends = "|".join(re.escape(noun) for noun in nouns if noun.isascii())
    plain = re.sub(rf"(?:^|\s+)(?:{ends})(?:e?s)?$", "", said, flags=re.I) if ends else said
    return _ADJECTIVES.sub("", f"{plain} ").strip()
