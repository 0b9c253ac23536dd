"""Reads whether a reply refuses a finding in so many words."""

import re

from shared.patterns import lazily

#: Words by which people refuse a finding.
_REFUSES = lazily(
    r"\b(?:won'?t ?fix|will not fix|wont ?fix|not a (?:bug|problem|issue)|false positive|by design"
    r"|(?:is|this is|that'?s|works as) intended|intentional(?:ly)?|on purpose|not relevant"
    r"|kein (?:fehler|problem)|(?:mit )?absicht(?:lich)?|faux positif|volontaire"
    r"|falso positivo|a prop[oó]sito)\b"
    r"|误报|不是(?:问题|bug|错误)|不(?:用|需要|会)(?:修|改)|故意|誤検知|仕様(?:です|通り)|意図(?:的|した)"
    r"|直しません|修正しません|오탐|의도(?:적|된)",
    re.IGNORECASE,
)
#: Words that turn them around.
_NOT = lazily(
    r"(?:\b(?:not|no|never|isn'?t|wasn'?t|ain'?t|don'?t|didn'?t|nicht|keine?|pas|no es|non)"
    r"(?: (?:a|an|really|at all|done|this|that|it|ein|un|une))*\s*|不是|并非|没有|ではな|でな)\Z",
    re.IGNORECASE,
)
_TURNED_AFTER = lazily(r"\s*(?:ではありません|ではない|じゃない|아닙|아니)")
#: Words of somebody who does not know.
_UNSURE = lazily(
    r"\b(?:not sure|unsure|wonder|whether|no idea|don'?t know|if (?:it|this|that))\b"
    r"|不确定|不知道|かどうか",
    re.IGNORECASE,
)
#: Characters before such a word that may turn it around.
_BEFORE = 60
_SENTENCE = lazily(r"[^.!?。！？\n]*[.!?。！？\n]*")
_QUOTE = lazily(r"^[ \t]*>.*$", re.MULTILINE)
_INLINE = lazily(r"`[^`\n]*`")
_FENCE = lazily(r"[ \t]*(?:(`{3})`*|(~{3})~*)")


def without_quotes(text: str) -> str:
    """Return a reply without what it quotes."""
    return _QUOTE.sub("", text)


def said_itself(text: str) -> str:
    """Return what a reply says itself, without quotes and code. A fence that nobody closes hides
    nothing."""
    said, code, fence = list[str](), list[str](), ""
    for line in without_quotes(text).split("\n"):
        found = _FENCE.match(line)
        marker = (found[1] or found[2]) if found else ""
        if fence:
            code.append(line)
            if marker == fence:
                code, fence = [], ""
        elif marker:
            code, fence = [line], marker
        else:
            said.append(_INLINE.sub(" ", line))
    return "\n".join([*said, *code])


def is_refusal(text: str) -> bool:
    """Does a reply refuse the finding? Who asks whether it is intended, or wonders, does not."""
    return any(_refuses(sentence) for sentence in _SENTENCE.findall(said_itself(text)))


def _refuses(sentence: str) -> bool:
    if sentence.rstrip().endswith(("?", "？")) or _UNSURE.search(sentence):
        return False
    return any(
        not _NOT.search(sentence[max(0, found.start() - _BEFORE) : found.start()])
        and not _TURNED_AFTER.match(sentence[found.end() :])
        for found in _REFUSES.finditer(sentence)
    )
