"""Tells questions to everybody from other messages, without a model."""

import re

from shared.patterns import lazily

#: Question marks of many scripts, at the end of a sentence.
_MARK = lazily(r"[?？؟⸮՞፧](?=[\s\"'»”)\]!?？]|$)")
#: Beginnings of questions that people write without a mark.
_BEGINS = lazily(
    r"(?:(?:hi|hey|hello|hallo|bonjour|hola)[\w ]{0,20}[,!:.]\s*)?"
    r"(?:(?:(?:does|do) )?any(?:one|body) knows?|how (?:do|does|can) (?:i|we|you)"
    r"|where (?:is|are|can|do)|what(?: is|'s) the|when (?:is|do|does)|who (?:is|knows|can)"
    r"|wei(?:ß|ss) (?:jemand|wer)|wie (?:kann|macht)|wo (?:ist|sind|finde)|wer (?:ist|weiß|kennt)"
    r"|est-ce que|qui sait|où (?:est|sont)|comment (?:on|puis-je|faire)"
    r"|alguien sabe|d[oó]nde est[aá]|c[oó]mo (?:se|puedo)|algu[eé]m sabe|qualcuno sa)\b"
    r"|(?:请问|怎么|哪里|谁知道|誰か|教えて)",
    re.IGNORECASE,
)
_SENTENCES = lazily(r"(?<=[.!?？。！؟])\s+")
_CODE_AND_LINKS = lazily(r"```.*?```|`[^`]*`|<?https?://\S+", re.DOTALL)
#: Another person, a group or everybody.
_NAMES = lazily(r"<[@!][^>]+>")
_LONGEST, _SHORTEST = 1_000, 6


def is_question(text: str) -> bool:
    """Is it a question that anybody may answer? One that names a person is theirs."""
    words = " ".join(_CODE_AND_LINKS.sub(" ", text).split())
    if _NAMES.search(text) or not _SHORTEST <= len(words) <= _LONGEST:
        return False
    asked = [one for one in _SENTENCES.split(words) if _MARK.search(one)]
    return any(map(_is_whole, asked)) or bool(_BEGINS.match(words))


def _is_whole(sentence: str) -> bool:
    """Does it say what it asks? Some scripts put no spaces between words."""
    is_spaced = sentence.isascii() or " " in sentence
    return sentence.count(" ") >= 2 if is_spaced else len(sentence) >= _SHORTEST
