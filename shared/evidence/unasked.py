"""Answers questions that nobody addressed to the agent, when it is sure: each sentence rests on
words of its own that stand in a memory, and the sources pass the same second look as those of asked
answers. Else it is silent."""

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Annotated

from shared.actions import Action
from shared.agent.agent import Agent
from shared.errors import Declined
from shared.evidence.desk import EvidenceDesk
from shared.evidence.kinds import declared
from shared.evidence.units import units
from shared.frozen import frozen
from shared.memory import Memory
from shared.memory.attribution import is_trusted
from shared.memory.stored_text import digest_of
from shared.models.answers.typed import at_most
from shared.patterns import lazily
from shared.team_settings.channels.desk import ChannelDesk
from shared.team_settings.channels.unasked import UnaskedDesk

PROMPT = """\
Somebody asks a question in a channel, and nobody asked you. Answer only if the numbered texts say
exactly what is asked: shortly, in its language. Give the answer as single sentences, each with the
number of one text and the words in it, copied exactly, that say the whole sentence; no two
sentences have the same words. In any doubt, and for opinion, chat, or what is about people, there
are no sentences."""

#: Memories of a recall that are shown, and the words that a copied passage has at least.
_SHOWN, _WORDS = 4, 3
#: How much longer than the words that it rests on a sentence may be, and by how many characters.
_LONGER, _ROOM = 2, 40
#: What a reader would act on as it stands: numbers, code, addresses.
_EXACT = lazily(r"`[^`]+`|\w+://\S+|[\w.@/#-]*\d[\w@/#-]*")


@frozen
class SureSentence:
    text: Annotated[str, at_most(300)]
    number: int
    words: Annotated[str, at_most(300)]


@frozen
class SureAnswer:
    #: None of them when not sure.
    claims: list[SureSentence]


def unasked(agent: Agent, wants: Callable[[], bool]) -> Action | None:
    """Return what to do about a message that nobody addressed to the agent: answer it, or offer the
    answer to one person. None where people want no more than mentions, or no answer by what `wants`
    says; Declined when not sure."""
    desk = agent.desk(UnaskedDesk)
    if desk.learns:
        agent.remember(agent.event.text, kind="episode")
    if not (desk.answers and wants()):
        return None
    recalled = agent.recall(agent.event.text, limit=_SHOWN)
    found = [one for one in recalled if is_trusted(one.trust)]
    if not found:
        raise Declined("not sure: nothing is known of it")
    evidence = agent.desk(EvidenceDesk)
    texts = evidence.numbered(found, (), [agent.event])
    wishes = agent.desk(ChannelDesk).wishes
    answer = agent.ask(PROMPT, *texts, *wishes, agent.event, returns=SureAnswer, model="small")
    if not (text := evidence.sure(_marked(answer, found, agent.event.text))):
        raise Declined("not sure")
    return desk.offered(text, _sources(answer, found))


def _marked(answer: SureAnswer, found: Sequence[Memory], question: str) -> str:
    """Return the answer with the number of its source behind each sentence; '' where one of them
    has no words of its own that say so."""
    said = answer.claims
    for one in said:
        if not 1 <= one.number <= len(found) or not _rests(
            one, found[one.number - 1].text, question
        ):
            return ""
    pairs = permutations(said, 2)
    if any(a.number == b.number and _folded(a.words) in _folded(b.words) for a, b in pairs):
        return ""
    return " ".join(f"{one.text.strip()} [{one.number}]" for one in said)


def _sources(answer: SureAnswer, found: Sequence[Memory]) -> list[list[str]]:
    """Return the memories that it rests on, each by its id and the digest of what it says."""
    rested = (found[number - 1] for number in dict.fromkeys(one.number for one in answer.claims))
    return [[one.id, digest_of(one.text)] for one in rested]


def _rests(one: SureSentence, text: str, question: str) -> bool:
    """Is it one sentence, which says not much more than the words that it copies from the text?"""
    kind, _ = declared(one.text)
    cut = [*units(one.text, ended=True)]
    if kind or len(cut) != 1 or cut[0].is_code or cut[0].numbers or "\n" in cut[0].text:
        return False
    known = f"{_folded(text)} {_folded(question)}"
    exact = (_folded(found.strip("`")) for found in _EXACT.findall(one.text))
    is_short = _length(one.text) <= _LONGER * _length(one.words) + _ROOM
    return is_short and _stands(one.words, text) and all(found in known for found in exact)


def _stands(words: str, text: str) -> bool:
    said = _folded(words)
    is_long = len(said.split()) >= _WORDS or not said.isascii()
    return is_long and said in _folded(text)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _length(text: str) -> int:
    """Return about how much a text says, in Latin letters: a Chinese character is a word."""
    return sum(4 if sign >= "\u2e80" else 1 for sign in text)
