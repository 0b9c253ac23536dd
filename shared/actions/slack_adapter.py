"""Replies and reactions on Slack through the Slack SDK, each found again by its metadata."""

import logging
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, NamedTuple

from slack_sdk.web import SlackResponse, WebClient

from shared.actions import Action, Json, Mark, Query, Receipt
from shared.actions.slack import React, Reply
from shared.actions.slack_errors import SlackRefused, border
from shared.actions.slack_text import pieces, plain
from shared.errors import ActionRejected, ActionUnavailable, EffectUnknown, SettingsError
from shared.events import Message, Thread
from shared.settings import Settings

#: The event type of the metadata in every message that the agent posts.
EFFECT = "agent_flows_effect"
#: Seconds for one call to Slack.
TIMEOUT = 10
_REAL = "https://slack.com/api/"
#: What Slack says of blocks that it does not take.
_BLOCKS = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"}


class _Identity(NamedTuple):
    """Who the bot is: as an app that posts, and as a user who reacts."""

    bot: str
    user: str


class SlackAdapter:
    """Performs `Reply` and `React` with the bot token of the settings.

    One process shares one adapter between its threads.
    """

    def __init__(self, settings: Settings, timeout: int = TIMEOUT) -> None:
        url = settings.slack_api_url
        if not url.startswith(("http://", "https://")):
            raise SettingsError(f"SLACK_API_URL is {url!r}; expected something like {_REAL}")
        self._client = WebClient(
            token=settings.require("slack_bot_token"),
            base_url=url,
            timeout=timeout,
            logger=_silent_logger(),
            retry_handlers=[],  # the effect is what retries
        )
        # The SDK takes HTTPS_PROXY also for addresses that NO_PROXY names; urllib does it right.
        self._client.proxy = None

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        """Post the reply, or what is missing of it, or put the reaction."""
        match action:
            case Reply():
                return self._reply(action, mark)
            case React():
                return self._react(action)
        raise ActionRejected(f"slack: cannot do {type(action).__name__}; use Reply or React")

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        """Look whether the whole of the effect is there. A reply of which pieces are missing is
        not; `perform` then posts those only."""
        try:
            match action:
                case Reply():
                    return self._find_reply(action, mark)
                case React():
                    return self._find_reaction(action)
        except ActionRejected as err:
            raise EffectUnknown(f"{err}; until then look at {action.target.ref} yourself") from err
        raise EffectUnknown(f"slack: cannot look for {type(action).__name__}; use Reply or React")

    def read(self, query: Query) -> Any:
        raise ActionRejected(
            f"slack: cannot answer {type(query).__name__}; shared/actions/slack.py has no queries"
        )

    def _reply(self, reply: Reply, mark: Mark) -> Receipt:
        texts = pieces(reply.text)
        # A short reply is posted at once. `find` has been asked before a second try.
        posted = self._posted(reply.thread, mark) if len(texts) > 1 else {}
        try:
            for part, text in enumerate(texts):
                if part not in posted:
                    metadata = _metadata(mark, part, len(texts))
                    posted[part] = self._post(reply.thread, text, metadata)
        except ActionUnavailable as err:
            err.sent = err.sent or bool(posted)
            raise
        return _receipt(reply.thread, posted)

    def _find_reply(self, reply: Reply, mark: Mark) -> Receipt | None:
        posted = self._posted(reply.thread, mark)
        complete = len(posted) == len(pieces(reply.text))
        return _receipt(reply.thread, posted) if complete else None

    def _posted(self, thread: Thread, mark: Mark) -> dict[int, str]:
        """The time stamps of the pieces of an effect that are in the thread, by their number.

        Anyone in the workspace can post the same metadata, so only the bot's own messages count.
        """
        found: dict[int, str] = {}
        cursor = ""
        while True:
            try:
                page = self._read(
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
                    return found
                raise
            for message in page["messages"]:
                if message.get("bot_id") == self._identity.bot and _is_of(message, mark):
                    part = message["metadata"]["event_payload"].get("part", 0)
                    found.setdefault(part, message["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return found

    def _post(self, thread: Thread, text: str, metadata: Json) -> str:
        """Post one message into the thread and return its time stamp."""
        message: Json = {
            "channel": thread.channel,
            "thread_ts": thread.ts,
            "text": plain(text),
            "metadata": metadata,
            "parse": "none",
            "link_names": False,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        # Not chat_postMessage(), which warns of a blank text; Slack's own answer is plainer.
        post = partial(self._act, f"post to {thread.ref}", self._client.api_call)
        try:
            blocks = [{"type": "markdown", "text": text}]
            answer = post(api_method="chat.postMessage", json={**message, "blocks": blocks})
        except SlackRefused as err:
            if err.code not in _BLOCKS:
                raise
            # Better without its format than not at all.
            answer = post(api_method="chat.postMessage", json=message)
        if "thread_ts" not in answer["message"]:  # Slack says ok, and posts it outside
            self._withdraw(thread, answer["ts"])
        return str(answer["ts"])

    def _withdraw(self, thread: Thread, ts: str) -> None:
        """Take back what Slack put into the channel because the thread is gone; raises
        ActionRejected.

        https://github.com/slack-go/slack/issues/1571
        """
        doing = f"take back a reply whose thread {thread.ref} was deleted"
        self._act(doing, self._client.chat_delete, channel=thread.channel, ts=ts)
        raise ActionRejected(
            f"slack: could not post to {thread.ref}: the message that it answers was deleted;"
            " nothing is to be done"
        )

    def _react(self, react: React) -> Receipt:
        message = react.message
        try:
            self._act(
                f"react to {message.ref}",
                self._client.reactions_add,
                channel=message.channel,
                timestamp=message.ts,
                name=react.emoji,
            )
        except SlackRefused as err:
            if err.code != "already_reacted":
                raise
        return Receipt(f"{message.ts}:{react.emoji}", _url(message))

    def _find_reaction(self, react: React) -> Receipt | None:
        message = react.message
        answer = self._read(
            f"look at the reactions to {message.ref}",
            self._client.reactions_get,
            channel=message.channel,
            timestamp=message.ts,
            full=True,
        )
        for reaction in answer["message"].get("reactions", []):
            if reaction["name"] == react.emoji and self._identity.user in reaction["users"]:
                return Receipt(f"{message.ts}:{react.emoji}", _url(message))
        return None

    @cached_property
    def _identity(self) -> _Identity:
        answer = self._read("ask who the bot is", self._client.auth_test)
        return _Identity(answer["bot_id"], answer["user_id"])

    def _act(self, doing: str, method: Callable[..., SlackResponse], **arguments: Any) -> Json:
        with border(doing, acts=True):
            return _json(method(**arguments))

    def _read(self, doing: str, method: Callable[..., SlackResponse], **arguments: Any) -> Json:
        with border(doing, acts=False):
            return _json(method(**arguments))


def _silent_logger() -> logging.Logger:
    """A logger for the SDK, which logs what we raise, bodies included, and formats every request
    for its debug log when its logger has no level of its own."""
    logger = logging.getLogger("slack_sdk.silent")
    logger.setLevel(logging.CRITICAL)
    return logger


def _metadata(mark: Mark, part: int, parts: int) -> Json:
    payload = {
        "effect": mark.key,
        "flow": mark.flow,
        "depth": mark.depth,
        "part": part,
        "parts": parts,
    }
    return {"event_type": EFFECT, "event_payload": payload}


def _is_of(message: Json, mark: Mark) -> bool:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return metadata.get("event_type") == EFFECT and payload.get("effect") == mark.key


def _receipt(thread: Thread, posted: dict[int, str]) -> Receipt:
    """What exists now: the first message is its id, all of them are its data."""
    stamps = [posted[part] for part in sorted(posted)]
    first = thread._replace(ts=stamps[0])
    return Receipt(stamps[0], _url(first), {"channel": thread.channel, "ts": stamps})


def _url(at: Thread | Message) -> str:
    """A link that opens the message in whichever Slack client the person has; it needs no call."""
    return f"https://slack.com/app_redirect?team={at.team}&channel={at.channel}&message_ts={at.ts}"


def _json(response: SlackResponse) -> Json:
    data: Json = response.data if isinstance(response.data, dict) else {}
    return data
