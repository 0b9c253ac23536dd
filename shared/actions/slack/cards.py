"""Shows messages with buttons that exist once by their name and are edited in place."""

from collections.abc import Sequence

from shared.actions import Mark, Receipt
from shared.actions.slack.actions import Button, Card
from shared.actions.slack.drafts import unfinished
from shared.actions.slack.errors import SlackRefused
from shared.actions.slack.session import SlackSession, link, metadata
from shared.actions.slack.text import pieces
from shared.events import Json


def show_card(session: SlackSession, card: Card, mark: Mark, previous: Receipt | None) -> Receipt:
    """Edit the message that the card names, or that of `previous` if it has this name, where it
    still exists; else post one."""
    texts, about = pieces(card.text, hosts=mark.hosts), metadata(mark, 0, 1)
    text = texts[0] if len(texts) == 1 else unfinished(card.text, mark.hosts)
    below = buttons_below(card.buttons)
    shown = _receipt(card, card.ts) if card.ts else previous
    if shown and (shown.data or {}).get("name") == card.name:
        try:
            session.change(card.thread, shown.id, text, about, below)
            return shown
        except SlackRefused as err:
            if err.code != "message_not_found":
                raise
    return _receipt(card, session.post(card.thread, text, about, below))


def find_card(session: SlackSession, card: Card, mark: Mark) -> Receipt | None:
    found = [ts for _, ts in session.marked(card.thread, mark)]
    return _receipt(card, found[0]) if found else None


def _receipt(card: Card, ts: str) -> Receipt:
    return Receipt(ts, link(card.thread._replace(ts=ts)), {"name": card.name})


def buttons_below(buttons: Sequence[Button]) -> list[Json]:
    """Return the block of the buttons, where there are some.
    https://docs.slack.dev/reference/block-kit/block-elements/button-element"""
    elements = [
        {
            "type": "button",
            "action_id": button.label.lower(),
            "text": {"type": "plain_text", "text": button.label},
            "value": button.value,
            **({"style": button.emphasis} if button.emphasis else {}),
        }
        for button in buttons
    ]
    return [{"type": "actions", "elements": elements}] if buttons else []
