"""Answers questions that nobody addressed to the agent, when it is sure: each claim rests on words
that stand in a memory, and the sources pass the same second look as those of asked answers. Else it
is silent."""

from collections.abc import Callable, Sequence
from typing import Annotated

from shared.actions import Action
from shared.agent.agent import Agent
from shared.errors import Declined
from shared.evidence.desk import EvidenceDesk
from shared.frozen import frozen
from shared.memory import Memory
from shared.memory.attribution import is_trusted
from shared.models.answers.typed import at_most
from shared.team_settings.channels.desk import ChannelDesk
from shared.team_settings.channels.unasked import UnaskedDesk

PROMPT = """\
Somebody asks a question in a channel, and nobody asked you. Answer only if the numbered texts say
exactly what is asked: shortly, in its language. For each fact give the number of the text and the
words in it, copied exactly, that say so. In any doubt, and for opinion, chat, or what is about
people, the answer is null."""

#: Memories of a recall that are shown, and the words that a copied passage has at least.
_SHOWN, _WORDS = 4, 3


@frozen
class CopiedWords:
    number: int
    words: Annotated[str, at_most(300)]


@frozen
class SureAnswer:
    #: None when not sure.
    answer: Annotated[str, at_most(1_500)] | None
    sources: list[CopiedWords]


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
    if not (text := evidence.sure(_marked(answer, found))):
        raise Declined("not sure")
    return desk.offered(text)


def _marked(answer: SureAnswer, found: Sequence[Memory]) -> str:
    """Return the answer with the numbers of its sources; '' where one of them does not say so."""
    for one in answer.sources:
        if not 1 <= one.number <= len(found) or not _stands(one.words, found[one.number - 1].text):
            return ""
    cited = "".join(f"[{number}]" for number in dict.fromkeys(one.number for one in answer.sources))
    text = (answer.answer or "").strip()
    return f"{text} {cited}" if text and cited else ""


def _stands(words: str, text: str) -> bool:
    said = " ".join(words.split()).casefold()
    is_long = len(said.split()) >= _WORDS or not said.isascii()
    return is_long and said in " ".join(text.split()).casefold()
