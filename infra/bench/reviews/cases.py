"""A labelled pull request, and the reader of sets of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

from shared.errors import SettingsError
from shared.events import Json
from shared.reviewing.finding import Category

#: Our own set.
OWN = Path(__file__).with_name("labelled.json")
CATEGORIES: tuple[Category, ...] = get_args(Category)


class Label(NamedTuple):
    """A known fault. Without `path` it may stand anywhere in the change, and without a `category`
    it is of any. `seen_by` is who can find it: a fixed `rule`, or only a `model`."""

    claim: str
    path: str = ""
    first: int = 0
    last: int = 0
    category: str = ""
    seen_by: str = "model"


class FileTexts(NamedTuple):
    """A file before and after the change; None where it is not there."""

    path: str
    before: str | None
    after: str | None


class Case(NamedTuple):
    """A pull request with its faults; none when it is fine."""

    id: str
    title: str
    files: tuple[FileTexts, ...]
    labels: tuple[Label, ...]


def read_cases(path: Path = OWN) -> tuple[Case, ...]:
    """Read a set of ours; raises SettingsError when it is none, and names what is wrong."""
    rows = read_rows(path)
    cases = tuple(_case(row, f"{path.name}, case {n}") for n, row in enumerate(rows, 1))
    if twice := {case.id for case in cases if [one.id for one in cases].count(case.id) > 1}:
        raise SettingsError(f"{path.name}: each case needs an id of its own: {sorted(twice)[0]}")
    return cases


def read_rows(path: Path) -> list[Json]:
    """Read a file with a list of objects; raises SettingsError when it is none."""
    try:
        rows = json.loads(path.read_text("utf-8-sig"))
    except OSError as err:
        raise SettingsError(f"--set {path} cannot be read: {err.strerror}") from err
    except (ValueError, RecursionError) as err:
        raise SettingsError(f"--set {path.name} is no JSON in UTF-8") from err
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or not rows:
        raise SettingsError(f"--set {path.name} must hold a list of pull requests")
    return rows


def text_of(row: Mapping[str, Any], key: str, where: str) -> str:
    """Return a text of a row; raises SettingsError when it is none."""
    if not isinstance(value := row.get(key), str) or not value:
        raise SettingsError(f"{where}: {key} must be a text")
    return value


def _case(row: Json, where: str) -> Case:
    files = tuple(_file(one, where) for one in _objects(row, "files", where))
    if not files:
        raise SettingsError(f"{where}: files must name a file")
    after = {file.path: len((file.after or "").split("\n")) for file in files}
    labels = tuple(_label(one, after, where) for one in _objects(row, "faults", where))
    return Case(text_of(row, "id", where), text_of(row, "title", where), files, labels)


def _objects(row: Json, key: str, where: str) -> list[Json]:
    values = row.get(key)
    if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
        raise SettingsError(f"{where}: {key} must be a list of objects")
    return values


def _file(row: Json, where: str) -> FileTexts:
    return FileTexts(
        text_of(row, "path", where), _lines(row, "before", where), _lines(row, "after", where)
    )


def _lines(row: Json, key: str, where: str) -> str | None:
    """Return a text, which may also be written as a list of its lines."""
    value = row.get(key)
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(f"{line}\n" for line in value)
    if value is not None and not isinstance(value, str):
        raise SettingsError(f"{where}: {key} must be a text, a list of lines, or null")
    return value


def _label(row: Json, lines: Mapping[str, int], where: str) -> Label:
    path, first = text_of(row, "path", where), row.get("first")
    last, category = row.get("last", first), row.get("category")
    if not isinstance(first, int) or not isinstance(last, int):
        raise SettingsError(f"{where}: first and last must be numbers of lines")
    if not 1 <= first <= last <= lines.get(path, 0):
        raise SettingsError(f"{where}: {path} has no lines {first} to {last} after the change")
    if category not in CATEGORIES:
        raise SettingsError(f"{where}: category must be one of {', '.join(CATEGORIES)}")
    seen_by = str(row.get("seen_by", "model"))
    return Label(text_of(row, "claim", where), path, first, last, category, seen_by)
