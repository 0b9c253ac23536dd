"""Tells talk from facts by how sentences are built, not by their words for things.

A question asks for evidence when it names something besides the two who talk, or what happened. A
question that names nothing (`hello?`, `can you hear me?`) has nothing that could be looked up. An
answer states nothing when each sentence is about these two, or asks back. The lists hold only the
closed classes of grammar: pronouns, articles, question words, auxiliaries, conjunctions.
"""

import re

from shared.patterns import lazily

_CLAUSE = lazily(r"[^.!?…;,:—。！？，；：\n]+[.!?…;,:—。！？，；：\n]*")
_WORD = lazily(r"[^\W_]+(?:['’][^\W_]+)*")
_HAN = lazily(r"[\u3400-\u9fff]")
_MENTION = lazily(r"<@[^>]*>|(?<!\w)@[\w.-]+")


def _closed(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: The two who talk.
_SPEAKERS = _closed(
    "i me my mine myself you your yours yourself u i'm i'll i've i'd you're you'll you've you'd ya"
    " ich mich mir mein meine du dich dir dein deine sie ihnen"
    " je j moi me m tu te t toi vous votre yo mí ti usted contigo"
    " j'entends t'entends m'entends m'entendez"
)
#: Everybody and everything else.
_OTHERS = _closed(
    "we us our ours we're we've we'll he him his she her they them their it its this that"
    " these those the a an there someone somebody everybody he's she's it's that's they're there's"
    " wir uns unser unsere er ihn ihm es der die das den dem des ein eine einen einem einer"
    " nous notre il elle ils elles le la les un une des ce cette"
    " nosotros él ella ellos el los las una lo"
)
#: Ask for a time, a place, a reason, a person, a number.
_ASKS_FACTS = _closed(
    "when where which why whose whom wann wo woher wohin warum wieso weshalb welche welcher welches"
    " wessen wem wen quand où pourquoi quel quelle cuándo dónde cuál many much"
)
_ASKS_WHO = _closed("who wer qui quién what what's how was wie quoi que comment qué cómo")
#: Ask what has happened.
_PAST = _closed("did was were have has had hast habt hat haben war warst waren avez avons as")
_BE = _closed("are r bist seid sind es êtes eres")
_MODAL = _closed(
    "do does can could will would shall should may might must kannst könntest willst würdest magst"
    " peux pouvez puedes puede"
)
#: Greet, thank, agree and part, and what stands beside that.
_COURTESY = _closed(
    "hi hello hey good morning afternoon evening night thanks thank thx cheers great super"
    " cool nice much perfect bye ciao ok okay sure welcome see so very all again there"
    " everyone everybody folks hallo moin servus guten morgen tag abend gute nacht danke dank"
    " vielen besten herzlichen lieben bitte gerne gern prima toll perfekt alles klar passt"
    " tschüss tschüß bis dann bald später zusammen allen allerseits euch sehr schön nochmal"
    " mal salut bonjour bonsoir bonne nuit journée soirée merci beaucoup bien parfait génial"
    " ça ca marche va d'accord au revoir à a bientôt demain tous toutes tout le monde hola"
    " buenos buenas días tardes noches gracias muchas genial vale adiós hasta luego todos"
    " grazie mille buongiorno obrigado obrigada bom dia olá bedankt dankjewel goedemorgen"
)
_MOST_COURTESY = 6

#: Begin a clause that says something of its own, unless it is about the two.
_JOINS = _closed(
    "that because since so when if whether who which as dass weil wenn ob parce que si porque"
)
#: The same in Chinese, what has happened among them.
_OTHERS_HAN = lazily(
    r"我们|咱们|你们|他|她|它|这|那|哪|谁负责|什么时候|为什么|多少|几|谁有|谁在|了"
)
_SPEAKERS_HAN = lazily(r"[我你您]")
#: A clause about the two that has more words than this may say something else as well.
_LONG, _LONG_HAN, _BARE = 10, 12, 2
#: Where a clause about the two names them, and how long one without a subject may be.
_SUBJECT, _FRAGMENT = 4, 3


def is_talk(question: str) -> bool:
    """Do all questions in it name nothing but the two who talk?"""
    text = _MENTION.sub(" ", question)
    asking = [one for one in _CLAUSE.findall(text) if _asks(one)]
    return bool(asking) and all(_is_bare(one) or _is_personal(one) for one in asking)


def is_courtesy(said: str) -> bool:
    """Is all of it a greeting, thanks, or a yes? It asks nothing that could be looked up."""
    text = _MENTION.sub(" ", said)
    words = _words(text)
    if not 0 < len(words) <= _MOST_COURTESY or re.search(r"[?？\d`/]", text) or _HAN.search(text):
        return False
    return set(words) <= _COURTESY | _SPEAKERS and bool(_COURTESY & set(words))


def states_nothing(question: str, answer: str) -> bool:
    """Does the answer say nothing that could be true or false of anything but the two who talk?
    Where a question names something, that is only asking back."""
    said = [one for one in _CLAUSE.findall(_MENTION.sub(" ", answer)) if one.strip(" \n.!*_")]
    if not said or _is_specific(answer):
        return False
    if not is_talk(question):
        return all(re.search(r"[?？]", one) for one in said)
    is_bare = not _SPEAKERS & set(_words(question)) and not _SPEAKERS_HAN.search(question)
    is_known = _is_of_itself if is_bare else _is_about_the_two
    kinds = [is_known(one) or _asks(one) for one in said]
    rest = [one for one, known in zip(said, kinds, strict=True) if not known]
    return (any(kinds) or not is_bare) and all(map(_is_fragment, rest))


def _words(clause: str) -> list[str]:
    return [word.lower().replace("’", "'") for word in _WORD.findall(clause)]


def _asks(clause: str) -> bool:
    words = _words(clause)
    begins = bool(words) and words[0] in _ASKS_FACTS | _ASKS_WHO
    return re.search(r"[?？]", clause) is not None or begins


def _is_specific(text: str) -> bool:
    """Does it hold a number, code, an address, or a name inside a sentence?"""
    if re.search(r"\d|`|://|\w[/_#]\w|\b[a-z]+\.[a-z]{2,4}\b", text):
        return True
    inner = re.findall(r"(?<=[^\W\d_,;:] )[A-ZÄÖÜ][\w'’]*", text)
    return any(
        word.replace("’", "'") not in {"AI", "KI", "IA"} and not _is_i(word) for word in inner
    )


def _is_i(word: str) -> bool:
    return word == "I" or word.startswith(("I'", "I’"))


def _is_bare(clause: str) -> bool:
    """One or two words that name nobody and ask for nothing: `hello?`, `anyone there?`."""
    words = _words(clause)
    if _HAN.search(clause):
        return len(_HAN.findall(clause)) <= _SUBJECT and not _OTHERS_HAN.search(clause)
    asked = _ASKS_FACTS | _ASKS_WHO | (_OTHERS - {"there"}) | {"and", "und", "et", "y"}
    return len(words) <= _BARE and not asked & set(words) and not _is_specific(clause)


def _is_personal(clause: str) -> bool:
    """A question to the one who answers, about the two alone."""
    words = _words(clause)
    if _HAN.search(clause):
        about = _SPEAKERS_HAN.search(clause) and not _OTHERS_HAN.search(clause)
        return bool(about) and len(_HAN.findall(clause)) <= _LONG_HAN and not _is_specific(clause)
    named = set(words)
    if words and words[-1] in _SPEAKERS:  # `how is it for you`, `wie geht es dir`
        named -= {"it", "es"}
    if not named & _SPEAKERS or len(words) > _LONG or _is_specific(clause):
        return False
    if {*words[1:]} & _JOINS or named & _ASKS_FACTS or words[0] in _PAST - _ASKS_WHO:
        return False
    if _BE & set(words[:2]) and words[0] in _BE | _ASKS_WHO:
        return len(words) <= _SUBJECT + (words[-1] in _SPEAKERS)
    if words[0] in _ASKS_WHO:
        known = _SPEAKERS | _OTHERS | _ASKS_WHO | _MODAL
        return (
            not named & _OTHERS
            and len(named - known) <= 1
            and (bool(_MODAL & set(words[:2])) or words[-1] in _SPEAKERS)
        )
    return not named & _OTHERS


def _is_about_the_two(clause: str) -> bool:
    """Is one of the two what it is about, and does it join nothing else to that?"""
    if _HAN.search(clause):
        about = _SPEAKERS_HAN.search(clause) and not _OTHERS_HAN.search(clause)
        return bool(about) and len(_HAN.findall(clause)) <= _LONG_HAN
    words = _words(clause)
    if not words or not _SPEAKERS & set(words[:_SUBJECT]) or words[0] in _OTHERS:
        return False
    if _OTHERS & set(words) and not _is_of_itself(clause):
        return False
    joined = [at for at, word in enumerate(words[:-1]) if at and word in _JOINS]
    return all(set(words[at + 1 : at + 2]) & _SPEAKERS for at in joined)


def _is_of_itself(clause: str) -> bool:
    """What the one who answers is, or where: `I am here`, `I'm a program`."""
    if _HAN.search(clause):
        return re.match(r"\s*我[在是很]", clause) is not None and _is_about_the_two(clause)
    words = _words(clause)
    begins = words[:1] == ["i'm"] or words[:2] in (["i", "am"], ["ich", "bin"], ["je", "suis"])
    return begins and len(words) <= _SUBJECT


def _is_fragment(clause: str) -> bool:
    """A few words without a subject: `Fine`, `Of course`."""
    words = _words(clause)
    if _HAN.search(clause):
        return len(_HAN.findall(clause)) <= _BARE and not _OTHERS_HAN.search(clause)
    return len(words) <= _FRAGMENT and not _OTHERS & set(words)
