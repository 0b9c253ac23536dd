"""The actions that a flow may take on Slack, and the queries that it may ask there, as values."""

import re
from dataclasses import field, replace
from typing import ClassVar, Literal, NamedTuple, Self

from shared.actions import WAITING, Action, Permission, Query
from shared.events import Event, Json, ResponseUrl, SlackMessage, Thread
from shared.frozen import frozen
from shared.marks import UNRECORDED
from shared.patterns import lazily

#: Characters of the title of a session: enough to know it by.
_TITLE = 80
#: How Slack writes the id of a channel.
_ID = lazily(r"[CG][A-Z0-9]{8,}")


class Channel(NamedTuple):
    """A channel of the workspace that the bot is in, as a target: its id or its name with a #."""

    name: str

    @property
    def ref(self) -> str:
        return f"slack/{self.name}"

    @property
    def scope(self) -> str:
        return f"slack:{self.name}"

    @classmethod
    def named(cls, text: str) -> Self:
        """Read what people write: `#Releases`, `releases`, `C0123ABCD`, `<#C0123ABCD|releases>`."""
        if linked := re.fullmatch(r"<#([CG][A-Z0-9]+)(?:\|[^>]*)?>", text.strip()):
            return cls(linked[1])
        name = text.strip().removeprefix("#")
        return cls(name if _ID.fullmatch(name) else f"#{name.lower()}")


class OnSlack:
    """Shared by every action and query on Slack."""

    connector: ClassVar[str] = "shared.actions.slack:connect"


class _Written(OnSlack, Action):
    """Shared by every action that is one text. What is `unrecorded` stands in it only as people
    read it, and an attempt after a crash may bring another."""

    text: str
    unrecorded: str = ""

    @property
    def told(self) -> str:
        """The text as people read it."""
        return self.text.replace(UNRECORDED, self.unrecorded) if self.unrecorded else self.text

    @property
    def arguments(self) -> Json:
        return {"text": self.text}


class Button(NamedTuple):
    """A button under a message. A press comes back as a `slack.block_actions` event whose text is
    `value`, at most 2,000 characters."""

    label: str
    value: str
    emphasis: Literal["", "primary", "danger"] = ""


@frozen
class Reply(_Written):
    """Post into a thread. `text` is Markdown; its broadcasts and mentions are made harmless. Under
    its end stand the buttons, and 👍 👎 if people should say what they make of it."""

    thread: Thread
    text: str
    buttons: tuple[Button, ...] = ()
    rated: bool = False
    unrecorded: str = field(default="", repr=False)

    @property
    def arguments(self) -> Json:
        buttons = [button._asdict() for button in self.buttons]
        below = {"buttons": buttons} if buttons else {}
        return {"text": self.text} | below | ({"rated": True} if self.rated else {})

    def retried(self, run: str) -> Self:
        return replace(self, buttons=(*self.buttons, Button("Retry", f"retry {run}")))

    @property
    def target(self) -> Thread:
        return self.thread

    def signed(self, footer: str) -> Self:
        return replace(self, text=_signed(self.text, footer))

    def drafted(self, text: str) -> Action | None:
        return Draft(self.thread, text, streams=not text.startswith(WAITING))

    @classmethod
    def presence(cls, event: Event, standing: str) -> Action | None:
        thread, title = event.thread_target, " ".join(event.text.split())[:_TITLE]
        return ShowStatus(thread, standing, title) if thread else None

    @classmethod
    def notice(cls, event: Event, text: str) -> Self | None:
        return cls(event.thread_target, text) if event.thread_target else None


@frozen
class Correct(_Written):
    """Give a reply another text: its messages, named by their time stamps, are edited in place.
    Where Slack takes no more changes the text is posted anew."""

    thread: Thread
    stamps: tuple[str, ...]
    text: str

    @property
    def target(self) -> Thread:
        return self.thread

    @property
    def arguments(self) -> Json:
        return {"text": self.text, "stamps": list(self.stamps)}

    def signed(self, footer: str) -> Self:
        return replace(self, text=_signed(self.text, footer))


@frozen
class ShowStatus(OnSlack, Action):
    """Show under a thread how the run for it stands, and in Slack's session of an agent, which a
    new one calls by the `title`. Runs that answer show it by themselves."""

    idempotent = True
    passing = True
    thread: Thread
    standing: str
    title: str = ""

    @property
    def target(self) -> Thread:
        return self.thread

    @property
    def arguments(self) -> Json:
        return {"standing": self.standing, "title": self.title}


@frozen
class Draft(_Written):
    """Show an unfinished reply in its thread, in a message that the reply will take over; without a
    text, remove it. `converse` uses it, flows do not. It `streams` where Slack lets it, unless its
    text will be replaced."""

    thread: Thread
    text: str
    streams: bool = True

    @property
    def target(self) -> Thread:
        return self.thread


@frozen
class React(OnSlack, Action):
    """Put an emoji, by its name without colons, under a message."""

    idempotent = True
    message: SlackMessage
    emoji: str

    @property
    def target(self) -> SlackMessage:
        return self.message

    @property
    def arguments(self) -> Json:
        return {"emoji": self.emoji}


@frozen
class Post(_Written):
    """Post into a channel, as a message of its own, with `buttons` below; the rest of a long text
    goes into its thread.

    Only a schedule that spreads over channels comes from one, so for other events name channels
    with `on`, or allow `anywhere` where a person consents to each post.
    """

    channel: Channel
    text: str
    buttons: tuple["Button", ...] = ()

    @property
    def target(self) -> Channel:
        return self.channel

    @property
    def arguments(self) -> Json:
        buttons = [button._asdict() for button in self.buttons]
        return {"text": self.text} | ({"buttons": buttons} if buttons else {})

    def signed(self, footer: str) -> Self:
        return replace(self, text=_signed(self.text, footer))

    @classmethod
    def anywhere(cls, limit: int) -> Permission:
        """Allow posts into every channel that the bot is in."""
        return Permission(cls, limit, None)


@frozen
class Whisper(_Written):
    """Answer a slash command or a press, so that only that person sees it. It `replaces` the
    message that was pressed, which without a text goes. Slack offers no search for whispers, and a
    second one does no harm, so a crash repeats it."""

    idempotent = True
    private = True
    response: ResponseUrl
    text: str
    replaces: bool = False
    unrecorded: str = field(default="", repr=False)

    @property
    def arguments(self) -> Json:
        return {"text": self.text} | ({"replaces": True} if self.replaces else {})

    @property
    def target(self) -> ResponseUrl:
        return self.response

    def signed(self, footer: str) -> Self:
        return self if self.replaces else replace(self, text=_signed(self.text, footer))

    @classmethod
    def notice(cls, event: Event, text: str) -> Self | None:
        return cls(event.response_target, text) if event.response_target else None


@frozen
class Card(OnSlack, Action):
    """Show the one message of this `name` in the thread, edited in place. `text` is Markdown and
    cut to one message. `ts` is its time stamp where another flow showed it."""

    edits = True
    thread: Thread
    name: str
    text: str
    buttons: tuple[Button, ...] = ()
    ts: str = ""

    @property
    def target(self) -> Thread:
        return self.thread

    @property
    def arguments(self) -> Json:
        buttons = [button._asdict() for button in self.buttons]
        about = {"ts": self.ts} if self.ts else {}
        return {"name": self.name, "text": self.text, "buttons": buttons, **about}


@frozen
class ReadThread(OnSlack, Query):
    """Ask for a thread, its first and newest messages, as `{"items": [{"author", "text", "at"} …],
    "complete": bool}`, without mentions of the agent that open one; what it said is `own`."""

    thread: Thread
    limit: int = 100

    @property
    def scope(self) -> str:
        return self.thread.scope

    @property
    def arguments(self) -> Json:
        return {"thread": self.thread.ref, "limit": self.limit}


@frozen
class _OfPerson(OnSlack, Query):
    """Shared by what is asked about a person who is in a channel."""

    team: str
    channel: str
    user: str

    @property
    def scope(self) -> str:
        return f"slack:{self.team}:{self.channel}"

    @property
    def arguments(self) -> Json:
        return {"user": self.user}


@frozen
class AskClock(_OfPerson):
    """Ask for the time zone of a person, and what they are called, as `{"zone": "Europe/Berlin",
    "shift": seconds from UTC now, "name": …}`."""


@frozen
class AskDirect(_OfPerson):
    """Ask for the direct conversation of the app with a person, as `{"channel": "D…"}`; Slack opens
    it where there is none."""


@frozen
class _OfMessage(OnSlack, Query):
    """Asks something about one message."""

    message: SlackMessage

    @property
    def scope(self) -> str:
        return self.message.scope

    @property
    def arguments(self) -> Json:
        return {"message": self.message.ref}


@frozen
class FindThread(_OfMessage):
    """Ask for the thread that a message is in, as `{"ts": …}`: the time stamp of its first message,
    which is the message's own where it is in none."""


@frozen
class FindEffect(_OfMessage):
    """Ask which of our effects wrote a message, as `{"effect": key}`; empty where none did."""


def _signed(text: str, footer: str) -> str:
    return f"{text}\n\n_{footer}_"
