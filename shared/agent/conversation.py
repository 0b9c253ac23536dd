"""The conversation of a run: its turns so far, and the ones that the run adds."""

from collections.abc import Mapping, Sequence

from shared.agent.remembering import heard_members_only, origin_of
from shared.canonical import digest
from shared.database import Statement
from shared.events import Event, Json
from shared.journal import Outcome, Run
from shared.memory.conversations.turns import Conversations, EarlierFile, Turn, Window, window_of
from shared.models import ChatMessage, Image
from shared.perception.writers import writer_of


class Conversation:
    """The short-term memory of one run. `shared` says whether other flows may recall its facts."""

    def __init__(self, run: Run, conversations: Conversations, *, shared: bool) -> None:
        self._run = run
        self._event = run.event
        self._conversations = conversations
        self._shared = shared
        #: The window that `engaged` has read for the next question.
        self._read_ahead: Window | None = None
        #: What is answered: the event alone, or what its author said in a row.
        self.said: tuple[Event, ...] = (run.event,)
        #: The pictures that came with it.
        self.images: tuple[Image, ...] = ()
        #: The files that were read with it, by the ids of its events.
        self.attached: Mapping[str, Sequence[Json]] = {}
        #: Events whose turns this answer takes the place of.
        self.instead_of: Sequence[str] = ()
        #: Committed together with the answer.
        self.with_answer: list[Statement] = []

    @property
    def _name(self) -> str:
        """The conversation that is answered: the event's, or that of the question it edits."""
        return self.said[0].conversation

    @property
    def engaged(self) -> bool:
        """Has the agent already spoken in this conversation?"""
        window = self._read_ahead = self.window()
        turns = (*window.older, *window.newest)
        return bool(window.summary) or any(turn.role == "assistant" for turn in turns)

    @property
    def earlier_files(self) -> tuple[EarlierFile, ...]:
        """The newest files that came earlier in this conversation."""
        window = self._read_ahead = self.window()
        return window.files

    def window(self) -> Window:
        """Return the turns that fit before a model, and the summary of those before them."""
        if window := self._read_ahead:
            self._read_ahead = None
            return window
        event = self._event
        # What is edited or tried again is answered as if it had not been asked before.
        without = [*self.instead_of, *(one.id for one in self.said if one.id != event.id)]

        def work() -> Outcome:
            window = self._conversations.window(event.tenant, self._name, without=without)
            return Outcome(window._asdict())

        arguments = {"conversation": self._name}
        return window_of(self._run.step("turns", arguments, work, defer=True))

    def question(self, text: str) -> ChatMessage:
        """Return the message that asks for the answer, with its pictures."""
        return ChatMessage("user", text, images=self.images)

    def summarise(self, window: Window, text: str) -> Statement:
        """Return the statement that keeps `text` as the summary of the window's older turns."""
        return self._conversations.summarise(self._event.tenant, self._name, window, text)

    def answered(self, answer: str) -> str:
        """Keep an answer that no model gave as one that did, and return it: the record waits for
        the reply that says it."""

        def work() -> Outcome:
            return Outcome(answer, statements=self.exchange(answer))

        return str(self._run.step("answered", {"answer": digest(answer)}, work, defer=True))

    def exchange(self, answer: str) -> list[Statement]:
        """Return the statements that append what was said and its answer as turns."""
        event, append = self._event, self._conversations.append
        flow = "" if self._shared else self._run.flow
        answered = origin_of(event, flow)
        if not heard_members_only(self._run):
            answered = answered._replace(trust="outside")
        asked = [
            (
                one,
                Turn("user", writer_of(one).name, one.text),
                origin_of(one, flow),
                self.attached.get(one.id, ()),
            )
            for one in self.said
        ]
        turns = [*asked, (self.said[0], Turn("assistant", self._run.flow, answer), answered, ())]
        asker = writer_of(event).name
        statements = [
            append(event.tenant, self._name, turn, one.id, at, asker=asker, attached=files)
            for one, turn, at, files in turns
        ]
        if self.instead_of:
            tenant, gone = event.tenant, self.instead_of
            statements.insert(0, self._conversations.drop(tenant, self._name, gone))
        return [*statements, *self.with_answer]
