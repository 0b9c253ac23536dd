"""Posts into channels, each found again by its metadata, and reads threads."""

import time
from collections.abc import Callable
from html import unescape

from slack_sdk.web import WebClient

from shared.actions import Mark, Receipt
from shared.actions.slack.actions import Post, ReadThread
from shared.actions.slack.messages import Messages, metadata, read
from shared.actions.slack.text import pieces
from shared.errors import ActionRejected, ActionUnavailable, EffectUnknown
from shared.events import Json, Thread

#: How far back to look for a post, in seconds: no event lives longer, so nor does an effect's try.
_LIFE = 30 * 86_400
#: So many pages of a channel, and of a thread, are looked through. Slack takes less than 1000 of
#: anything a page. https://docs.slack.dev/reference/methods/conversations.history
_PAGES, _PAGE = 5, 999
#: Characters of one message.
_SAID = 3_000


class Channels:
    """`team` tells the workspace that the bot is in. Threads may share it."""

    def __init__(self, client: WebClient, messages: Messages, team: Callable[[], str]) -> None:
        self._client = client
        self._messages = messages
        self._team = team

    def post(self, action: Post, mark: Mark) -> Receipt:
        """Post it, or what is missing of it: the first piece into the channel, the others into its
        thread."""
        channel, texts = self._id(action), pieces(action.text)
        # A short post is sent at once. `find` has been asked before a second try.
        root = self._root(channel, mark) if len(texts) > 1 else ""
        root = root or self._messages.announce(channel, texts[0], metadata(mark, 0, len(texts)))
        thread = Thread(self._team(), channel, root)
        try:
            posted = dict(self._messages.marked(thread, mark)) if len(texts) > 1 else {0: root}
            for part, text in enumerate(texts):
                if part not in posted:
                    about = metadata(mark, part, len(texts))
                    posted[part] = self._messages.post(thread, text, about)
        except ActionUnavailable as err:
            err.sent = True  # the first piece is there
            raise
        return _receipt(thread)

    def find(self, action: Post, mark: Mark) -> Receipt | None:
        """Look whether all pieces are there; raises EffectUnknown when too much was said since."""
        channel, texts = self._id(action), pieces(action.text)
        root = self._root(channel, mark)
        if not root:
            return None
        thread = Thread(self._team(), channel, root)
        if len(texts) > 1 and len(dict(self._messages.marked(thread, mark))) < len(texts):
            return None
        return _receipt(thread)

    def thread(self, query: ReadThread) -> Json:
        """Return what is said in a thread, without what the platform adds to it."""
        said: list[Json] = []
        complete = True
        for number, page in enumerate(self._messages.pages(query.thread)):
            if number == _PAGES:
                complete = False
                break
            said += page["messages"]
        if not said:
            raise ActionRejected(
                f"slack: could not read thread {query.thread.ref}: it is not there"
            )
        limit = max(query.limit, 1)
        kept = said if len(said) <= limit else [said[0], *said[len(said) - limit + 1 :]]
        return {
            "items": [_said(message) for message in kept],
            "complete": complete and len(said) <= limit,
        }

    def _id(self, action: Post) -> str:
        """The id of the channel; raises ActionRejected when the bot sees none of that name."""
        name = action.channel.name
        if not name.startswith("#"):
            return name
        cursor = ""
        while True:
            page = read(
                f"find channel {name}",
                self._client.conversations_list,
                types="public_channel,private_channel",
                limit=_PAGE,
                cursor=cursor or None,
            )
            for channel in page["channels"]:
                if channel.get("name") == name[1:]:
                    return str(channel["id"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                raise ActionRejected(
                    f"slack: could not find channel {name}: the app sees none of that name;"
                    " invite the app to the channel (/invite @app), or name it by its id"
                )

    def _root(self, channel: str, mark: Mark) -> str:
        """The time stamp of the effect's first message in the channel; empty when there is none."""
        cursor = ""
        for _ in range(_PAGES):
            page = read(
                f"look into channel {channel}",
                self._client.conversations_history,
                channel=channel,
                oldest=f"{time.time() - _LIFE:.6f}",
                include_all_metadata=True,
                limit=_PAGE,
                cursor=cursor or None,
            )
            for message in page["messages"]:
                if self._messages.is_of(message, mark):
                    return str(message["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return ""
        raise EffectUnknown(
            f"slack: channel {channel} has more than {_PAGES * _PAGE} new messages, and the newest"
            f" of them do not hold effect {mark.key[:12]}; look for it there"
        )


def _said(message: Json) -> Json:
    text = unescape(message.get("text", ""))
    return {
        "author": message.get("user") or message.get("bot_id", ""),
        "text": text if len(text) <= _SAID else f"{text[: _SAID - 1]}…",
        "at": message["ts"],
    }


def _receipt(thread: Thread) -> Receipt:
    address = f"team={thread.team}&channel={thread.channel}&message_ts={thread.ts}"
    url = f"https://slack.com/app_redirect?{address}"
    return Receipt(thread.ts, url, {"channel": thread.channel, "ts": thread.ts})
