"""Passages: the texts that a run has read, each with a number that a model can cite."""

import threading
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from shared.memory import Memory
from shared.memory.attribution import place
from shared.memory.stored_text import digest_of
from shared.models.visible_characters import visible_characters

#: Where a passage comes from, which decides how it is checked.
Kind = Literal["memory", "conversation", "attached", "issue", "file", "checks", "slack", "message"]

#: Characters of a title in the list of sources.
_TITLE = 90


class GivenPassage(NamedTuple):
    """A text that was read at `read_at`, in seconds since the epoch.

    `ref` names it at its source: the id of a memory, `acme/shop#7`, `acme/shop:docs/deploy.md`,
    `C1/1700000000.000100`. `digest` is that of its text. `query` are the words that found it. The
    text of a Slack search is kept in the process only.
    """

    kind: Kind
    ref: str
    title: str
    url: str
    text: str
    digest: str
    audience: str = ""
    read_at: float = 0.0
    query: str = ""

    @classmethod
    def of(
        cls,
        kind: Kind,
        ref: str,
        title: str,
        url: str,
        text: str,
        *,
        audience: str = "",
        at: float = 0.0,
        query: str = "",
    ) -> "GivenPassage":
        return cls(kind, ref, title, url, text, digest_of(text), audience, at, query)

    @classmethod
    def of_memory(cls, memory: Memory, at: float) -> "GivenPassage":
        where, first = place(memory), memory.text.strip().partition("\n")[0]
        title = f"{where}: {first}" if where else first
        return cls.of(
            "memory", memory.id, title, memory.url, memory.text, audience=memory.audience, at=at
        )

    @property
    def source(self) -> str:
        """What the list of sources shows once: the address, whatever was read there."""
        return self.url or f"{self.kind} {self.ref}"

    @property
    def name(self) -> str:
        """The title as a list shows it: one line, in which nothing is Markdown."""
        plain = visible_characters(self.title or self.ref)
        signs = "".join(" " if sign in "[]()<>`*_|~\\\n\r\t" else sign for sign in plain)
        line = " ".join(signs.split())
        return line if len(line) <= _TITLE else f"{line[: _TITLE - 1].rstrip()}…"

    def holds(self, text: str) -> bool:
        """Is this the text that was read?"""
        return digest_of(text) == self.digest

    def is_in(self, whole: str) -> bool:
        """Is this the text that was read, of which only the beginning may have been shown?"""
        if self.holds(whole):
            return True
        begun = " ".join(self.text.removesuffix("…").split())
        return self.text.endswith("…") and " ".join(whole.split()).startswith(begun)


class GivenPassages(Mapping[int, GivenPassage]):
    """The passages that a model was given in one run, by their numbers. Threads may share it."""

    def __init__(self) -> None:
        self._given: list[GivenPassage] = []
        self._lock = threading.Lock()

    def add(self, passage: GivenPassage) -> int:
        """Number a passage; the same once more keeps its number."""
        with self._lock:
            for number, known in enumerate(self._given, 1):
                if (known.kind, known.ref, known.digest) == (
                    passage.kind,
                    passage.ref,
                    passage.digest,
                ):
                    return number
            self._given.append(passage)
            return len(self._given)

    def __getitem__(self, number: int) -> GivenPassage:
        if not 0 < number <= len(self._given):
            raise KeyError(number)
        return self._given[number - 1]

    def __iter__(self) -> Iterator[int]:
        return iter(range(1, len(self._given) + 1))

    def __len__(self) -> int:
        return len(self._given)
