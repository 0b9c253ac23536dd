"""What the agent says of itself, whatever its model would: that it is an AI, when somebody asks,
and that it rates nobody.

A program can recognise the plain ways to ask; the prompt of a flow says the same for all others.
"""

import re
from collections.abc import Sequence

from shared.patterns import lazily

#: Asked longer than this, a question is about something else too, and a model answers that.
_SHORT = 60

_KIND = (
    r"(?:a\.?i\.?|(?:artificial|real|actual|human)\b[\w ]{0,20}|(?:chat ?)?bot|robot|machine"
    r"|program|computer|llm|language model|human|person)"
)
_ASKS_WHAT = lazily(
    rf"\bare you (?:really |actually |just |even |maybe |also )*(?:an? |some )?{_KIND}\b"
    r"(?! (?:account|user|token|that|who|in|on|for))"
    rf"|\bam i (?:talking|speaking|chatting|writing) (?:to|with) (?:an? )?{_KIND}\b"
    rf"|\b(?:is this|do i talk to|did i get) (?:an? )(?:real |actual )?{_KIND} ?(?:\?|$)"
    r"|\b(?:who or what|what) are you ?(?:\?|$)"
    r"|\b(?:bist du|sind sie) (?:denn |etwa |wirklich |nur )*(?:eine? )?(?:echte[rsn]? )?"
    r"(?:ki|bot|roboter|maschine|programm|mensch|person)\b"
    r"|\b(?:es-tu|êtes-vous|tu es|vous êtes) (?:vraiment )?(?:une? )?(?:vraie? )?"
    r"(?:ia|bot|robot|machine|humain|humaine|personne)\b"
    r"|¿?\b(?:eres|es usted) (?:una? )?(?:ia|bot|robot|máquina|humano|humana|persona)\b"
    r"|你(?:们)?是(?:不是)?(?:个|一个)?(?:真)?(?:人|机器人|人工智能|ai)",
    re.IGNORECASE,
)
_IS_AI = "I am an AI, a program that answers with a language model, and not a person."

_WHO = r"(?:<@[UW][A-Z0-9]+(?:\|[^>]*)?>|@[\w.-]+)"
#: Somebody by a plain name, whose work it is: `Bob's work`, not `the API's performance`.
_WHOSE = (
    r"(?!(?:the|our|this|that|its|his|her|their|my|it|what|let|here|there)\b)\w+['’]s? "
    r"(?:\w+ ){0,1}(?:work|works|skills?|productivity|contributions?|competence|abilities"
    r"|work ethic|attitude)\b(?! (?:tree|flow|space|item|load|queue|in|on)s?\b)"
)
_THEIR = r"(?:his|her|their) (?:work|skills?|productivity|performance|contributions?)\b"
_PEOPLE = (
    r"(?:colleagues?|co-?workers?|employees?|engineers?|developers?|devs?|designers?|managers?"
    r"|team ?mates?|people|persons?)"
)
_VERBS = r"(?:rate|rank|grade|evaluate|assess|judge|appraise|compare)"
_TRAITS = (
    r"(?:lazy|incompetent|stupid|dumb|smart|unreliable|useless|productive|competent"
    r"|(?:good|bad|great|poor|weak|strong) (?:" + _PEOPLE + r"|lead|worker))"
)
_ASKS_TO_RATE = lazily(
    rf"\b{_VERBS}\b (?:me |us )?(?:the |our |my |all |each |these |those )*(?:work |performance )?"
    rf"(?:of )?(?:the |our |my |all )*"
    rf"(?:{_WHO}|{_WHOSE}|{_THEIR}|{_PEOPLE}\b(?! (?:count|search|page|table|api)))"
    r"|\bwho(?:'s| is| are| was)? (?:the |our |my )*(?:best|worst|weakest|strongest|laziest"
    r"|smartest|slowest|dumbest|most (?:productive|competent|useless|valuable)|least \w+)"
    rf" (?:{_PEOPLE}|here)\b"
    r"(?! (?:to|for|who|with|about))"
    rf"|\bhow (?:good|bad|smart|productive|competent|reliable) (?:is|are) {_WHO}"
    rf"|\bis {_WHO} (?:an? |really |too |very )*{_TRAITS}"
    rf"|\b(?:bewerte|beurteile|benote|vergleiche) (?:{_WHO}|(?:die |meine |unsere )?"
    r"(?:kollegen|mitarbeiter|entwickler))"
    r"|\bwer ist (?:hier )?(?:der|die) (?:beste|schlechteste|faulste|schwächste) "
    r"(?:entwickler|mitarbeiter|kolleg)"
    rf"|\b(?:note|évalue|classe) (?:{_WHO}|(?:mes |nos |les )(?:collègues|développeurs|employés))"
    r"|\bqui est (?:le|la) (?:meilleure?|pire) (?:développeu|collègue|employé)",
    re.IGNORECASE,
)
_RATES_NOBODY = (
    "I do not rate or compare people. I can tell what was said and done, and where it stands."
)


def own_words(said: str) -> Sequence[str]:
    """Return what the agent says of itself to this, and nothing where it was not asked."""
    found = [_IS_AI] if _ASKS_WHAT.search(said) else []
    return [*found, *([_RATES_NOBODY] if _ASKS_TO_RATE.search(said) else [])]


def is_all(said: str, words: Sequence[str]) -> bool:
    """Do these words answer all of it? A wish to rate people is not passed on to a model."""
    return _RATES_NOBODY in words or (bool(words) and len(said) <= _SHORT)
