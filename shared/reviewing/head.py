"""The files as they stand at the head commit of a pull request."""

import unicodedata
from collections.abc import Callable, Iterable
from functools import cached_property

from shared.learning.likeness import ShapedCode
from shared.patterns import lazily
from shared.redaction.redacting import without_secrets

#: The words of a text as programmers name things.
WORD = lazily(r"[^\W\d]\w*")


def words_in(text: str) -> list[str]:
    """Return the words of a text, each letter with its accents as one character."""
    return WORD.findall(unicodedata.normalize("NFC", text))


class HeadFile:
    """A text file at the head commit."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        """Its lines without their ends, which are `\\n` only: an editor may see more of them."""
        lines = self.text.split("\n")
        return lines[:-1] if lines[-1] == "" else lines

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(words_in(self.text))

    @cached_property
    def shaped(self) -> ShapedCode:
        """Its code, in which kept findings are looked for."""
        return ShapedCode(without_secrets(self.text))

    @cached_property
    def ends_in_crlf(self) -> bool:
        return self.text.count("\r\n") * 2 > self.text.count("\n")

    def quoted(self, first: int, last: int) -> str:
        """Return lines as they may be quoted: without the carriage return at the end of each."""
        return "\n".join(line.removesuffix("\r") for line in self.lines[first - 1 : last])

    def with_lines(self, first: int, last: int, replaced_by: str) -> str:
        """Return the text with other lines in the place of these, and their ends as they were."""
        end = "\r\n" if self.ends_in_crlf else "\n"
        new = [line.removesuffix("\r") + end for line in replaced_by.split("\n")]
        kept = self.text.split("\n")
        before = "".join(f"{line}\n" for line in kept[: first - 1])
        after = "\n".join(kept[last:])
        if replaced_by == "":
            return before + after
        if last >= len(kept):  # the file ends without a new line, and so it stays
            new[-1] = new[-1].removesuffix(end)
        return before + "".join(new) + after


class Head:
    """The head commit. `list_paths` names all its files; `read` gives a text, None for none."""

    def __init__(
        self, list_paths: Callable[[], Iterable[str]], read: Callable[[str], HeadFile | None]
    ) -> None:
        self.read = read
        self._list_paths = list_paths

    def paths_of(self, name: str) -> list[str]:
        """Return the files that `name` may mean: people write the end of a path."""
        ending = name.removeprefix("./").strip("/")
        return [
            path
            for path in self._by_name.get(ending.rpartition("/")[2], ())
            if path == ending or path.endswith(f"/{ending}")
        ]

    def has(self, path: str, shape: str) -> bool:
        """Does this code stand in a file? Of one that cannot be read nobody knows: it may."""
        file = self.read(path)
        return file.shaped.holds(shape) if file else bool(self.paths_of(path))

    def line_of(self, path: str, shape: str, near: int) -> int:
        """Return the line at which this code begins in a file; `near` where it does not stand."""
        file = self.read(path)
        return file.shaped.line_of(shape, near) if file else near

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """All files by the last part of their paths, listed when the first one is named."""
        found: dict[str, list[str]] = {}
        for path in self._list_paths():
            found.setdefault(path.rpartition("/")[2], []).append(path)
        return found
