"""Tools for Slack: read the thread of the event, and write there or into a channel."""

from typing import cast

from shared.actions.slack.actions import Channel, Post, ReadThread, Reply
from shared.agent.agent import Agent
from shared.events import Event
from shared.frozen import frozen
from shared.models.answers.typed import convert
from shared.planning.declaration import reads, writes


@frozen
class ThreadMessage:
    """`author` is an id, `at` the message's time stamp."""

    author: str
    text: str
    at: str


@frozen
class ThreadRead:
    items: tuple[ThreadMessage, ...]
    complete: bool


@reads(needs="thread")
def read_thread(agent: Agent, limit: int = 100) -> ThreadRead:
    """Read this Slack thread: its first message and the newest ones."""
    found = agent.read(ReadThread(agent.event.thread, limit))
    return cast("ThreadRead", convert(ThreadRead, found))


@writes(Reply, content=("text",), needs="thread")
def reply(event: Event, text: str) -> Reply:
    """Post a text into this Slack thread."""
    return Reply(event.thread, text)


@writes(Post, content=("text",))
def post(event: Event, channel: str, text: str) -> Post:
    """Post a text into a Slack channel, named such as #releases, or by its id."""
    return Post(Channel.named(channel), text)
