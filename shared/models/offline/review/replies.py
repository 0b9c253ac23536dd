"""Answers replies to a finding: repeats what was said of it, and weighs nothing."""

import re

from shared.events import Json
from shared.models.offline.answering import signature
from shared.models.offline.parsed_request import ParsedRequest
from shared.models.offline.similarity import is_chinese
from shared.models.offline.word_lists import QUESTION
from shared.patterns import lazily

_QUESTION = lazily(QUESTION, re.IGNORECASE)
_OBJECTS = lazily(
    r"\b(?:no|not|never|nobody|nothing|cannot|wrong|but|because|already|only|disagree)\b|n't\b"
    r"|不|没|但|因为|已经",
    re.IGNORECASE,
)
#: Where the finding ends and its suggestion begins.
_SUGGESTION = lazily(r"^\s*(?:`{3,}|~{3,})", re.MULTILINE)

_LONGEST = 1_500


def replied(parsed: ParsedRequest) -> Json:
    """Return what the reply is and the answer to it, as the schema asks for."""
    said = parsed.question
    told = next((block.text for block in parsed.blocks if block.name == "your finding"), "")
    if _QUESTION.search(said):
        # The first paragraph is the severity.
        why = _SUGGESTION.split(told)[0].partition("\n\n")[2].strip() or told
        return _weighed("question", f"{why[:_LONGEST]}\n\n{signature(said)}")
    if _OBJECTS.search(said):
        hold = "I cannot weigh that, so the finding stays until somebody resolves it."
        if is_chinese(said):
            hold = "我无法判断，所以这个问题会保留，直到有人解决它。"
        return _weighed("objection", f"{hold}\n\n{signature(said)}")
    return _weighed("remark", "")


def _weighed(kind: str, answer: str) -> Json:
    return {"kind": kind, "withdraw": False, "answer": answer}
