"""What a team writes for those who change its code: `AGENTS.md`, of which the nearest one above a
file counts for that file (https://agents.md), and `CONTRIBUTING`.

It is read from the default branch only, so a pull request never changes its own reviewer.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from shared.agent.context import Code

AGENTS = "AGENTS.md"
#: Where GitHub looks for it, in this order.
#: https://docs.github.com/en/communities/setting-up-your-project-for-healthy-contributions/setting-guidelines-for-repository-contributors
_FOLDERS = (".github/", "", "docs/")
CONTRIBUTING = tuple(
    f"{folder}CONTRIBUTING{ending}"
    for folder, ending in product(_FOLDERS, (".md", "", ".rst", ".txt"))
)
#: Folders that are asked for an AGENTS.md, those with the most changed files first.
_ASKED = 80
#: Characters of one file, and of all of them.
_ONE, _ALL = 6_000, 14_000
#: The name of what is shown: paths are chosen by whoever made the files, so they are data.
_TEAM = "wishes of the team"
#: Files that are named beside an AGENTS.md.
_NAMED = 5


def wanted_texts(changed: Iterable[str]) -> tuple[str, ...]:
    """Return the files to ask for, when these files are changed."""
    above = Counter(folder for path in changed for folder in _folders_above(path))
    folders = ["", *(folder for folder, _ in above.most_common(_ASKED) if folder)][:_ASKED]
    return (*(f"{folder}{AGENTS}" for folder in folders), *CONTRIBUTING)


def guidance(texts: Mapping[str, str], changed: Iterable[str]) -> tuple[Code, ...]:
    """Return what counts for the changed files, each with the files that it counts for: what is
    nearest to most of them first."""
    room, found = _ALL, []
    for name, text in _counting(texts, changed):
        shown = _cut(text.strip(), min(_ONE, room))
        room -= len(shown)
        found += [Code(name, shown)] if shown else []
    return tuple(found)


def _counting(texts: Mapping[str, str], changed: Iterable[str]) -> Iterator[tuple[str, str]]:
    nearest: dict[str, list[str]] = {}
    for path in changed:
        own = (f"{folder}{AGENTS}" for folder in _folders_above(path))
        if (found := next((one for one in own if one in texts), None)) is not None:
            nearest.setdefault(found, []).append(path)
    for found, paths in sorted(nearest.items(), key=lambda one: -len(one[1])):
        yield _TEAM, f"{found}, for {_named(paths)}:\n\n{texts[found]}"
    if (found := next((one for one in CONTRIBUTING if one in texts), None)) is not None:
        yield _TEAM, f"{found}:\n\n{texts[found]}"


def _folders_above(path: str) -> Iterator[str]:
    """Yield the folders of a file from the nearest to the root, which is ''."""
    parts = path.split("/")[:-1]
    for end in range(len(parts), -1, -1):
        yield "".join(f"{part}/" for part in parts[:end])


def _named(paths: list[str]) -> str:
    more = len(paths) - _NAMED
    return ", ".join(paths[:_NAMED]) + (f" and {more} more files" if more > 0 else "")


def _cut(text: str, room: int) -> str:
    """Cut a text behind a whole line, and say so."""
    if len(text) <= room:
        return text
    kept = text[: max(room - 20, 0)].rpartition("\n")[0]
    return f"{kept}\n… (shortened)" if kept else ""
