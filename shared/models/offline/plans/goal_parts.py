"""Cuts a goal into parts, each one deed, in the order in which they are to be done."""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from shared.models.offline.plans.tasks import NO_MEANS
from shared.models.offline.plans.tool_words import IMPOSSIBLE, QUESTION_WORDS, is_spaced
from shared.patterns import lazily

#: What is quoted, code and addresses are never cut.
_WHOLE = lazily(
    r"```.*?```|`[^`\n]+`|\"[^\"\n]+\"|“[^”\n]+”|「[^」\n]+」|«[^»\n]+»|(?<!\w)'[^'\n]+'(?!\w)"
    r"|https?://[^\s<>]+[^\s<>.,;:!?)\]]",
    re.S,
)
_HIDDEN = lazily("\ue000(\\d+)\ue001")
_ABBREVIATION = lazily(
    r"(?:^|[\s(])(?:e\.?g|i\.?e|etc|vs|cf|approx|incl|resp|esp|fig|no|nr|st|mr|mrs|dr|z\.?\s?b|d\.?\s?h"
    r"|usw|bzw|p\.?\s?ex|[a-z])$",
    re.I,
)
_STOP = lazily(r"[.!?…]+(?=[\s\ue000]|$)|[;；。！？]+|\n+")
_ITEM = lazily(
    r"^\s*(?:[-*+•▪–]\s+(?:\[[ xX]?\]\s*)?|#+\s+|\(?(?:\d{1,2}|[a-hA-H])\)\s*|\d{1,2}[.:、．]\s*"
    r"|[①-⑳]\s*|(?:step|schritt|étape|paso|第)\s*\d{1,2}\s*[步:.)]*\s*)"
)
_INLINE = lazily(r"(?:^|(?<=\s))\(?(\d{1,2})[.)]\s+|(?=[①-⑳])")
_JOINT = lazily(
    r"\s*(?:(?:[,，、&+]|->|→|=>|\b(?:and|then|but|or|nor|plus|und|dann|danach|oder|aber|et|puis|ensuite"
    r"|mais|ou|luego|después|pero|y|e|o|after that|afterwards|followed by)\b"
    r"|然后|接着|之后|随后|最后|并且|以及|同时|但是|但|并|再|そして|それから|次に|その後|て、)\s*)+"
    r"|\s+(?P<turn>before|after)\s+(?=\w+ing\b)",
    re.I,
)
_FILLER = lazily(
    r"^(?:(?:please|kindly|also|just|only|simply|then|next|finally|lastly|afterwards|after that|now"
    r"|first(?:ly)?|second(?:ly)?|third(?:ly)?|instead|to|maybe|so|ok(?:ay)?|hi|hello|hey"
    r"|(?:can|could|would|will) you(?: please)?|you (?:should|must|can|need to)"
    r"|i(?:['’]d| would)? (?:want|like|need) (?:you )?to|let['’]?s|let us|try to"
    r"|help me(?: to)?|go and"
    r"|make sure to|the goal is to|when (?:that is |you are )?done|once (?:that is |you are )?done"
    r"|bitte|zuerst|zuletzt|außerdem|s['’]il (?:te|vous) plaît|d['’]abord|enfin|por favor|primero"
    r"|finalmente|también|请|麻烦|帮我|只|先|首先|最后|然后|再|就|把|将|まず|次に|最後に)(?:\b|(?<=[^\x00-\u2e7f]))"
    r"[\s,，:：]*)+",
    re.I,
)
_NEGATION = lazily(
    r"^(?:(?:do|does|should|must|need|shall)\s*(?:not|n['’]?t)|don['’]?t|dont|never|not|no|nothing"
    r"|without|avoid|skip|omit|stop|refrain|leave out|instead of|rather than|nicht|kein\w*|ohne"
    r"|ne\b|n['’]|pas|sans|no|nunca|sin|不要|别|不用|不必|无需|请勿|勿|禁止|不)(?:\b|(?<=[^\x00-\u2e7f]))",
    re.I,
)
_NOT_AFTER = lazily(
    r"^\w+(?: \w+){0,3} (?:nicht|nothing|nobody|no one)\b|^\w+(?:-\w+)? pas\b|ないで|しない", re.I
)
_EXCEPT = lazily(
    r"[\s,]+(?:(?:but |and )?(?:not|without|rather than|instead of)|ohne|sans|sin)\s+(\w+)\b.*$",
    re.I,
)
_CONDITION = lazily(
    r"(?:if|unless|in case|provided|whenever|falls|wenn|si|sauf si|如果|若|要是|もし)"
    r"(?:\b|(?<=[^\x00-\u2e7f]))",
    re.I,
)
#: The first word, without the preposition of its form in -ing.
_HEAD = lazily(r"(?:(?:after|before|by)\s+(?=\w+ing\b))?([\w'’]+)", re.I)
#: Words that also go on with what is to be said: `see the docs`.
_SAID_TOO = QUESTION_WORDS - {"get", "set", "make", "start"}
#: A text that is to be said as it stands.
_SPEAKS = lazily(r"[:：](?:\s|(?=[^\x00-\u2e7f]))")
_OR = lazily(r"\b(?:or|nor|oder|ou|o|ni)\b|或", re.I)
_AND = lazily(r"^\s*(?:and|und|et|y)\s*$", re.I)
_BUT = lazily(r"\b(?:but|then|aber|dann|mais|puis|pero|luego)\b|但|然后", re.I)


class GoalPart(NamedTuple):
    """One deed in the words of the goal. `verb` opens it, '' if none does; `details` are sentences
    behind it that ask for nothing themselves. `fault` says why it cannot be done."""

    text: str
    verb: str
    details: str = ""
    fault: str = ""


class _Piece(NamedTuple):
    """A part as it stands, and the words between it and the part before."""

    joint: str
    text: str


def parts(goal: str, verbs: Collection[str]) -> list[GoalPart]:
    """Return the deeds that the goal wants, without those that it forbids."""
    kept: list[str] = []
    plain = re.sub("[\ue000\ue001]", "", goal)
    hidden = _WHOLE.sub(lambda found: _hide(found[0], kept), plain)
    found: list[GoalPart] = []
    for sentence in _sentences(hidden):
        goes_on = bool(found) and _SPEAKS.search(found[-1].text) is not None
        known = _deeds(sentence, verbs, goes_on=goes_on)
        if known is None:
            if found:
                details = ". ".join(filter(None, (found[-1].details, sentence)))
                found[-1] = found[-1]._replace(details=details)
        else:
            found += known
    return [GoalPart(*(_shown(field, kept) for field in part)) for part in found]


def _hide(text: str, kept: list[str]) -> str:
    kept.append(text)
    return f"\ue000{len(kept) - 1}\ue001"


def _shown(text: str, kept: list[str]) -> str:
    return _HIDDEN.sub(lambda found: kept[int(found[1])], text)


def _sentences(text: str) -> Iterator[str]:
    """Cut at the ends of sentences and items, never at a dot within a name or a number."""
    numbers = [found[1] for found in _INLINE.finditer(text)]
    if {"1", "2"} <= set(numbers) or text.count("①"):
        text = _INLINE.sub("\n", text)
    start = 0
    for found in _STOP.finditer(text):
        before = text[start : found.start()]
        if found[0] == "." and _goes_on(before, text[found.end() :]):
            continue
        yield from _item(before)
        start = found.end()
    yield from _item(text[start:])


def _goes_on(before: str, after: str) -> bool:
    """Is it the dot of an item's number or of an abbreviation, and not the end of a sentence?"""
    ends = re.search(r"\b(?:etc|usw|incl)$", before) and re.match(r"\s+[A-Z]", after)
    item = re.fullmatch(r"\s*\d{1,2}", before)
    return bool(item or _ABBREVIATION.search(before)) and not ends


def _item(text: str) -> Iterator[str]:
    plain = _ITEM.sub("", text, count=1).strip(" \t,，、:：")
    if plain:
        yield plain


def _deeds(sentence: str, verbs: Collection[str], *, goes_on: bool) -> list[GoalPart] | None:
    """Return the deeds of a sentence that are wanted; None for one that asks for nothing, or that
    goes on with what is to be said unless it begins with a deed."""
    pieces = _pieces(sentence, verbs)
    first = next((piece.text for piece in pieces if piece.text.strip()), "")
    if goes_on and not _opens(first, frozenset(verbs) - _SAID_TOO):
        return None
    if not any(_opens(piece.text, verbs) for piece in pieces):
        return None
    if _CONDITION.match(_plain(sentence)):
        return [GoalPart(sentence, "", fault=f"I cannot judge a condition: {sentence}")]
    wanted = [piece.text for piece in _wanted(pieces)]
    return [part for text in wanted if (part := _part(text, verbs)).verb]


def _pieces(sentence: str, verbs: Collection[str]) -> list[_Piece]:
    """Cut a sentence where a further deed begins; what stands behind `after` is done before."""
    pieces = [_Piece("", "")]
    joint, start, place = "", 0, 0
    turned = False
    further = frozenset(verbs) - QUESTION_WORDS
    for found in [*_JOINT.finditer(sentence), None]:
        text = sentence[start : found.start() if found else len(sentence)]
        goes_on = not re.search(r"\w", joint) and _SPEAKS.search(pieces[place].text)
        if start == 0 or goes_on or not _opens(text, further):
            pieces[place] = _Piece(pieces[place].joint, f"{pieces[place].text}{joint}{text}")
        else:
            place = place if turned else len(pieces)
            pieces.insert(place, _Piece(joint, text))
        if found:
            joint, start = found[0], found.end()
            turned = (found["turn"] or "").lower() == "after"
    if re.match(r"before\s+\w+ing\b", _plain(pieces[0].text), re.I):
        pieces[:2] = reversed(pieces[:2])
    return pieces


def _wanted(pieces: list[_Piece]) -> Iterator[_Piece]:
    """Leave out what is forbidden: `do not label, comment or assign` forbids all three."""
    forbidden = False
    for number, piece in enumerate(pieces):
        rest = pieces[number:]
        if _is_forbidden(piece.text):
            forbidden = True
        elif forbidden:
            to_or = next((other for other in rest if "," not in other.joint), piece)
            ends_in_or = _OR.search(piece.joint) or _OR.search(to_or.joint)
            forbidden = bool(ends_in_or or _AND.match(piece.joint)) and not _BUT.search(piece.joint)
            forbidden = forbidden and not re.match(r"(?:just|only|instead)\b", piece.text, re.I)
        if not forbidden:
            yield piece


def _is_forbidden(text: str) -> bool:
    plain = _plain(text)
    return bool(_NEGATION.match(plain) or _NOT_AFTER.search(plain))


def _opens(text: str, verbs: Collection[str]) -> bool:
    """Does a deed begin here, or a prohibition of one?"""
    return bool(_verb(text, verbs)) or _NEGATION.match(_plain(text)) is not None


def _part(text: str, verbs: Collection[str]) -> GoalPart:
    plain = _plain(text)
    excluded = _EXCEPT.search(plain)
    if excluded and _base(excluded[1].lower(), verbs):
        plain = plain[: excluded.start()]
    verb = _verb(plain, verbs)
    if verb and is_spaced(verb) and (head := _HEAD.match(plain)):
        plain = plain[head.start(1) :] if head[1].lower() == verb else verb + plain[head.end() :]
    fault = NO_MEANS + plain if verb in IMPOSSIBLE and verb not in verbs else ""
    return GoalPart(plain.strip(" ,，、"), verb, fault=fault)


def _plain(text: str) -> str:
    return _FILLER.sub("", text.strip()).strip()


def _verb(text: str, verbs: Collection[str]) -> str:
    """Return the verb that opens the text, in its base form; '' if none does."""
    plain = _plain(text).lower()
    first = _HEAD.match(plain)
    if first and (base := _base(first[1], verbs)):
        return base
    # Scripts without spaces have their verbs anywhere.
    held = [
        word
        for word in (*verbs, *IMPOSSIBLE)
        if not is_spaced(word) and word in plain and re.search("[\u2e80-\uffef]", plain)
    ]
    if re.search("[\u3040-\u30ff]", plain):  # in Japanese the verb comes last
        return max(held, key=lambda word: (plain.rfind(word), len(word)), default="")
    return min(held, key=lambda word: (plain.find(word), -len(word)), default="")


def _base(word: str, verbs: Collection[str]) -> str:
    """Return the base form of a verb: of itself, or of its form in -ing."""
    known = {word} if word in verbs or word in IMPOSSIBLE else set[str]()
    if word.endswith("ing"):
        stem = word[:-3]
        known |= {
            base for base in (stem, f"{stem}e", stem[:-1]) if base in verbs or base in IMPOSSIBLE
        }
    return min(known, key=len, default="")
