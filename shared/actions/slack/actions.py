"""What a flow may do on Slack, as values."""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

from shared.actions import Action, Adapter, Permission
from shared.events import Event, Json, ResponseUrl, SlackMessage, Thread

if TYPE_CHECKING:
    from shared.settings import Settings

#: How Slack writes the id of a channel.
_ID = re.compile(r"[CG][A-Z0-9]{8,}")


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
    """What every action and query on Slack shares."""

    @staticmethod
    def connect(settings: "Settings") -> Adapter:
        """Build the adapter; imports the Slack SDK only now."""
        from shared.actions.slack.adapter import SlackAdapter

        return SlackAdapter(settings)


class _Act(OnSlack):
    """What every action on Slack shares."""

    idempotent: ClassVar[bool] = False

    @property
    def weight(self) -> int:
        return 1

    def signed(self, footer: str) -> Self:
        return self

    @classmethod
    def at_most(cls: type[Action], limit: int) -> Permission:
        return Permission(cls, limit)

    def drafted(self, text: str) -> Action | None:
        return None

    @classmethod
    def notice(cls, event: Event, text: str) -> Self | None:
        return None


@dataclass(frozen=True)
class Reply(_Act):
    """Post into a thread. `text` is Markdown; broadcasts and mentions in it are made harmless."""

    thread: Thread
    text: str

    @property
    def target(self) -> Thread:
        return self.thread

    @property
    def arguments(self) -> Json:
        return {"text": self.text}

    def signed(self, footer: str) -> Self:
        return replace(self, text=f"{self.text}\n\n_{footer}_")

    def drafted(self, text: str) -> Action | None:
        return Draft(self.thread, text)

    @classmethod
    def notice(cls, event: Event, text: str) -> Self | None:
        return cls(event.thread_target, text) if event.thread_target else None


@dataclass(frozen=True)
class Draft(_Act):
    """Show in the thread what there is of a reply so far, in a message that the reply will take
    over. Without a text it is taken away. Flows do not use it: `converse` does."""

    thread: Thread
    text: str

    @property
    def target(self) -> Thread:
        return self.thread

    @property
    def arguments(self) -> Json:
        return {"text": self.text}


@dataclass(frozen=True)
class React(_Act):
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


@dataclass(frozen=True)
class Post(_Act):
    """Post into a channel, as a message of its own; what is longer than one goes into its thread.

    A channel is never the place that an event came from, so `at_most` allows none: name them with
    `to`, or allow `anywhere` where a person consents to each post.
    """

    channel: Channel
    text: str

    @property
    def target(self) -> Channel:
        return self.channel

    @property
    def arguments(self) -> Json:
        return {"text": self.text}

    def signed(self, footer: str) -> Self:
        return replace(self, text=f"{self.text}\n\n_{footer}_")

    @classmethod
    def to(cls, *channels: str, limit: int) -> Permission:
        """Allow posts into these channels, each by its id or as `#name`."""
        return Permission(cls, limit, frozenset(Channel.named(one).scope for one in channels))

    @classmethod
    def anywhere(cls, limit: int) -> Permission:
        """Allow posts into every channel that the bot is in."""
        return Permission(cls, limit, None)


@dataclass(frozen=True)
class ReadThread(OnSlack):
    """Query: a thread, as `{"items": [{"author", "text", "at"} …], "complete": bool}`, oldest
    first. When it is too long the first message and the newest ones are there."""

    thread: Thread
    limit: int = 100

    @property
    def scope(self) -> str:
        return self.thread.scope

    @property
    def arguments(self) -> dict[str, Any]:
        return {"thread": self.thread.ref, "limit": self.limit}


@dataclass(frozen=True)
class Whisper(_Act):
    """Answer a slash command, so that only who gave it sees it. Shown twice it does no harm, and
    Slack lets nobody look for it, so it is simply done again after a crash."""

    idempotent = True
    response: ResponseUrl
    text: str

    @property
    def target(self) -> ResponseUrl:
        return self.response

    @property
    def arguments(self) -> Json:
        return {"text": self.text}

    def signed(self, footer: str) -> Self:
        return replace(self, text=f"{self.text}\n\n_{footer}_")

    @classmethod
    def notice(cls, event: Event, text: str) -> Self | None:
        return cls(event.response_target, text) if event.response_target else None


class Button(NamedTuple):
    """What people may press under a message. `value`, at most 2,000 characters, comes back as the
    text of a `slack.block_actions`."""

    label: str
    value: str
    emphasis: Literal["", "primary", "danger"] = ""


@dataclass(frozen=True)
class Card(_Act):
    """Show a message in the thread that exists once by its `name` and is edited in place. `text` is
    Markdown, of which one message's worth is shown."""

    thread: Thread
    name: str
    text: str
    buttons: tuple[Button, ...] = ()

    @property
    def target(self) -> Thread:
        return self.thread

    @property
    def arguments(self) -> Json:
        buttons = [button._asdict() for button in self.buttons]
        return {"name": self.name, "text": self.text, "buttons": buttons}
