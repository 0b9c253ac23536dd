"""Generated changes: files of several languages before and after, as GitHub would list them."""

import difflib
import json
import random
from collections.abc import Iterator
from typing import NamedTuple

from shared.actions.github.pulls.diff import file_diffs
from shared.events import Json
from shared.reviewing.head import Head, HeadFile
from shared.reviewing.proof import Proof

NAMES = (
    *("total", "cart", "price", "items", "user_id", "loadOrder", "retry_after", "größe"),
    *("checkout", "amount", "send_mail", "Invoice", "payload", "状態", "count", "limit"),
)
LANGUAGES = (".py", ".js", ".ts", ".json", ".yaml", ".sql", ".txt")
_REMARK = "\n\\ No newline at end of file\n"


class Change(NamedTuple):
    """One changed file: GitHub's row of it, and its text at the head commit."""

    row: Json
    text: str


def patch_of(before: str, after: str) -> str:
    """Return the hunks as git prints them: lines end at `\\n` only, and a last line without an end
    is followed by a remark."""
    old, new = _lines(before), _lines(after)
    hunks = [*difflib.unified_diff(old, new)][2:]
    shown = [
        one if one.endswith("\n") else f"{one}\n\\ No newline at end of file\n" for one in hunks
    ]
    return "".join(shown).removesuffix("\n")


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def row_of(path: str, before: str, after: str, old_path: str = "") -> Json:
    status = "renamed" if old_path else "modified" if before else "added"
    moved = {"previous_filename": old_path} if old_path else {}
    return {"filename": path, "status": status, "patch": patch_of(before, after), **moved}


def changes(random: random.Random, count: int) -> list[Change]:
    """Make `count` changed files with different paths."""
    made = []
    for number in range(count):
        language = random.choice(LANGUAGES)
        lines = [*_written(random, language)]
        before = [*lines]
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(before)) if language == ".py" else 0
            before[at : at + random.randint(0, 2)] = [f"# {random.choice(NAMES)}"]
        end = random.choice(("\n", "\n", "\r\n"))
        last = random.choice(("", end))
        path = f"{random.choice(('', 'src/', 'a b/', 'src/größe/'))}file{number}{language}"
        old_path = random.choice(("", "", f"old/file{number}{language}"))
        text = end.join(lines) + last
        made.append(Change(row_of(path, end.join(before) + last, text, old_path), text))
    return made


def _written(random: random.Random, language: str) -> Iterator[str]:
    """Write a file that parses."""
    names = random.choices(NAMES, k=random.randint(6, 40))
    if language == ".json":
        yield from json.dumps({f"{name}{n}": n for n, name in enumerate(names)}, indent=2).split(
            "\n"
        )
        return
    indent = random.choice(("    ", "\t"))
    for number, name in enumerate(names):
        if language == ".py":
            yield from (f"def {name}_{number}(value):", f"{indent}return value + {number}", "")
        elif language in {".js", ".ts"}:
            yield from (f"function {name}_{number}(value) {{", f"{indent}return value;", "}")
        elif language == ".yaml":
            yield f"{name}_{number}: {number}"
        elif language == ".sql":
            yield f"select {name}_{number} from orders where id = {number};"
        else:
            yield f"{name} {number} "


def proof_of(made: list[Change]) -> Proof:
    files = {
        change.row["filename"]: HeadFile(change.row["filename"], change.text) for change in made
    }
    head = Head(lambda: [*files, "README.md", "docs/guide.md"], files.get)
    return Proof(file_diffs(change.row for change in made), head)
