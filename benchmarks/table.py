"""Aligned tables of plain text, and what stands in them: medians, spreads, ratios."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Spread(NamedTuple):
    """The median of some samples, and what nine in ten of them stay above and below."""

    median: float
    p10: float
    p90: float

    @classmethod
    def of(cls, samples: Iterable[float]) -> "Spread":
        """Summarise at least one sample; with one, all three are that one."""
        values = sorted(samples)
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        cuts = statistics.quantiles(values, n=10, method="inclusive")
        return cls(statistics.median(values), cuts[0], cuts[-1])

    def text(self, digits: int = 1) -> str:
        return f"{self.median:.{digits}f} ({self.p10:.{digits}f}-{self.p90:.{digits}f})"


@dataclass(frozen=True)
class Table:
    """Rows of text under a title; `notes` follow, a line each."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        lines = [self.columns, *self.rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.columns))]
        text = [_aligned(line, widths) for line in lines]
        text.insert(1, "  ".join("-" * width for width in widths))
        title = [self.title, ""] if self.title else []
        return "\n".join([*title, *text, *(f"  {note}" for note in self.notes), ""])


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    """The first column names the row and stands left; numbers stand right."""
    first, *rest = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)])


@dataclass(frozen=True)
class Findings:
    """What one subject found: tables for people, and every sample for programs."""

    tables: Sequence[Table]
    samples: dict[str, Any] = field(default_factory=dict)
