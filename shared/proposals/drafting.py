"""Writes an issue from what people said in a thread: for the command, the shortcut, and whoever
else shows people a draft first."""

from dataclasses import replace
from typing import Annotated

from shared.actions.slack.actions import ReadThread
from shared.agent.agent import Agent
from shared.agent.context import Code
from shared.errors import AnswerInvalid, RequestUnclear
from shared.events import Json, Thread
from shared.frozen import frozen
from shared.models.answers.typed import at_most
from shared.proposals.desk import Proposals
from shared.proposals.requests import TITLE

PROMPT = """\
People talked in a thread and want an issue of it. Write its title in a few words, and in the recap
what somebody needs who was not there: what is wrong or wanted, how it shows, and what was tried or
decided. Say only what the thread says, in its language. Leave out greetings and requests to you."""

_NOTHING_SAID = (
    "Nothing is said here that an issue could be made of. Give it a title: `issue TITLE`."
)

#: Characters of a thread that a draft is made of.
_MOST = 30_000


@frozen
class IssueDraft:
    """An issue that nobody has opened yet. `recap` is its body, in Markdown."""

    title: Annotated[str, at_most(120)]
    recap: Annotated[str, at_most(2_400)]


def draft_issue(agent: Agent, thread: Thread, *, without: str = "", about: str = "") -> IssueDraft:
    """Write an issue from the thread, with a link back to it. `without` is the time stamp of the
    message that asked for it; `about` is what the person said of it. What the agent said itself is
    no part of it.

    The flow needs `ReadThread`. What the model leaves unusable becomes a plain extract. Raises
    ActionRejected when the thread cannot be read, RequestUnclear when nobody said anything there.
    """
    named = agent.desk(Proposals).named
    said = [
        {**one, "text": named(one["text"])}
        for one in agent.read(ReadThread(thread))["items"]
        if one["at"] != without and not one.get("own")
    ]
    if not any(one["text"].strip() for one in said):
        raise RequestUnclear(_NOTHING_SAID)
    text = "\n".join(f"@{one['author']}: {one['text']}" for one in said)[-_MOST:]
    wish = (f"They want: {about}",) if about else ()
    try:
        draft = agent.ask(PROMPT, Code("thread", text), *wish, returns=IssueDraft)
    except AnswerInvalid:
        draft = extract(said)
    return _linked(draft if draft.title.strip() else extract(said), thread)


def extract(said: list[Json]) -> IssueDraft:
    """Return the thread's own words as an issue: what was said first is the title."""
    texts = [" ".join(str(one["text"]).split()) for one in said]
    first = next((text for text in texts if text), "From a conversation in Slack")
    title = first if len(first) <= 120 else f"{first[:119].rstrip()}…"
    return IssueDraft(title, "\n".join(f"> {text}" for text in texts if text)[:2_400])


def _linked(draft: IssueDraft, thread: Thread) -> IssueDraft:
    from shared.actions.slack.session import link  # the SDK is there: the thread was read

    title = " ".join(draft.title.split())[:TITLE]
    back = f"From [this conversation in Slack]({link(thread)})."
    return replace(draft, title=title, recap=f"{draft.recap.strip()}\n\n{back}".strip())
