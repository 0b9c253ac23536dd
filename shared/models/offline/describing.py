"""Describes a change by what stands in its lines: the files, by their folders, with how many lines
each gains and loses."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shared.events import Json
from shared.models.offline.filling import fill
from shared.models.offline.parsed_request import ParsedRequest
from shared.models.offline.review.parts import FILE
from shared.patterns import lazily

_DEFINED = lazily(r"^\s*(?:async )?(?:def|class|function|func|fn|interface|type|struct) (\w+)")
_SIGNED = lazily(r" *\d* (?P<sign>[+-]) (?P<text>.*)")
#: Names of a group that are told.
_TOLD = 5


class _ChangedFile(NamedTuple):
    path: str
    status: str
    added: int
    deleted: int
    defines: tuple[str, ...]


def described(schema: Json, parsed: ParsedRequest) -> Json:
    """Return a description of the part of a change that a request shows."""
    files = [file for block in parsed.blocks for file in _files(block.text)]
    about = next((block.text for block in parsed.blocks if block.name == "pull request"), "")
    added, deleted = sum(one.added for one in files), sum(one.deleted for one in files)
    noun = "file" if len(files) == 1 else "files"
    return {
        "title": about.partition("\n")[0][:120],
        "summary": f"It changes {len(files)} {noun}: {added} lines are new and {deleted} are"
        " deleted (offline model).",
        "walkthrough": [*_groups(files)][:12],
        "labels": fill(schema["properties"]["labels"], parsed, "labels"),
    }


def _groups(files: Iterable[_ChangedFile]) -> Iterator[Json]:
    by_folder: dict[str, list[_ChangedFile]] = defaultdict(list)
    for file in files:
        by_folder[file.path.rpartition("/")[0]].append(file)
    for folder, inside in by_folder.items():
        names = [*dict.fromkeys(name for file in inside for name in file.defines)][:_TOLD]
        states = ", ".join(sorted({file.status for file in inside}))
        new = f"; defines {', '.join(f'`{name}`' for name in names)}" if names else ""
        yield {
            "title": folder[:120] or "The root",
            "paths": [file.path for file in inside][:40],
            "what": f"{states}{new}"[:500],
        }


def _files(text: str) -> Iterator[_ChangedFile]:
    parts = re.split(r"^(?==== )", text, flags=re.MULTILINE)
    for part in parts:
        head, _, rest = part.partition("\n")
        if not (found := FILE.fullmatch(head.strip())):
            continue
        lines = [one for line in rest.split("\n") if (one := _SIGNED.fullmatch(line))]
        new = [one["text"] for one in lines if one["sign"] == "+"]
        defines = tuple(one[1] for line in new if (one := _DEFINED.match(line)))
        counts = len(new), len(lines) - len(new)
        yield _ChangedFile(found["path"], found["status"], *counts, defines)
