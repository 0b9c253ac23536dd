"""The desk of questions that nobody addressed to the agent: where a channel wants them answered,
and drafts of the answers. shared.evidence.unasked answers them."""

import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple, Self

from shared import journal
from shared.actions import Action
from shared.actions.slack.actions import Reply
from shared.actions.slack.views.actions import ForPerson, OfferDraft
from shared.canonical import canonical
from shared.database import queries
from shared.desk import Loan
from shared.errors import Declined
from shared.events import Thread
from shared.team_settings.channels.desk import ChannelDesk
from shared.team_settings.channels.keys import DRAFT_WEEK, ChannelSettings
from shared.team_settings.channels.questions import is_question

SQL = queries(__file__, "unasked.sql")

#: Characters of a message from which one may learn.
_WORTH = 20


class AnswerDraft(NamedTuple):
    """A draft, and the thread of its question."""

    thread: Thread
    text: str
    #: The memories that it rests on, each by its id and the digest of what it says.
    sources: Sequence[Sequence[str]] = ()


Outcome = Literal["sent", "edited", "dropped"]
STALE = (
    "I did not send this: what it rests on has changed since, or not everybody here may see it any"
    " more."
)
OVER = "This draft is over: it was decided, or it is older than a day, or it is not yours."


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

    def offered(self, text: str, sources: Sequence[Sequence[str]]) -> Action:
        """Return the action that posts the answer, or that offers it to who set the mode. The
        `sources` are kept with a draft, as in AnswerDraft."""
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
            "sources": canonical(sources),
        }

        def work() -> journal.Outcome:
            return journal.Outcome(True, statements=[self._run.statement("keep", about, SQL)])

        self._run.step("keep draft", about, work)
        person = ForPerson.of(self._event)._replace(user=setter, view="")
        return OfferDraft(person, text, self._event.url, f"{self._run.id}:{digest}")

    def decide(self, value: str, outcome: Outcome) -> AnswerDraft | None:
        """Decide about the draft of a pressed button, once; None for one that is over."""
        return self._asked("decide", value, outcome)

    def withdraw(self, value: str) -> None:
        """Note that a draft which this run decided to send was not sent."""
        about = {"draft": value.partition(":")[0]}

        def work() -> journal.Outcome:
            return journal.Outcome(None, statements=[self._run.statement("withdraw", about, SQL)])

        self._run.step("withdraw draft", about, work)

    def waiting(self, value: str) -> AnswerDraft | None:
        """Return the draft of a pressed button, if it waits for its person."""
        return self._asked("waiting", value)

    def _asked(self, name: str, value: str, outcome: str = "") -> AnswerDraft | None:
        draft, _, digest = value.partition(":")
        about = {"draft": draft, "digest": digest, "outcome": outcome}
        about |= {"place": self._event.scope, "actor": self._event.actor.id}

        def work() -> journal.Outcome:
            [rows] = self._run.write([self._run.statement(name, about, SQL)])
            told = [rows[0][part] for part in ("thread_ts", "text", "sources")] if rows else []
            return journal.Outcome(told)

        if not (found := self._run.step(f"{name} draft", about, work)):
            return None
        _, team, channel = self._event.scope.split(":")
        return AnswerDraft(Thread(team, channel, found[0]), *found[1:])


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
