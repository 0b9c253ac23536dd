"""The token by which somebody who writes to the agent in Slack lets it search for them. It is used
within the run and kept nowhere.

Slack's page has it under `assistant_thread`; what Slack sends has it beside the text.
https://docs.slack.dev/ai/using-data-access-api/
https://github.com/slack-go/slack/issues/1577
"""

from contextvars import ContextVar

from shared.events import Event
from shared.perception import string

_NAME, _WITHIN = "action_token", "assistant_thread"


#: The token of the event that is handled; '' when it brought none.
lent: ContextVar[str] = ContextVar("lent", default="")


def taken_out(event: Event) -> Event:
    """Return the event without its token, which is `lent` until the next event."""
    inner = event.payload.get("event") if event.source == "slack" else None
    token = string(inner, _NAME) or string(inner, _WITHIN, _NAME)
    lent.set(token)
    if not token or not isinstance(inner, dict):
        return event
    left = {name: value for name, value in inner.items() if name not in {_NAME, _WITHIN}}
    return event._replace(payload={**event.payload, "event": left})
