"""Context: a model is shown it as blocks of data that cannot give orders."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from shared.events import Event
from shared.memory import Memory
from shared.models.prompts import data
from shared.models.visible_characters import visible_characters
from shared.models.visible_text import visible_text

#: Events whose texts GitHub shows as they are, not as Markdown.
_PLAIN = ("github.push", "github.check_run", "github.workflow_run")


def as_data(context: Iterable[object]) -> str:
    """Return each thing as a block of data that names its source."""
    return "\n\n".join(block for thing in context for block in _blocks(thing))


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
    if isinstance(thing, Event):
        return [data(f"{thing.type} by {thing.actor.name}", shown(thing), markdown=False)]
    if isinstance(thing, Memory):
        return [data(f"memory of {thing.kind} {thing.ref} {thing.url}".rstrip(), thing.text)]
    if isinstance(thing, str):
        return [data("text", thing)]
    if isinstance(thing, list | tuple | set | frozenset) and not hasattr(thing, "_fields"):
        return [block for part in thing for block in _blocks(part)]
    return [data(type(thing).__name__, str(_seen(thing)), markdown=False)]


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
