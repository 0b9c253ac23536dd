"""The bot's messages in a thread: posted, changed, taken away, and found by their metadata."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from slack_sdk.web import SlackResponse, WebClient

from shared.actions import Mark
from shared.actions.slack.errors import SlackRefused, border
from shared.actions.slack.text import brief, plain
from shared.errors import ActionRejected
from shared.events import Json, Thread

#: The event type of the metadata in every message that the agent posts.
EFFECT = "agent_flows_effect"
#: What Slack says of blocks that it does not take.
_BLOCKS = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"}


class Messages:
    """What the adapter does with messages, one call to Slack each. `bot` tells the bot's id."""

    def __init__(self, client: WebClient, bot: Callable[[], str]) -> None:
        self._client = client
        self._bot = bot

    def post(self, thread: Thread, text: str, metadata: Json, below: Sequence[Json] = ()) -> str:
        """Post one message into the thread, with the blocks `below` its text, and return its time
        stamp."""
        to = thread.ref
        answer = self._send(to, thread.channel, text, metadata, below, thread_ts=thread.ts)
        if "thread_ts" not in answer["message"]:  # Slack says ok, and posts it outside
            self._withdraw(thread, answer["ts"])
        return str(answer["ts"])

    def announce(self, channel: str, text: str, metadata: Json) -> str:
        """Post one message into the channel itself and return its time stamp."""
        return str(self._send(channel, channel, text, metadata)["ts"])

    def _send(
        self,
        to: str,
        channel: str,
        text: str,
        metadata: Json,
        below: Sequence[Json] = (),
        **more: str,
    ) -> Json:
        message: Json = {
            **_shown(channel, plain(text), metadata),
            **more,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        # Not chat_postMessage(), which warns of a blank text; Slack's own answer is plainer.
        post = partial(act, f"post to {to}", self._client.api_call)
        try:
            full = {**message, "blocks": [*blocks(text), *below]}
            return post(api_method="chat.postMessage", json=full)
        except SlackRefused as err:
            if err.code not in _BLOCKS:
                raise
            # Better without its format than not at all.
            return post(api_method="chat.postMessage", json=message)

    def change(
        self, thread: Thread, ts: str, text: str, metadata: Json, below: Sequence[Json] = ()
    ) -> None:
        """Make a message say something else and belong to what the metadata names.

        Slack shows no "(edited)", because the message has blocks.
        https://docs.slack.dev/reference/methods/chat.update
        """
        shown = [*blocks(text), *below]
        message = {**_shown(thread.channel, brief(text), metadata), "ts": ts, "blocks": shown}
        doing = f"change the reply {ts} in {thread.ref}"
        act(doing, self._client.api_call, api_method="chat.update", json=message)

    def remove(self, thread: Thread, ts: str) -> None:
        """Take a message away; raises SlackRefused when it is gone already or has to stay."""
        doing = f"take away the reply {ts} in {thread.ref}"
        act(doing, self._client.chat_delete, channel=thread.channel, ts=ts)

    def marked(self, thread: Thread, mark: Mark) -> list[tuple[int, str]]:
        """The number and the time stamp of each piece of an effect that is in the thread."""
        return [
            (message["metadata"]["event_payload"].get("part", 0), message["ts"])
            for page in self.pages(thread)
            for message in page["messages"]
            if self.is_of(message, mark)
        ]

    def is_of(self, message: Json, mark: Mark) -> bool:
        """Tell whether the effect made this message. Anyone in the workspace can post the same
        metadata; only the bot's messages count."""
        return message.get("bot_id") == self._bot() and _is_of(message, mark)

    def pages(self, thread: Thread) -> Iterator[Json]:
        """Go through a thread, oldest first."""
        cursor = ""
        while True:
            try:
                page = read(
                    f"look into thread {thread.ref}",
                    self._client.conversations_replies,
                    channel=thread.channel,
                    ts=thread.ts,
                    include_all_metadata=True,
                    limit=1000,
                    cursor=cursor or None,
                )
            except SlackRefused as err:
                if err.code == "thread_not_found":  # deleted, and with it what was in it
                    return
                raise
            yield page
            cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return

    def _withdraw(self, thread: Thread, ts: str) -> None:
        """Take back what Slack put into the channel because the thread is gone; raises
        ActionRejected.

        https://github.com/slack-go/slack/issues/1571
        """
        doing = f"take back a reply whose thread {thread.ref} was deleted"
        act(doing, self._client.chat_delete, channel=thread.channel, ts=ts)
        raise ActionRejected(
            f"slack: could not post to {thread.ref}: the message that it answers was deleted;"
            " nothing is to be done"
        )


def act(doing: str, method: Callable[..., SlackResponse], **arguments: Any) -> Json:
    """Call a method that changes something in Slack."""
    with border(doing, acts=True):
        return _json(method(**arguments))


def read(doing: str, method: Callable[..., SlackResponse], **arguments: Any) -> Json:
    """Call a method that only looks."""
    with border(doing, acts=False):
        return _json(method(**arguments))


def metadata(mark: Mark, part: int, parts: int) -> Json:
    payload = {
        "effect": mark.key,
        "flow": mark.flow,
        "depth": mark.depth,
        "part": part,
        "parts": parts,
    }
    return {"event_type": EFFECT, "event_payload": payload}


def _shown(channel: str, text: str, metadata: Json) -> Json:
    return {
        "channel": channel,
        "text": text,
        "metadata": metadata,
        "parse": "none",
        "link_names": False,
    }


def blocks(text: str) -> list[Json]:
    return [{"type": "markdown", "text": text}]


def _is_of(message: Json, mark: Mark) -> bool:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return metadata.get("event_type") == EFFECT and payload.get("effect") == mark.key


def _json(response: SlackResponse) -> Json:
    data: Json = response.data if isinstance(response.data, dict) else {}
    return data
