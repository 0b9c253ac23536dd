"""The kinds of an answer that a model declares, and which questions ask for facts."""

import re
from collections.abc import Collection
from functools import cache

from shared.models.offline.similarity import terms
from shared.patterns import lazily

_DECLARED = lazily(r"\s*\[(facts|talk|general|unknown)\][ \t]*", re.IGNORECASE)
#: While a text may still become a declaration.
_OPENING = lazily(r"\s*(?:\[[a-z]{0,8})?", re.IGNORECASE)
_MENTIONED = lazily(r"^\W*(?:<@[^>]*>|@\S+)\s*")
_ASKS = lazily(
    r"[?？]|^\W*(?:who|whom|whose|what|when|where|which|why|how|wer|wen|wem|wessen|was|wann|wo|woher"
    r"|wohin|welche[mnrs]?|warum|wieso|weshalb|wie)\b"
    r"|什么|怎么|怎样|如何|为什么|哪|谁|多少|几|吗|是否|能否|请问",
    re.IGNORECASE,
)

#: What a sentence says that only tells what is proposed, beside the words of the proposal itself.
_PROPOSING = (
    "I'd I'll I've let's propose proposed proposal suggest suggestion prepare prepared draft"
    " drafted offer open create file issue ticket label add comment review plan begin remind"
    " reminder set pull request PR press button below do it drop confirm approve reject say yes"
    " nothing done yet happy sure ok okay ready thread channel repository team as asked"
    " schlage vor vorschlag vorschlagen ich habe dir euch das dies dafür dazu für im ein eine"
    " einen zu es so öffne öffnen lege anlegen erstelle erstellen kommentar kommentiere"
    " kommentieren erinnere erinnerung prüfe prüfen knopf drücke unten nichts getan passiert"
    " noch ist vorbereitet steht gern klar mach"
)


#: How a sentence begins that tells of a proposal, and claims nothing of what stands in it.
_OFFERS = lazily(
    r"\W*(?:(?:sure|ok|okay|yes|gern|klar|ja)\W+)?(?:i\b|i['’]\w+|shall\b|should\b|let['’]s\b"
    r"|(?:my )?propos|(?:my )?suggest|ich\b|soll\b|(?:mein )?vorschlag|我|建议)",
    re.IGNORECASE,
)


@cache
def _proposing() -> frozenset[str]:
    return frozenset(terms(_PROPOSING))


def is_of_proposal(text: str, proposed: Collection[str]) -> bool:
    """Does a sentence only tell that something is proposed, by its terms? One that repeats what is
    `proposed` says that it is a proposal."""
    said = {*terms(text)}
    if not said or not said <= _proposing().union(proposed):
        return False
    return said <= _proposing() or _OFFERS.match(text) is not None


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
