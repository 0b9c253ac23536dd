"""Answers questions that nobody addressed to the agent, when it is sure: each claim rests on words
that stand in a memory which the channel's readers may see. Else it is silent."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, Self

from shared import journal
from shared.actions import Action
from shared.actions.slack.actions import Reply
from shared.actions.slack.views.actions import ForPerson, OfferDraft
from shared.agent import Agent
from shared.agent.context import DataBlock
from shared.database import queries
from shared.desk import Loan
from shared.errors import Declined
from shared.events import Thread
from shared.memory import Memory
from shared.memory.attribution import block, is_trusted
from shared.models.answers.typed import at_most
from shared.team_settings.channels.desk import ChannelDesk
from shared.team_settings.channels.keys import DRAFT_WEEK, ChannelSettings
from shared.team_settings.channels.questions import is_question

SQL = queries(__file__, "unasked.sql")

PROMPT = """\
Somebody asks a question in a channel, and nobody asked you. Answer only if the numbered texts say
exactly what is asked: shortly, in its language. For each fact give the number of the text and the
words in it, copied exactly, that say so. In any doubt, and for opinion, chat, or what is about
people, the answer is null."""

#: Memories of a recall that are shown, and the words that a copied passage has at least.
_SHOWN, _WORDS = 4, 3
#: Characters of a message from which one may learn.
_WORTH = 20


@dataclass(frozen=True)
class CopiedWords:
    number: int
    words: Annotated[str, at_most(300)]


@dataclass(frozen=True)
class SureAnswer:
    #: None when not sure.
    answer: Annotated[str, at_most(1_500)] | None
    sources: list[CopiedWords]


class AnswerDraft(NamedTuple):
    """A draft, and the thread of its question."""

    thread: Thread
    text: str


Outcome = Literal["sent", "edited", "dropped"]
OVER = "This draft is over: it was decided, or it is older than a day, or it is not yours."


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
    texts = [DataBlock(block(one, cite=str(number))) for number, one in enumerate(found, 1)]
    wishes = agent.desk(ChannelDesk).wishes
    answer = agent.ask(PROMPT, *texts, *wishes, agent.event, returns=SureAnswer, model="small")
    if not (text := _shown(answer, found)):
        raise Declined("not sure")
    return desk.offered(text)


def _shown(answer: SureAnswer, found: Sequence[Memory]) -> str:
    """Return the answer with its sources; '' where one of them does not say so."""
    cited = dict[int, Memory]()
    for one in answer.sources:
        if not 1 <= one.number <= len(found):
            return ""
        memory = found[one.number - 1]
        if not _stands(one.words, memory.text):
            return ""
        cited[one.number] = memory
    text = (answer.answer or "").strip()
    if not (text and cited):
        return ""
    lines = [
        f"{at}. [{one.ref}]({one.url})" if one.url else f"{at}. {one.ref}"
        for at, one in enumerate(cited.values(), 1)
    ]
    return "\n".join([text, "", "Sources:", *lines])


def _stands(words: str, text: str) -> bool:
    said = " ".join(words.split()).casefold()
    is_long = len(said.split()) >= _WORDS or not said.isascii()
    return is_long and said in " ".join(text.split()).casefold()


class UnaskedDesk:
    """What a channel wants of messages that nobody addressed to the agent."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run
        self._event = loan.run.event
        # As the claim found it: what most messages need costs no record.
        self._settings = ChannelSettings.of(self._run.channel)

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    @property
    def _is_said_here(self) -> bool:
        """Did somebody of the team say it in the channel, outside of threads, to everybody?"""
        event, root = self._event, self._event.thread_target
        is_alone = root is not None and event.message_target is not None
        is_alone = is_alone and event.thread.ts == event.message.ts
        return is_alone and not (event.is_shared or event.by_outsider or event.actor.is_bot)

    @property
    def learns(self) -> bool:
        """Are its words kept, for upkeep to learn from?"""
        is_wanted = self._settings.mode == "listens" and len(self._event.text) >= _WORTH
        return is_wanted and not self._event.is_shared and not self._event.actor.is_bot

    @property
    def answers(self) -> bool:
        """Is it a question that the channel wants answered now?"""
        wanted = self._settings.mode == "answers" and self._is_said_here
        hushed = self._settings.is_quiet(self._event.received_at)
        return wanted and not hushed and is_question(self._event.text)

    def offered(self, text: str) -> Action:
        """Return the action that posts the answer, or that offers it to who set the mode."""
        _, setter, since = ChannelDesk.lend(self._loan).said.get("mode") or ("", "", 0.0)
        is_new = self._event.received_at < since + DRAFT_WEEK
        if not is_new and self._settings.drafts == "off":
            return Reply(self._event.thread, text)
        if not setter:
            raise Declined("nobody is there to decide about a draft")
        digest = digest_of(text)
        about = {
            "conversation": self._event.conversation,
            "thread": self._event.thread.ts,
            "person": setter,
            "digest": digest,
            "text": text,
        }

        def work() -> journal.Outcome:
            return journal.Outcome(True, statements=[self._run.statement("keep", about, SQL)])

        self._run.step("keep draft", about, work)
        person = ForPerson.of(self._event)._replace(user=setter, view="")
        return OfferDraft(person, text, self._event.url, f"{self._run.id}:{digest}")

    def decide(self, value: str, outcome: Outcome) -> AnswerDraft | None:
        """Decide about the draft of a pressed button, once; None for one that is over."""
        return self._asked("decide", value, outcome)

    def waiting(self, value: str) -> AnswerDraft | None:
        """Return the draft of a pressed button, if it waits for its person."""
        return self._asked("waiting", value)

    def _asked(self, name: str, value: str, outcome: str = "") -> AnswerDraft | None:
        draft, _, digest = value.partition(":")
        about = {"draft": draft, "digest": digest, "outcome": outcome}
        about |= {"place": self._event.scope, "actor": self._event.actor.id}

        def work() -> journal.Outcome:
            [rows] = self._run.write([self._run.statement(name, about, SQL)])
            return journal.Outcome([rows[0]["thread_ts"], rows[0]["text"]] if rows else [])

        if not (found := self._run.step(f"{name} draft", about, work)):
            return None
        _, team, channel = self._event.scope.split(":")
        return AnswerDraft(Thread(team, channel, found[0]), found[1])


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
