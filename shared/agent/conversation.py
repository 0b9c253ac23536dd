"""The conversation of a run: its turns so far, and the ones that the run adds."""

from shared.agent.remembering import heard_members_only, origin_of
from shared.database import Statement
from shared.journal import Outcome, Run
from shared.memory.conversations.turns import Conversations, Turn, Window, window_of
from shared.perception.writers import writer_of


class Conversation:
    """The short-term memory of one run. `shared` says whether other flows may recall its facts."""

    def __init__(self, run: Run, conversations: Conversations, *, shared: bool) -> None:
        self._run = run
        self._event = run.event
        self._conversations = conversations
        self._shared = shared

    @property
    def engaged(self) -> bool:
        """Has the agent already spoken in this conversation?"""
        window = self.window()
        turns = (*window.older, *window.newest)
        return bool(window.summary) or any(turn.role == "assistant" for turn in turns)

    def window(self) -> Window:
        """Return the turns that fit before a model, and the summary of those before them."""
        event = self._event

        def work() -> Outcome:
            window = self._conversations.window(event.tenant, event.conversation)
            return Outcome(window._asdict())

        arguments = {"conversation": event.conversation}
        return window_of(self._run.step("turns", arguments, work, defer=True))

    def summarise(self, window: Window, text: str) -> Statement:
        """Return the statement that keeps `text` as the summary of the window's older turns."""
        return self._conversations.summarise(
            self._event.tenant, self._event.conversation, window, text
        )

    def exchange(self, answer: str) -> list[Statement]:
        """Return the statements that append the event's text and its answer as turns."""
        event, append = self._event, self._conversations.append
        flow = "" if self._shared else self._run.flow
        asked, answered = origin_of(event, flow), origin_of(event, flow)
        if not heard_members_only(self._run):
            answered = answered._replace(trust="outside")
        turns = (
            (Turn("user", writer_of(event).name, event.text), asked),
            (Turn("assistant", self._run.flow, answer), answered),
        )
        return [append(event.tenant, event.conversation, turn, event.id, at) for turn, at in turns]
