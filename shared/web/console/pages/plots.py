"""Plots as SVG: where things stand is computed here, and a template draws it with its labels."""

from collections.abc import Sequence

from shared.frozen import frozen

_WIDE, _HIGH, _LEFT, _LOW, _TOP = 720.0, 220.0, 10.0, 26.0, 22.0


@frozen
class Column:
    """A labelled column; x, y, wide and high are in the units of the picture."""

    label: str
    value: float
    x: float
    y: float
    wide: float
    high: float
    is_labelled: bool

    @property
    def middle(self) -> float:
        return round(self.x + self.wide / 2, 1)


@frozen
class Columns:
    width: float
    height: float
    floor: float
    columns: tuple[Column, ...]


def columns(values: Sequence[tuple[str, float]]) -> Columns:
    """Return columns for labelled values, the highest as high as there is room."""
    most = max([value for _, value in values] or [0.0]) or 1.0
    step = (_WIDE - 2 * _LEFT) / max(len(values), 1)
    room, floor = _HIGH - _LOW - _TOP, _HIGH - _LOW
    each = max(1, len(values) // 10)
    made = []
    for number, (label, value) in enumerate(values):
        high = round(room * value / most, 1)
        wide = round(min(step * 0.7, 80.0), 1)
        x = round(_LEFT + step * number + (step - wide) / 2, 1)
        made.append(Column(label, value, x, floor - high, wide, high, number % each == 0))
    return Columns(_WIDE, _HIGH, floor, tuple(made))
