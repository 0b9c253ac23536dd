"""Finds declared facts: simple sentences such as X is Y, with X as their subject."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from shared.models.offline.parsed_request import ParsedRequest
from shared.models.offline.similarity import is_chinese, sentences
from shared.patterns import lazily

#: Words that open a sentence before its subject.
_OPENING = lazily(
    r"^(please )?(remember|note|fyi|btw|by the way|ok|okay|so|and|also|well|now|hi|hello|hey)"
    r"\b(,|:| that\b)?\s*|^(请记住|记住|注意|顺便说一下|另外|其实)[，,：:]?",
    re.I,
)
_NO_SUBJECT = lazily(
    r"(it|this|that|these|those|there|here|he|she|they|i|you|what|who|which|where|when|how|why|if"
    r"|everything|nothing|something|这|那|它|他|她|我|你|这里|那里|什么)$",
    re.I,
)
_GUESS = lazily(
    r"\b(maybe|perhaps|probably|i think|i guess|might|not sure|ignore|rule that)\b"
    r"|可能|也许|大概|我觉得|好像",
    re.I,
)
_SUBJECT = r"(?P<subject>[^,.;:!?，。；：！？]{2,60}?)"
_FORMS = tuple(
    lazily(form, re.I)
    for form in (
        r"^(?:we|our team)(?: always| only| now)? (?:use|run|keep|host|store) .+? (?:for|as) "
        r"(?:the |our |all )?(?P<subject>[^,.;:!?]{2,60}?)[.!]?$",
        r"^(?:we|our team)(?: always| only| never| now)? (?P<subject>deploy|release|test|build"
        r"|merge|ship|review|meet|use|prefer|store|host|keep|run) .+",
        rf"^{_SUBJECT} (?:is|are|was|were|has|have|lives?|runs?|uses?|needs?|requires?|belongs? to"
        r"|must|should|means|happens?|expires?|listens?|depends? on|owns?|starts?|ends?) .+",
        r"^(?:我们|咱们)(?:团队)?的?(?P<subject>[^，。；：！？]{1,20}?)(?:是|在|用|由|使用|为).+",
        r"^(?:我们|咱们)(?:团队)?(?:每\S{1,3})?(?P<subject>部署|发布|上线|使用|开会|用).+",
        r"^(?P<subject>[^，。；：！？的]{1,20}?(?:的[^，。；：！？的]{1,12}?)?)(?:是|由|位于|属于|使用|需要).+",
        r"^(?P<subject>[^、。！？はが]{1,20}?)(?:は|が).+(?:です|ます|である|だ)[。.]?$",
    )
)
_SINCE = lazily(
    r"\b(?:since|as of|from) ((?:\d{4}-\d\d(?:-\d\d)?)|(?:\w+ )?\d{4})\b"
    r"|(\d{4}年(?:\d{1,2}月)?)(?:起|开始|以来)",
    re.I,
)
_TURN = lazily(r"turn (\d+)\b")


class DeclaredFact(NamedTuple):
    turn: int
    subject: str
    statement: str
    since: str | None


def declared_facts(parsed: ParsedRequest) -> list[DeclaredFact]:
    """Return the facts of the blocks `turn 1`, `turn 2`, …, in their order."""
    return [
        declaration
        for block in parsed.blocks
        if (number := _TURN.match(block.name))
        for declaration in _declared(int(number[1]), block.text)
    ]


def _declared(turn: int, text: str) -> Iterator[DeclaredFact]:
    for sentence in sentences(text):
        plain = _OPENING.sub("", sentence).strip()
        if plain.endswith(("?", "？", ":", "：", "…")) or _GUESS.search(plain):
            continue
        subject = _subject(plain)
        if subject and not _NO_SUBJECT.match(subject):
            since = _SINCE.search(plain)
            yield DeclaredFact(
                turn, subject[:100], plain[:400], (since[1] or since[2]) if since else None
            )


def _subject(sentence: str) -> str:
    for form in _FORMS:
        if found := form.match(sentence):
            subject = found["subject"].strip()
            if is_chinese(subject) or len(subject.split()) <= 6:
                return subject
    return ""
