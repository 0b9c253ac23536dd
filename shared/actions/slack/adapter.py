"""Replies, posts and reactions on Slack through the Slack SDK, each found again by its metadata."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, NamedTuple

from slack_sdk.web import WebClient
from slack_sdk.webhook import WebhookClient

from shared.actions import Action, Mark, Query, Receipt
from shared.actions.slack.actions import (
    Button,
    Card,
    Draft,
    Post,
    React,
    ReadThread,
    Reply,
    Whisper,
)
from shared.actions.slack.channels import Channels
from shared.actions.slack.errors import SlackRefused, border
from shared.actions.slack.messages import Messages, act, blocks, metadata, read
from shared.actions.slack.text import pieces, plain, unfinished
from shared.errors import ActionRejected, ActionUnavailable, EffectUnknown, SettingsError
from shared.events import Json, SlackMessage, Thread
from shared.settings import Settings

#: Seconds for one call to Slack.
TIMEOUT = 10
_REAL = "https://slack.com/api/"


class _Identity(NamedTuple):
    """Who the bot is: as an app that posts, and as a user who reacts."""

    bot: str
    user: str
    team: str


class SlackAdapter:
    """Performs `Reply`, `Post` and `React` with the bot token of the settings.

    One process shares one adapter between its threads.
    """

    def __init__(
        self, settings: Settings, timeout: int = TIMEOUT, client: type[WebClient] = WebClient
    ) -> None:
        url = settings.slack_api_url
        if not url.startswith(("http://", "https://")):
            raise SettingsError(f"SLACK_API_URL is {url!r}; expected something like {_REAL}")
        self._client = client(
            token=settings.require("slack_bot_token"),
            base_url=url,
            timeout=timeout,
            logger=_silent_logger(),
            retry_handlers=[],  # the effect is what retries
        )
        # The SDK takes HTTPS_PROXY also for addresses that NO_PROXY names; urllib does it right.
        self._client.proxy = None
        self._messages = Messages(self._client, lambda: self._identity.bot)
        self._channels = Channels(self._client, self._messages, lambda: self._identity.team)

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        """Post the reply, or what is missing of it, or put the reaction, or show a draft.

        When `previous` is the receipt of a draft, the reply takes its place.
        """
        match action:
            case Reply():
                return self._reply(action, mark, _drafts(previous))
            case Draft():
                return self._draft(action, mark, _drafts(previous))
            case React():
                return self._react(action)
            case Whisper():
                return self._whisper(action)
            case Post():
                return self._channels.post(action, mark)
            case Card():
                return self._card(action, mark, previous)
        raise ActionRejected(f"slack: cannot do {type(action).__name__}; use Reply, Post or React")

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        """Look whether the whole of the effect is there. A reply of which pieces are missing is
        not; `perform` then posts those only."""
        try:
            match action:
                case Reply():
                    return self._find_reply(action, mark)
                case Draft():
                    return self._find_draft(action, mark)
                case React():
                    return self._find_reaction(action)
                case Post():
                    return self._channels.find(action, mark)
                case Card():
                    return self._find_card(action, mark)
        except ActionRejected as err:
            raise EffectUnknown(f"{err}; until then look at {action.target.ref} yourself") from err
        raise EffectUnknown(
            f"slack: cannot look for {type(action).__name__}; use Reply, Post or React"
        )

    def read(self, query: Query) -> Any:
        if isinstance(query, ReadThread):
            return self._channels.thread(query)
        raise ActionRejected(f"slack: cannot answer {type(query).__name__}; use ReadThread")

    def _reply(self, reply: Reply, mark: Mark, drafts: list[str]) -> Receipt:
        thread, texts = reply.thread, pieces(reply.text)
        # A short reply is posted at once. `find` has been asked before a second try.
        posted = self._posted(thread, mark) if len(texts) > 1 else {}
        drafts = [ts for ts in drafts if ts not in posted.values()]
        first = drafts.pop(0) if drafts and 0 not in posted else ""
        try:
            self._take_away(thread, drafts)
            for part, text in enumerate(texts):
                if part not in posted:
                    about = metadata(mark, part, len(texts))
                    posted[part] = self._become(thread, "" if part else first, text, about)
        except ActionUnavailable as err:
            err.sent = err.sent or bool(posted)
            raise
        return _receipt(thread, posted)

    def _become(self, thread: Thread, draft: str, text: str, about: Json) -> str:
        """Turn the draft into a piece of the reply, or post that piece, and return where it is."""
        if draft:
            try:
                self._messages.change(thread, draft, text, about)
                return draft
            except SlackRefused:  # somebody deleted it, or Slack takes no more changes
                self._take_away(thread, [draft])
        return self._messages.post(thread, text, about)

    def _find_reply(self, reply: Reply, mark: Mark) -> Receipt | None:
        posted = self._posted(reply.thread, mark)
        complete = len(posted) == len(pieces(reply.text))
        return _receipt(reply.thread, posted) if complete else None

    def _posted(self, thread: Thread, mark: Mark) -> dict[int, str]:
        """The time stamps of the pieces of an effect that are in the thread, by their number."""
        found: dict[int, str] = {}
        for part, ts in self._messages.marked(thread, mark):
            found.setdefault(part, ts)
        return found

    def _draft(self, draft: Draft, mark: Mark, drafts: list[str]) -> Receipt:
        """Show the text in the first of `drafts`, in a new message when there is none, or take them
        all away."""
        thread = draft.thread
        if not draft.text:
            self._take_away(thread, drafts)
            return _draft_receipt(thread, [])
        text, about = unfinished(draft.text), metadata(mark, 0, 1)
        if not drafts:
            return _draft_receipt(thread, [self._messages.post(thread, text, about)])
        # With its metadata: a change that arrives late must not pass for the finished reply.
        self._messages.change(thread, drafts[0], text, about)
        return _draft_receipt(thread, drafts)

    def _find_draft(self, draft: Draft, mark: Mark) -> Receipt | None:
        found = [ts for _, ts in self._messages.marked(draft.thread, mark)]
        return _draft_receipt(draft.thread, found) if found else None

    def _take_away(self, thread: Thread, drafts: list[str]) -> None:
        for ts in drafts:
            # Refused because it is gone, or because it has to stay, which nobody can help.
            with suppress(SlackRefused):
                self._messages.remove(thread, ts)

    def _react(self, react: React) -> Receipt:
        message = react.message
        try:
            act(
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

    def _whisper(self, whisper: Whisper) -> Receipt:
        """Post what Slack takes in answer to a command or a click: five times in half an hour.
        https://docs.slack.dev/interactivity/handling-user-interaction#message_responses"""
        client = WebhookClient(
            whisper.response.url, self._client.timeout, logger=_silent_logger(), retry_handlers=[]
        )
        client.proxy = None
        doing = f"answer a command in {whisper.response.ref}"
        for text in pieces(whisper.text)[:5]:
            body = {"response_type": "ephemeral", "text": plain(text), "blocks": blocks(text)}
            with border(doing, acts=True):
                status = client.send_dict(body).status_code
            if status == 429 or status >= 500:
                raise ActionUnavailable(f"slack: could not {doing}: HTTP {status}", sent=False)
            if status != 200:
                raise ActionRejected(
                    f"slack: could not {doing}: HTTP {status}; the command is older than 30 minutes"
                    " or was answered five times, so give it again"
                )
        return Receipt("")

    def _card(self, card: Card, mark: Mark, previous: Receipt | None) -> Receipt:
        """Edit the message that `previous` tells of, if it has this name and is still there."""
        texts, about = pieces(card.text), metadata(mark, 0, 1)
        text = texts[0] if len(texts) == 1 else unfinished(card.text)
        below = [_buttons(card.buttons)] if card.buttons else []
        if previous and (previous.data or {}).get("name") == card.name:
            try:
                self._messages.change(card.thread, previous.id, text, about, below)
                return previous
            except SlackRefused as err:
                if err.code != "message_not_found":
                    raise
        return _carded(card, self._messages.post(card.thread, text, about, below))

    def _find_card(self, card: Card, mark: Mark) -> Receipt | None:
        found = [ts for _, ts in self._messages.marked(card.thread, mark)]
        return _carded(card, found[0]) if found else None

    def _find_reaction(self, react: React) -> Receipt | None:
        message = react.message
        answer = read(
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
        answer = read("ask who the bot is", self._client.auth_test)
        return _Identity(answer["bot_id"], answer["user_id"], answer["team_id"])


def _silent_logger() -> logging.Logger:
    """A logger for the SDK, which logs what we raise, bodies included, and formats every request
    for its debug log when its logger has no level of its own."""
    logger = logging.getLogger("slack_sdk.silent")
    logger.setLevel(logging.CRITICAL)
    return logger


def _receipt(thread: Thread, posted: dict[int, str]) -> Receipt:
    """What exists now: the first message is its id, all of them are its data."""
    stamps = [posted[part] for part in sorted(posted)]
    first = thread._replace(ts=stamps[0])
    return Receipt(stamps[0], _url(first), {"channel": thread.channel, "ts": stamps})


def _draft_receipt(thread: Thread, stamps: list[str]) -> Receipt:
    """Where a draft stands; there can be more than one after a crash."""
    return Receipt(stamps[0] if stamps else "", data={"channel": thread.channel, "draft": stamps})


def _carded(card: Card, ts: str) -> Receipt:
    return Receipt(ts, _url(card.thread._replace(ts=ts)), {"name": card.name})


def _buttons(buttons: Sequence[Button]) -> Json:
    """https://docs.slack.dev/reference/block-kit/block-elements/button-element"""
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
    return {"type": "actions", "elements": elements}


def _drafts(previous: Receipt | None) -> list[str]:
    return list((previous.data or {}).get("draft", ())) if previous else []


def _url(at: Thread | SlackMessage) -> str:
    """A link that opens the message in whichever Slack client the person has; it needs no call."""
    return f"https://slack.com/app_redirect?team={at.team}&channel={at.channel}&message_ts={at.ts}"
