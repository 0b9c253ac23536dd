"""The bot's calls to Slack: it posts, changes and removes messages, and finds them by metadata."""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple

from slack_sdk.web import SlackResponse

from shared.actions import Mark
from shared.actions.slack.bot_client import BotClient
from shared.actions.slack.errors import SlackEndless, SlackRefused, border
from shared.actions.slack.text import brief, plain
from shared.errors import ActionRejected, SettingsError
from shared.events import Json, SlackMessage, Thread
from shared.marks import EFFECT
from shared.paging import pages
from shared.settings import Credential, Settings

_REAL = "https://slack.com/api/"
#: At most so many pages of a list are read: 100,000 channels, or messages of a thread.
PAGES = 100
#: Slack loads no page and no picture for what we say.
NO_UNFURL = {"unfurl_links": False, "unfurl_media": False}
#: Slack's errors for blocks that it does not take.
_BLOCKS = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"}


class BotIdentity(NamedTuple):
    """The app that posts, the workspace that it is in, and its user there."""

    bot: str
    team: str
    user: str = ""


class SlackSession:
    """Each method is one call to Slack, as the bot of one installation. Threads may share it."""

    #: The app is declared an agent, as far as Slack has not said otherwise.
    has_agent_sessions = True

    def __init__(
        self, settings: Settings, timeout: int, client: type[BotClient], credential: Credential
    ) -> None:
        """Raises SettingsError when the address is invalid."""
        url = settings.slack_api_url
        if not url.startswith(("http://", "https://")):
            raise SettingsError(f"SLACK_API_URL is {url!r}; expected something like {_REAL}")
        self.client = client(
            base_url=url,
            timeout=timeout,
            logger=silent_logger(),
            retry_handlers=[],  # the effect is what retries
        )
        self.client.credential = credential
        # The SDK takes HTTPS_PROXY also for addresses that NO_PROXY names; urllib does it right.
        self.client.proxy = None

    @cached_property
    def identity(self) -> BotIdentity:
        answer = read("ask who the bot is", self.client.auth_test)
        if not answer.get("bot_id"):
            raise SettingsError("SLACK_BOT_TOKEN is not a bot's; take the Bot User OAuth Token")
        return BotIdentity(answer["bot_id"], answer["team_id"], answer.get("user_id", ""))

    def post(self, thread: Thread, text: str, metadata: Json, below: Sequence[Json] = ()) -> str:
        """Post one message into the thread, with blocks `below` its text, and return its time
        stamp."""
        to = thread.ref
        answer = self._send(to, thread.channel, text, metadata, below, thread_ts=thread.ts)
        if "thread_ts" not in answer["message"]:  # Slack says ok, and posts it outside
            self._withdraw(thread, answer["ts"])
        return str(answer["ts"])

    def announce(self, channel: str, text: str, metadata: Json, below: Sequence[Json] = ()) -> str:
        """Post one message into the channel itself and return its time stamp."""
        return str(self._send(channel, channel, text, metadata, below)["ts"])

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
        }
        # Not chat_postMessage(), which warns of a blank text; Slack's own answer is plainer.
        post = partial(act, f"post to {to}", self.client.api_call)
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
        """Give a message another text, and the metadata of its effect.

        Slack shows no "(edited)", because the message has blocks.
        https://docs.slack.dev/reference/methods/chat.update
        """
        shown = [*blocks(text), *below]
        message = {**_shown(thread.channel, brief(text), metadata), "ts": ts, "blocks": shown}
        doing = f"change the reply {ts} in {thread.ref}"
        act(doing, self.client.api_call, api_method="chat.update", json=message)

    def remove(self, thread: Thread, ts: str) -> None:
        """Remove a message; raises SlackRefused when it is gone already or has to stay."""
        doing = f"take away the reply {ts} in {thread.ref}"
        act(doing, self.client.chat_delete, channel=thread.channel, ts=ts)

    def marked(self, thread: Thread, mark: Mark) -> list[tuple[int, str]]:
        """Return the number and the time stamp of each piece of an effect in the thread."""
        return [
            (message["metadata"]["event_payload"].get("part", 0), message["ts"])
            for page in self.pages(thread)
            for message in page["messages"]
            if self.is_of(message, mark)
        ]

    def is_of(self, message: Json, mark: Mark) -> bool:
        """Tell whether the effect made this message. Only the bot's messages count, since anyone in
        the workspace can post the same metadata."""
        return self.is_ours(message) and _is_of(message, mark)

    def is_ours(self, message: Json) -> bool:
        return bool(message.get("bot_id") == self.identity.bot)

    def pages(self, thread: Thread) -> Iterator[Json]:
        """Yield the pages of a thread, oldest first."""
        try:
            yield from self.listed(
                f"look into thread {thread.ref}",
                self.client.conversations_replies,
                channel=thread.channel,
                ts=thread.ts,
                include_all_metadata=True,
                limit=1000,
            )
        except SlackRefused as err:
            if err.code != "thread_not_found":  # deleted, and with it what was in it
                raise

    def listed(
        self, doing: str, method: Callable[..., SlackResponse], most: int = PAGES, **arguments: Any
    ) -> Iterator[Json]:
        """Yield the pages of a list; raises SlackEndless when there are more than `most`."""

        def fetch(cursor: str) -> Json:
            return read(doing, method, cursor=cursor or None, **arguments)

        return pages(
            fetch,
            lambda page: (page.get("response_metadata") or {}).get("next_cursor") or None,
            "",
            most=most,
            endless=lambda why: SlackEndless(f"slack: could not {doing}: {why}"),
        )

    def _withdraw(self, thread: Thread, ts: str) -> None:
        """Remove a message that Slack put into the channel because the thread is gone; raises
        ActionRejected.

        https://github.com/slack-go/slack/issues/1571
        """
        doing = f"take back a reply whose thread {thread.ref} was deleted"
        act(doing, self.client.chat_delete, channel=thread.channel, ts=ts)
        raise ActionRejected(
            f"slack: could not post to {thread.ref}: the message that it answers was deleted;"
            " no action is needed"
        )


def act(doing: str, method: Callable[..., SlackResponse], **arguments: Any) -> Json:
    """Call a method that changes something on Slack."""
    with border(doing, acts=True):
        return _json(method(**arguments))


def read(doing: str, method: Callable[..., SlackResponse], **arguments: Any) -> Json:
    """Call a method that only reads."""
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
        **NO_UNFURL,
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


def link(at: Thread | SlackMessage) -> str:
    """Return a link that opens the message in the person's Slack client; it needs no call."""
    return f"https://slack.com/app_redirect?team={at.team}&channel={at.channel}&message_ts={at.ts}"


def silent_logger() -> logging.Logger:
    """Return a logger that silences the SDK, which would log errors with their bodies and format
    every request for its debug log."""
    logger = logging.getLogger("slack_sdk.silent")
    logger.setLevel(logging.CRITICAL)
    return logger
