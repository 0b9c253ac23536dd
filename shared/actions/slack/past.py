"""Takes back on Slack what was said, as long as nobody answered or reacted."""

from collections.abc import Iterator

from shared.actions import Mark
from shared.actions.past import PastEffect, TakenBack, left
from shared.actions.slack.actions import Button, Card
from shared.actions.slack.cards import show_card
from shared.actions.slack.errors import SlackRefused
from shared.actions.slack.session import SlackSession, act
from shared.errors import ActionRejected
from shared.events import Json, Thread

#: Slack's errors for what is not there any more.
_GONE = {"message_not_found", "no_reaction", "thread_not_found"}


def take_back_reply(session: SlackSession, effect: PastEffect, _: Mark) -> TakenBack:
    """Delete a reply from its thread."""
    thread = _thread(effect.ref)
    stamps = [str(ts) for ts in effect.data.get("ts", [effect.made.id])]
    return _withdrawn(session, effect, thread, stamps)


def take_back_card(session: SlackSession, effect: PastEffect, mark: Mark) -> TakenBack:
    """Let the card say again what an earlier run said there; else delete it."""
    if not (before := effect.before):
        return take_back_reply(session, effect, mark)
    thread, arguments = _thread(effect.ref), before["arguments"]
    rows = [one for one in _messages(session, thread) if one["ts"] == effect.made.id]
    if rows and not _stands(rows[0], effect._replace(keys=(*effect.keys, before["key"]))):
        return left(f"What I said ({effect.made.url}) stays: something newer stands there")
    if rows:
        buttons = tuple(Button(**one) for one in arguments["buttons"])
        card = Card(thread, arguments["name"], arguments["text"], buttons)
        show_card(session, card, mark._replace(key=before["key"]), effect.made)
    return TakenBack("My message says again what it said before" if rows else "It is gone")


def take_back_post(session: SlackSession, effect: PastEffect, _: Mark) -> TakenBack:
    """Delete a post, with the rest of it in its thread."""
    thread = Thread("", effect.data["channel"], effect.data["ts"])
    mark = Mark(effect.key, effect.flow, 0)
    stamps = [one["ts"] for one in _messages(session, thread) if session.is_of(one, mark)]
    return _withdrawn(session, effect, thread, stamps)


def take_off_reaction(session: SlackSession, effect: PastEffect, _: Mark) -> TakenBack:
    message, emoji = _thread(effect.ref), effect.argument("emoji")
    try:
        act(
            f"take a reaction from {effect.ref}",
            session.client.reactions_remove,
            channel=message.channel,
            timestamp=message.ts,
            name=emoji,
        )
    except SlackRefused as err:
        if err.code not in _GONE:
            raise
    return TakenBack(f"Took :{emoji}: off the message")


def _withdrawn(
    session: SlackSession, effect: PastEffect, thread: Thread, stamps: list[str]
) -> TakenBack:
    """Delete these messages of the thread, the newest first, unless people built upon one."""
    rows = list(_messages(session, thread))
    own = [row for row in rows if row["ts"] in stamps and "subtype" not in row]
    if not all(_stands(row, effect) for row in own):
        return left(f"What I said ({effect.made.url}) stays: something newer stands there")
    if why := _answered(session, rows, own, effect):
        return left(f"What I said ({effect.made.url}) stays: {why}")
    for row in reversed(own):
        try:
            session.remove(thread, row["ts"])
        except SlackRefused as err:
            if err.code not in _GONE:
                raise
    return TakenBack("Deleted what I said" if own else "What I said is gone")


def _answered(session: SlackSession, rows: list[Json], own: list[Json], effect: PastEffect) -> str:
    """Say what people made of our messages; '' if nothing. A command is no answer."""
    if not own:
        return ""
    first = min(row["ts"] for row in own)
    later = (row for row in rows if row["ts"] > first and row["ts"] not in effect.aside)
    if any("bot_id" not in row and row.get("user") for row in later):
        return "somebody answered"
    users = {
        user for row in own for one in row.get("reactions", ()) for user in one.get("users", ())
    }
    return "somebody reacted to it" if users - {session.identity.user} else ""


def _stands(row: Json, effect: PastEffect) -> bool:
    """Tell if the effect was the last to write a message."""
    payload = (row.get("metadata") or {}).get("event_payload") or {}
    return effect.stands(payload.get("effect", ""), payload.get("flow", ""))


def _messages(session: SlackSession, thread: Thread) -> Iterator[Json]:
    for page in session.pages(thread):
        yield from page["messages"]


def _thread(ref: str) -> Thread:
    """Read the target of an effect; raises ActionRejected when it is no message."""
    parts = ref.split("/")
    if len(parts) != 3:
        raise ActionRejected("slack: the effect was at no message")
    return Thread(*parts)
