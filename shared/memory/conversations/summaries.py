"""Summaries: the small model summarises the turns that a conversation's window leaves out."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

from shared.database import Statement
from shared.errors import ModelError, SettingsError
from shared.journal import Outcome, Run
from shared.log import log
from shared.memory.conversations.turns import Window, summary_block
from shared.models import ChatMessage, ModelReply, ModelRequest
from shared.models.answers import typed
from shared.models.answers.typed import at_most
from shared.models.prompts import system

_MOST_CHARACTERS = 1_600

PROMPT = f"""\
Tell shortly what was said earlier in a conversation, for somebody who has to go on with it: what
people want, what was decided, found out and promised, names, numbers and addresses as they stand,
and what is still open. Name who said it: claims of outsiders stay theirs. Where a summary of what
came before that is given, take it up. At most {_MOST_CHARACTERS} characters, in the language of the
conversation."""


class Recap(NamedTuple):
    recap: Annotated[str, at_most(_MOST_CHARACTERS)]


def summarised(
    run: Run,
    window: Window,
    reply: Callable[[ModelRequest], ModelReply],
    keep: Callable[[str], Statement],
) -> str | None:
    """Return the summary of all but the window's newest turns, as a step of `run`.

    The model summarises only turns that no summary holds yet. Returns None if it failed; that is
    recorded too, so a replay returns the same.
    """
    if not window.older:
        return window.summary
    request = _request(window)

    def work() -> Outcome:
        try:
            recap, answer = typed.ask(reply, request, Recap)
        except (ModelError, SettingsError) as err:
            log("summary failed", flow=run.flow, run=run.id, reason=str(err))
            return _failed(err)
        usage, text = answer.usage, recap.recap.strip()
        paid = Outcome(
            text or None, answer.model, usage.input, usage.output, usage.cached, answer.cost
        )
        return paid._replace(statements=[keep(text)]) if text else paid

    text = run.step("summary", {"request": request}, work)
    return None if text is None else str(text)


def _request(window: Window) -> ModelRequest:
    blocks = [turn.block for turn in window.older]
    if window.summary:
        blocks.insert(0, summary_block(window.summary, window.trust))
    return ModelRequest((ChatMessage("user", "\n\n".join(blocks)),), system(PROMPT))


def _failed(err: ModelError | SettingsError) -> Outcome:
    if isinstance(err, SettingsError):
        return Outcome(None)
    return Outcome(
        None, err.model, err.input_tokens, err.output_tokens, err.cached_tokens, err.cost
    )
