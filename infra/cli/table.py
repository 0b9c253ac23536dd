"""Plain-text tables for the lists of the command-line tool."""

from collections.abc import Iterator, Sequence


def lines(table: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows as lines, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def cost(dollars: float) -> str:
    return f"${dollars:.4f}"
