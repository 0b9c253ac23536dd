"""Context: a model is shown it as blocks of data that cannot give orders. The form of what numbers
them, and checks an answer before anybody sees it; shared.evidence has the desk."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple, Protocol

from shared.actions.drafts import Sink
from shared.database import Statement
from shared.events import Event
from shared.memory import Memory
from shared.memory.attribution import block, person, trust_label, trust_of
from shared.memory.conversations.turns import Turn
from shared.models import Image, ToolCall
from shared.models.prompts import data
from shared.models.visible_characters import visible_characters
from shared.models.visible_text import visible_text
from shared.perception.writers import writer_of

#: Events whose texts GitHub shows as they are, not as Markdown.
_PLAIN = ("github.push", "github.check_run", "github.workflow_run")

#: Characters of a piece of code that a model is shown.
LONGEST_CODE = 200_000


class Code(NamedTuple):
    """A text that a model reads character by character, such as a part of a file: nothing of it is
    taken for Markdown."""

    name: str
    text: str


class Attached(NamedTuple):
    """What came along with somebody's words, such as a file: its name, its text, who wrote or sent
    it, and where it stands. `stands` looks if it is still so there; `ref` names it."""

    source: str
    text: str
    author: str
    trust: str
    place: str = ""
    ref: str = ""
    stands: Callable[[], bool] = lambda: True


class DataBlock(NamedTuple):
    """A block of data that is ready to be shown."""

    text: str


class Shown(NamedTuple):
    """The result of a tool as a model sees it, and as the journal keeps it, if that is less."""

    text: str
    kept: str = ""


class Settled(NamedTuple):
    """An answer: as it is posted, as the conversation remembers it, and what else is written."""

    text: str
    said: str
    statements: Sequence[Statement] = ()


class TextGate(Protocol):
    """Lets a growing text through, as far as it may be shown."""

    def __call__(self, text: str) -> None: ...

    def waits(self, what: str) -> None: ...


class Evidence(Protocol):
    """The evidence of one answer."""

    @property
    def rules(self) -> str: ...

    def numbered(
        self, context: Iterable[object], turns: Sequence[Turn], said: Sequence[Event]
    ) -> list[object]: ...

    def shown(
        self,
        call: ToolCall,
        kept: str,
        recall: Callable[[str], list[Memory]],
        *,
        proposes: bool = False,
    ) -> Shown: ...

    def gate(self, shows: Sink) -> TextGate: ...

    def settled(self, text: str) -> Settled: ...


def as_data(context: Iterable[object]) -> str:
    """Return each thing as a block of data that names its source."""
    return "\n\n".join(block for thing in context for block in _blocks(thing))


def images_in(context: Iterable[object]) -> tuple[Image, ...]:
    """Return the pictures among these things, and in lists of them."""
    found: list[Image] = []
    for thing in context:
        if isinstance(thing, Image):
            found.append(thing)
        elif isinstance(thing, list | tuple) and not hasattr(thing, "_fields"):
            found += images_in(thing)
    return tuple(found)


def shown(event: Event) -> str:
    """Return the text of an event as its page shows it."""
    text = visible_characters(event.text)
    if event.source != "github" or event.type.startswith(_PLAIN):
        return text
    title = visible_characters(_title(event))
    # A title is no Markdown: `[Bug]: login` defines no link there.
    begins = bool(title) and text.startswith(title)
    return title + visible_text(text[len(title) :]) if begins else visible_text(text)


def _title(event: Event) -> str:
    for kind in ("issue", "pull_request", "discussion"):
        fields = event.payload.get(kind)
        if isinstance(fields, dict) and isinstance(fields.get("title"), str):
            return str(fields["title"])
    return ""


def _blocks(thing: object) -> list[str]:
    if isinstance(thing, DataBlock | Image):
        return [thing.text] if isinstance(thing, DataBlock) else []
    if isinstance(thing, Event):
        return [_said(thing)]
    if isinstance(thing, Memory):
        return [block(thing)]
    if isinstance(thing, str):
        return [data("text", thing)]
    if isinstance(thing, Attached):
        about = {"author": thing.author, "trust": thing.trust, "place": thing.place}
        return [data(thing.source, thing.text, LONGEST_CODE, markdown=False, **about)]
    if isinstance(thing, Code):
        return [data(thing.name, thing.text, LONGEST_CODE, markdown=False)]
    if isinstance(thing, list | tuple | set | frozenset) and not hasattr(thing, "_fields"):
        return [block for part in thing for block in _blocks(part)]
    return [data(type(thing).__name__, str(_seen(thing)), markdown=False)]


def _said(event: Event) -> str:
    """Show an event with the author of its text, and with who caused it if that is another."""
    text = shown(event)
    if event.source == "schedule":
        return data(event.type, text, markdown=False)
    author, by = person(writer_of(event).name), person(event.actor.name)
    trust, by = trust_label(trust_of(event)), "" if by == author else by
    return data(event.type, text, markdown=False, author=author, trust=trust, by=by)


def _seen(thing: Any) -> Any:
    """Return a value with what shows of each text in it; `str` hides Markdown from a parser."""
    if isinstance(thing, str):
        return visible_text(visible_characters(thing))
    if isinstance(thing, dict):
        return {_seen(name): _seen(value) for name, value in thing.items()}
    if isinstance(thing, tuple) and hasattr(thing, "_fields"):
        return type(thing)(*map(_seen, thing))
    if isinstance(thing, list | tuple | set | frozenset):
        return type(thing)(map(_seen, thing))
    if is_dataclass(thing) and not isinstance(thing, type):
        made = {one.name for one in fields(thing) if one.init}
        return replace(thing, **{name: _seen(getattr(thing, name)) for name in made})
    return thing
