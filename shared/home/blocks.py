"""The home as blocks of Slack. Texts of people stand in plain texts, where nothing is a mention.

https://docs.slack.dev/surfaces/app-home
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared.events import Json
from shared.memory.control.listing import CitedMemory

#: Characters of a memory, of a search, and of Slack's texts.
_SHOWN, _QUERY, _TEXT = 300, 200, 3_000
_STATES = {
    "done": "✅",
    "failed": "⚠️",
    "cancelled": "⏹",
    "running": "⏳",
    "retrying": "⏳",
    "parked": "⏳",
}


class HomeChannel(NamedTuple):
    """A channel where the person uses the agent; `wants` says how people there want it."""

    id: str
    repository: str
    is_quiet: bool
    wants: str


class HomeRepository(NamedTuple):
    """A repository, and how reviews were to be when it was looked at last; '' for never."""

    name: str
    reviews: str = ""


class HomeRun(NamedTuple):
    """A run that the person caused. `url` leads to its event."""

    id: str
    flow: str
    state: str
    url: str
    at: str


class Spend(NamedTuple):
    """What was spent today, and the ceiling, as people read them."""

    name: str
    spent: str
    ceiling: str


class HomeView(NamedTuple):
    """All that the home shows."""

    notice: str
    repositories: Sequence[HomeRepository]
    channels: Sequence[HomeChannel]
    commands: str
    spends: Sequence[Spend]
    query: str
    memories: Sequence[CitedMemory]
    total: int
    runs: Sequence[HomeRun]
    may_write: bool


def blocks_of(view: HomeView) -> tuple[Json, ...]:
    """Return the blocks, fewer than the hundred that Slack takes."""
    return tuple(_blocks(view))


def _blocks(view: HomeView) -> Iterator[Json]:
    if view.notice:
        yield _words(view.notice)
        yield {"type": "divider"}
    yield _header("Where I work")
    names = "\n".join(map(_repository, view.repositories))
    none = "No repository is connected yet."
    yield _words(f"Connected repositories:\n{names}" if names else none)
    for channel in view.channels:
        yield _channel(channel, may_write=view.may_write)
    yield _header("Budget today")
    for spend in view.spends:
        yield _words(f"{spend.name}: {spend.spent} of {spend.ceiling}")
    if not view.spends:
        yield _words("Nothing was spent that a budget counts.")
    yield _header("What I remember")
    yield _search(view.query)
    yield from _memories(view)
    yield _header("My last runs for you")
    for run in view.runs:
        yield _run(run)
    if not view.runs:
        yield _words("None yet. Mention me in a channel, or write to me under Messages.")
    if commands := view.commands.partition("\n")[2]:  # its first line is such a header
        yield _header("What you may ask me")  # the longest, so the last
        yield _mrkdwn(escaped(commands))


def _channel(channel: HomeChannel, *, may_write: bool) -> Json:
    works = f" works on `{escaped(channel.repository)}`" if channel.repository else ""
    quiet = ", paused" if channel.is_quiet else ""
    block = _mrkdwn(f"<#{channel.id}>{works}{quiet}\n{escaped(channel.wants)}")
    if not may_write:
        return block
    word, label = ("resume", "Act again") if channel.is_quiet else ("pause", "Mute")
    return {**block, "accessory": _button("press.home-quiet", label, f"{word}:{channel.id}")}


def _repository(one: HomeRepository) -> str:
    return f"{one.name}: reviews {one.reviews}" if one.reviews else one.name


def _search(query: str) -> Json:
    element: Json = {
        "type": "plain_text_input",
        "action_id": "press.home-search",
        "max_length": _QUERY,
        "dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]},
    }
    return {
        "type": "input",
        "block_id": "search",
        "dispatch_action": True,
        "label": _plain("Search what I know"),
        "element": {**element, "initial_value": query[:_QUERY]} if query else element,
    }


def _memories(view: HomeView) -> Iterator[Json]:
    if view.query and not view.memories:
        yield _words("I know nothing about that that you may see.")
    for memory in view.memories:
        cut = memory.text if len(memory.text) <= _SHOWN else f"{memory.text[:_SHOWN]}…"
        button = _button("press.home-forget", "Forget", f"m-{memory.id[:8]}", "danger")
        yield {
            **_words(f"{cut}\n({memory.kind}, {memory.remembered_at[:10]})"),
            "accessory": button,
        }
    if view.total > len(view.memories):
        yield _words(f"{view.total - len(view.memories)} more are not shown; search more exactly.")


def _run(run: HomeRun) -> Json:
    what = f"{_STATES.get(run.state, '•')} {escaped(run.flow)}, {run.at}, run `{run.id}`"
    is_link = run.url.startswith("https://") and not {*"<>|"}.intersection(run.url)
    return _mrkdwn(f"{what}, <{run.url}|open>" if is_link else what)


def _button(action: str, label: str, value: str, style: str = "") -> Json:
    button = {"type": "button", "action_id": action, "text": _plain(label), "value": value}
    if style == "danger":
        sure = {"title": _plain("Forget this?"), "text": _plain("It is not learned again.")}
        sure |= {"confirm": _plain("Forget"), "deny": _plain("Keep")}
        return {**button, "style": style, "confirm": sure}
    return button


def _header(text: str) -> Json:
    return {"type": "header", "text": _plain(text)}


def _words(text: str) -> Json:
    return {"type": "section", "text": _plain(text)}


def _mrkdwn(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:_TEXT]}}


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text[:_TEXT] or " ", "emoji": False}


def escaped(text: str) -> str:
    """Return a text in which nothing is a mention or a link for Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
