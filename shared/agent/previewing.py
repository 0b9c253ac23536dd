"""Writes what a run would have done, for the one comment that tells it where a team wants only a
preview of a flow."""

import re
from collections.abc import Iterator, Sequence

from shared.actions import Action
from shared.events import Json

#: Characters of a text that are shown, and actions.
_LONGEST, _MOST = 2_000, 30
_SHORT = 120


def previewed(flow: str, actions: Sequence[Action]) -> str:
    """Return Markdown that names each action with its arguments."""
    lines = [
        f"**Preview of `{flow}`.** Its mode here is `preview`, so it changes nothing. `mode: on` in"
        f" `.github/agent-flows.yml` lets it act.{' It would:' if actions else ''}",
        *("\n".join(_told(action)) for action in actions[:_MOST]),
    ]
    more = len(actions) - _MOST
    return "\n\n".join([*lines, *([f"and do {more} more"] if more > 0 else [])])


def _told(action: Action) -> Iterator[str]:
    yield f"- **{_words(type(action).__name__)}**{_short(action.arguments)}"
    for title, text in _long(action.arguments):
        yield f"\n  <details><summary>{title}</summary>\n"
        yield "\n".join(f"  > {line}" for line in text[:_LONGEST].splitlines())
        yield "\n  </details>"


def _words(name: str) -> str:
    """Return the name of an action as words: `add labels`."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()


def _short(fields: Json) -> str:
    """Return the fields of a few words."""
    shown = [f"{name} {_code(value)}" for name, value in fields.items() if _is_short(value)]
    return f": {', '.join(shown)}" if shown else ""


def _long(fields: Json, where: str = "") -> Iterator[tuple[str, str]]:
    """Yield the texts of the fields, and of those below them, with what they belong to."""
    for name, value in fields.items():
        title = f"{name}{where}"
        if isinstance(value, str) and not _is_short(value) and value:
            yield title, value
        for one in value if isinstance(value, list | tuple) else ():
            if isinstance(one, dict):
                yield from _long(one, f" of {name}{_short(one)}")


def _is_short(value: object) -> bool:
    """Is it worth a few words? A flag that is not set, and what is empty, is not."""
    if isinstance(value, list | tuple):
        return bool(value) and all(_is_short(one) for one in value)
    if isinstance(value, str):
        return 0 < len(value) <= _SHORT and "\n" not in value
    return type(value) is int


def _code(value: object) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(_code, value))
    return f"`{str(value).replace('`', chr(39))}`"
