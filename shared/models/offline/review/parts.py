"""Reads the files out of the part of a change that a request shows; shared/reviewing/fitting.py
writes it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.events import Json
from shared.patterns import lazily

#: The line that begins a file.
FILE = lazily(r"=== (?P<path>.+) \((?P<status>[a-z]+)(?:, before .*)?\)")
_LINE = lazily(r" *(?P<number>\d+) (?P<sign>[+ ]) (?P<text>.*)")


@dataclass
class ShownFile:
    """The lines of a file that a request shows, by their numbers, and the numbers of new ones."""

    path: str
    is_new: bool
    lines: dict[int, str] = field(default_factory=dict)
    added: list[int] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return self.is_new and [*self.lines] == [*range(1, len(self.lines) + 1)]

    @property
    def text(self) -> str:
        return "\n".join(self.lines.values()) + "\n"

    def finding(
        self,
        line: int,
        claim: str,
        *,
        severity: str = "medium",
        category: str = "bug",
        confidence: float = 0.9,
        suggestion: str | None = None,
    ) -> Json:
        return {
            "path": self.path,
            "first": line,
            "last": line,
            "quote": self.lines[line],
            "severity": severity,
            "category": category,
            "confidence": confidence,
            "claim": claim,
            "evidence": "Seen without a language model, by a fixed rule.",
            "suggestion": suggestion,
        }


def files_of(text: str) -> Iterator[ShownFile]:
    """Yield the files of a part; nothing when the text is none."""
    file = None
    for line in text.split("\n"):
        if found := FILE.fullmatch(line):
            if file:
                yield file
            file = ShownFile(found["path"], found["status"] == "added")
        elif file and (found := _LINE.fullmatch(line)):
            number = int(found["number"])
            file.lines[number] = found["text"]
            if found["sign"] == "+":
                file.added.append(number)
    if file:
        yield file
