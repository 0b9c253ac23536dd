"""Lists for people and for programs: a table, in colour on a terminal, or JSON."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from infra.terminal import Colour, paint
from shared.database import Row

#: The columns of a table: the name of each, and what it shows of a row.
Columns = Mapping[str, Callable[[Row], str]]

_COLOURS: dict[str, Colour] = {
    "done": "green",
    "committed": "green",
    "failed": "red",
    "unknown": "red",
    "retrying": "yellow",
    "parked": "yellow",
    "waiting": "yellow",
    "running": "yellow",
}


def show(
    rows: Sequence[Row], columns: Columns, options: argparse.Namespace, empty: str = ""
) -> None:
    """Print the rows: as JSON when `--json` asks for it, else as a table; `empty` is said of no
    rows."""
    if options.json:
        show_json(rows)
        return
    table = [tuple(columns), *(tuple(of(row) for of in columns.values()) for row in rows)]
    head, *others = lines(table, list(columns))
    print(paint(head, "bold", sys.stdout))
    for line in others or filter(None, [empty]):
        print(line)


def show_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def lines(table: Sequence[Sequence[str]], names: Sequence[str] = ()) -> Iterator[str]:
    """Yield the rows as lines, each column as wide as its widest cell. What stands in a column that
    is named `state` gets a colour."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = [
            (in_colour(cell) if names[at:][:1] == ["state"] else cell)
            + " " * (widths[at] - len(cell))
            for at, cell in enumerate(row)
        ]
        yield "  ".join(cells).rstrip()


def in_colour(state: str) -> str:
    """Colour the state of a run or of an effect."""
    colour = _COLOURS.get(state)
    return paint(state, colour, sys.stdout) if colour else state


def cost(dollars: float | None) -> str:
    """Write an amount; None where the price of something is unknown."""
    return "unknown cost" if dollars is None else f"${dollars:.4f}"


def _plain(value: object) -> Any:
    """Write what JSON does not know."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return str(value)
