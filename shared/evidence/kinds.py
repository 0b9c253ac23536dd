"""The kinds of an answer that a model declares, and which questions ask for facts."""

import re

_DECLARED = re.compile(r"\s*\[(facts|talk|general|unknown)\][ \t]*", re.IGNORECASE)
#: While a text may still become a declaration.
_OPENING = re.compile(r"\s*(?:\[[a-z]{0,8})?", re.IGNORECASE)
_MENTIONED = re.compile(r"^\W*(?:<@[^>]*>|@\S+)\s*")
_ASKS = re.compile(
    r"[?？]|^\W*(?:who|whom|whose|what|when|where|which|why|how|wer|wen|wem|wessen|was|wann|wo|woher"
    r"|wohin|welche[mnrs]?|warum|wieso|weshalb|wie)\b"
    r"|什么|怎么|怎样|如何|为什么|哪|谁|多少|几|吗|是否|能否|请问",
    re.IGNORECASE,
)
#: What a model is told, behind the author's prompt.
RULES = """\
Each text that you may rely on has a number: cite="3" in its first line. End each sentence that
says something about this team, its work, its code or its people with the numbers of the texts that
say so, such as [3] or [1][3], and with no others. Write no list of sources. Begin with [talk] if
you only talk (a greeting, thanks, what you are), with [general] if the answer is general knowledge
that needs none of these texts, and with [unknown], and nothing else, if neither they nor your
tools answer."""


def declared(text: str) -> tuple[str, int]:
    """Return the kind that an answer declares at its beginning (facts, talk, general, unknown, or
    '' for none), and where the rest begins."""
    found = _DECLARED.match(text)
    return (found[1].lower(), found.end()) if found else ("", 0)


def may_declare(text: str) -> bool:
    """May a growing text still begin with a declaration?"""
    return _OPENING.fullmatch(text) is not None


def asks_for_facts(text: str) -> bool:
    """Does a message ask something, so that an answer to it may need sources?"""
    return bool(_ASKS.search(_MENTIONED.sub("", text)))
