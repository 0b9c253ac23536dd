"""Reads a .env file, however an editor saved it; says which line is wrong."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from infra.configuration.names import is_known
from shared.errors import SettingsError

if TYPE_CHECKING:
    from dotenv.parser import Binding

#: A reference to another variable without a default.
_UNSET = re.compile(r"\$\{([^}:]*)\}")
#: Characters around a value that nobody sees: editors and web pages leave them.
_UNSEEN = "\ufeff\u200b\u2060"


class SavedSettings(NamedTuple):
    """The variables of the file, and what a person should know of it, a line each."""

    values: dict[str, str]
    notes: tuple[str, ...] = ()


def read_file(path: Path) -> SavedSettings:
    """Read the file; it is empty when there is none. Of a name that stands twice the last counts.

    Raises SettingsError when the file or a line of it cannot be read.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return SavedSettings({})
    except UnicodeDecodeError as err:
        raise SettingsError(f"{path.name} is not UTF-8; save it as UTF-8") from err
    except OSError as err:
        raise SettingsError(f"{path.name} cannot be read: {err.strerror}") from err
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    bindings = list(parse_stream(StringIO(text)))
    if problems := list(_problems(path.name, bindings)):
        raise SettingsError("\n".join(problems))
    values = dotenv_values(stream=StringIO(text))
    often = Counter(binding.key for binding in bindings if binding.key)
    notes = (f"{path.name} has {n} {c} times; the last counts" for n, c in often.items() if c > 1)
    return SavedSettings({name: value for name, value in values.items() if value}, tuple(notes))


def visible(value: str) -> str:
    """Return the value without space or invisible characters around it."""
    return value.strip().strip(_UNSEEN).strip()


def _problems(file: str, bindings: "Iterable[Binding]") -> Iterator[str]:
    known = {*os.environ}
    for binding in bindings:
        line = binding.original.line + _blank_before(binding.original.string)
        if binding.error:
            yield f"{file}, line {line} cannot be read; expected NAME=value, and a quote to end"
        elif binding.key and binding.value is None:
            # A line that is no setting may be one of a private key; it is not shown.
            name = binding.key if is_known(binding.key) else "NAME"
            hint = "" if is_known(binding.key) else "; a value of several lines stands in quotes"
            yield f"{file}, line {line}: expected {name}=value{hint}"
        elif any(one not in known for one in _UNSET.findall(binding.value or "")):
            # What stands in the braces may be a part of a secret.
            yield (
                f"{file}, line {line}: {binding.key} has a ${{…}} that nothing before it sets; "
                "set that, or put the value into the environment"
            )
        known.add(binding.key or "")


def _blank_before(text: str) -> int:
    return text[: len(text) - len(text.lstrip())].count("\n")
