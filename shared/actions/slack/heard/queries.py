"""The queries about what people said and sent, as values."""

from shared.actions import Query
from shared.actions.slack.actions import OnSlack
from shared.events import Json, Thread
from shared.frozen import frozen


@frozen
class ReadSince(OnSlack, Query):
    """Ask what was said in the conversation of a message from that message on, as `{"items":
    […], "found": bool}`, oldest first and as Slack tells it. `found` is False when the message
    itself is gone. `alone` of a message outside of threads in a direct message: what follows it
    there counts."""

    thread: Thread
    ts: str
    alone: bool = False
    limit: int = 30

    @property
    def scope(self) -> str:
        return self.thread.scope

    @property
    def arguments(self) -> Json:
        return {"thread": self.thread.ref, "since": self.ts, "limit": self.limit}


@frozen
class ReadSlackFile(OnSlack, Query):
    """Ask for the bytes of a file that somebody put into a conversation, as `{"data": …}` in
    base64, or `{"note": …}`, the reason why there are none. Without a `url` Slack is asked for it;
    at most `most` bytes are read."""

    thread: Thread
    file: str
    url: str = ""
    size: int = 0
    most: int = 10_000_000

    @property
    def scope(self) -> str:
        return self.thread.scope

    @property
    def arguments(self) -> Json:
        return {"thread": self.thread.ref, "file": self.file, "most": self.most}


@frozen
class ReadLinked(OnSlack, Query):
    """Ask for a message that somebody links to in a thread, as `{"author", "text", "at"}`, or
    `{"note": …}`. Only what was said to one of the `audiences`, which the readers of the thread
    belong to, is told there. `root` is the time stamp of the thread that the message is in."""

    thread: Thread
    channel: str
    ts: str
    root: str
    audiences: tuple[str, ...]

    @property
    def scope(self) -> str:
        return self.thread.scope

    @property
    def arguments(self) -> Json:
        return {
            "thread": self.thread.ref,
            "message": f"{self.channel}/{self.ts}",
            "root": self.root,
            "audiences": list(self.audiences),
        }


@frozen
class ReadSpan(OnSlack, Query):
    """Ask what people said in a `channel` (an id or `#name`), or in one `thread` of it, from
    `oldest` on and before `latest`, for a `user` who asks in the channel `here`. `among` names the
    threads whose replies are read; without it those with most replies are.

    The answer is `{"items": [{"author", "text", "at", "root", "replies"} …], "complete": bool,
    "channel", "audience", "name"}`, oldest first, each thread in one piece, without what apps say
    and who joins; or `{"note": …}` when it is not told. `audience` is who reads the channel; '' for
    `here`.
    """

    team: str
    here: str
    user: str
    channel: str
    thread: str = ""
    oldest: str = ""
    latest: str = ""
    among: tuple[str, ...] | None = None
    limit: int = 400

    @property
    def scope(self) -> str:
        return f"slack:{self.team}:{self.here}"

    @property
    def arguments(self) -> Json:
        among = {} if self.among is None else {"among": list(self.among)}
        return {
            "user": self.user,
            "channel": self.channel,
            "thread": self.thread,
            "oldest": self.oldest,
            "latest": self.latest,
            "limit": self.limit,
            **among,
        }


@frozen
class SearchSlack(OnSlack, Query):
    """Ask for messages in the workspace's public channels that no other company reads, best first,
    as `[{"channel", "name", "ts", "author", "text", "url"} …]`: what everybody in the workspace
    may see. The person who wrote the event lends its `token` for that."""

    team: str
    channel: str
    words: str
    token: str
    limit: int = 6

    @property
    def scope(self) -> str:
        return f"slack:{self.team}:{self.channel}"

    @property
    def arguments(self) -> Json:
        return {"words": self.words, "limit": self.limit}  # no token: nothing may keep it
