"""The status under a thread with its loading lines, and the session of an app that is declared an
agent, which shows Slack's Stop button while it is processing.

A status goes when the app replies, and after two minutes. A session's status never changes by
itself.

https://docs.slack.dev/reference/methods/assistant.threads.setStatus
https://docs.slack.dev/ai/agent-sessions
"""

from collections.abc import Mapping
from contextlib import suppress

from shared.actions import Mark, Receipt
from shared.actions.slack.actions import ShowStatus
from shared.actions.slack.errors import SlackRefused
from shared.actions.slack.session import SlackSession, act

#: The status and its loading lines, of which Slack shows one after the other.
_LINES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "works": (
        "is thinking…",
        ("Reading the conversation…", "Looking at what I know…", "Writing the answer…"),
    ),
    "waits": ("is waiting…", ("Something that I need is away. I go on when it is back.",)),
    "over": ("", ()),
}
_SESSIONS = {"works": "processing", "waits": "suspended"}
#: Slack's errors for an app that has no sessions.
_NO_AGENT = {"missing_scope", "not_authorized", "unknown_method"}


def show_status(
    session: SlackSession, shown: ShowStatus, _: Mark, previous: Receipt | None
) -> Receipt:
    """Set both. What Slack refuses is left out: a status is no reason for a run to fail."""
    where = {"channel_id": shown.thread.channel, "thread_ts": shown.thread.ts}
    doing = f"show the status in {shown.thread.ref}"
    if shown.standing in _LINES:
        status, lines = _LINES[shown.standing]
        told = {"status": status} | ({"loading_messages": [*lines]} if lines else {})
        with suppress(SlackRefused):
            act(doing, session.client.assistant_threads_setStatus, **where, **told)
    if session.has_agent_sessions:
        about = {"status": _SESSIONS.get(shown.standing, "active")}
        about |= {"title": shown.title} if shown.title else {}
        try:
            act(doing, session.client.agents_sessions_setStatus, **where, **about)
        except SlackRefused as err:
            session.has_agent_sessions = err.code not in _NO_AGENT
    return Receipt("")
