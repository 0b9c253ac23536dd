"""What follows an answer of the agent in its thread: the person says that it is wrong, calls
somebody else, or somebody else answers. Only the words tell it, and no model is asked."""

import re
from collections.abc import Collection
from typing import Self

from shared.desk import Loan
from shared.learning.refusals import said_itself
from shared.learning.signals.desk import SignalsDesk
from shared.learning.signals.store import Caused, Kind
from shared.patterns import lazily
from shared.perception import string
from shared.perception.slack_payloads import bots_of

#: Words that say of the answer before that it is wrong.
_WRONG = lazily(
    r"\A\s*(?:no|nope|nein|non|wrong|falsch|actually)\s*[,.!:;–-]"
    r"|\b(?:that|this|it)(?:['’]s| is| was) (?:just |simply |plain )?(?:not (?:right|correct|true)"
    r"|wrong|incorrect|outdated|out of date|nonsense)"
    r"|\b(?:you are|you['’]re) (?:wrong|mistaken)\b"
    r"|\b(?:das|es) (?:stimmt|ist) (?:so )?(?:nicht|falsch)|\bc['’]est faux\b|\beso es incorrecto\b"
    r"|不对|错了|間違|違います",
    re.IGNORECASE,
)
#: Slack's signs that call a channel, a group, or a person.
_CALLS = lazily(r"<!(?:here|channel|everyone|subteam\^)|<@(\w+)")


class AnswerSignals:
    """Notes what a message says about the answer before it in its thread."""

    def __init__(self, loan: Loan) -> None:
        self._event = loan.run.event
        self._signals = SignalsDesk.lend(loan)

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def note(self) -> None:
        """Note it, if the message is in a thread in which somebody may have been answered."""
        event = self._event
        thread, message = event.thread_target, event.message_target
        if thread is None or message is None or thread.ts == message.ts:
            return
        # What nobody wrote to us may be an answer to who asked: the store knows who that was.
        kind = said_of(event.text, string(event.payload, "event", "text"), bots_of(event.payload))
        if kind is None and event.type != "slack.app_mention":
            kind = "answered_after"
        if kind:
            words = event.text if kind == "corrected" else ""
            caused, thing = Caused(thread=thread.ref), ("after", message.ref)
            self._signals.note(self._signals.said(kind, caused, *thing, words=words))


def said_of(text: str, raw: str, bots: Collection[str] = ()) -> Kind | None:
    """Say what a text says of the answer before it; `raw` has Slack's signs. To mention the agent,
    which is one of the `bots`, calls nobody."""
    if _WRONG.search(said_itself(text)):
        return "corrected"
    called = [found[1] for found in _CALLS.finditer(raw)]
    return "escalated" if any(one not in bots for one in called) else None
