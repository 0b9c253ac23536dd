"""Context: a model is shown it as blocks of data that cannot give orders."""

from collections.abc import Iterable

from shared.events import Event
from shared.memory import Memory
from shared.models.prompts import data


def as_data(context: Iterable[object]) -> str:
    """Return each thing as a block of data that names its source."""
    return "\n\n".join(block for thing in context for block in _blocks(thing))


def _blocks(thing: object) -> list[str]:
    if isinstance(thing, Event):
        return [data(f"{thing.type} by {thing.actor.name}", thing.text)]
    if isinstance(thing, Memory):
        return [data(f"memory of {thing.kind} {thing.ref} {thing.url}".rstrip(), thing.text)]
    if isinstance(thing, str):
        return [data("text", thing)]
    if isinstance(thing, list | tuple | set | frozenset) and not hasattr(thing, "_fields"):
        return [block for part in thing for block in _blocks(part)]
    return [data(type(thing).__name__, str(thing))]
