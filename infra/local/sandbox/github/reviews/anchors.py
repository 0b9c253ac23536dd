"""Where a comment stands: on lines of the diff, which later pushes move or change."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from infra.local.sandbox.github.git.hunks import Hunk, Opcodes
from shared.events import Json

LEFT, RIGHT = "LEFT", "RIGHT"
_SIDES = (None, LEFT, RIGHT)


class Place(NamedTuple):
    """A line of a patch; `position` counts the lines below the first @@."""

    position: int
    hunk: int
    old: int
    new: int

    def number(self, side: str) -> int:
        return self.new if side == RIGHT else self.old


class Anchor(NamedTuple):
    """What a comment is about. Without a `line` it is about the file, and without a `start` about
    one line."""

    path: str
    side: str = RIGHT
    line: int = 0
    start_side: str = ""
    start: int = 0

    @property
    def first(self) -> int:
        return self.start or self.line


class Unresolved(ValueError):
    """What cannot be found in the diff: `path`, `line`, `start_line` or `order`."""


def asked(fields: Json) -> Anchor:
    """Return what a comment should stand on, as it was sent; raises Unresolved."""
    path, side, start_side = fields.get("path"), fields.get("side"), fields.get("start_side")
    if not isinstance(path, str):
        raise Unresolved("path")
    if fields.get("subject_type") == "file":
        return Anchor(path)
    line = _number(fields, "line")
    if side not in _SIDES or start_side not in _SIDES:
        raise Unresolved("line")
    if fields.get("start_line") is None:
        return Anchor(path, side or RIGHT, line)
    start = _number(fields, "start_line")
    return Anchor(path, side or RIGHT, line, start_side or side or RIGHT, start)


def at_position(fields: Json, found: Sequence[Hunk]) -> Json:
    """Put the line in place of the position, which is how one named it before."""
    if "line" in fields or "position" not in fields:
        return fields
    for place in places(found):
        if place.position == fields["position"]:
            side = RIGHT if place.new else LEFT
            return {**fields, "side": side, "line": place.number(side)}
    raise Unresolved("line")


def resolve(anchor: Anchor, found: Sequence[Hunk]) -> Place:
    """Return where an anchor stands in a file's hunks; raises Unresolved."""
    end = _find(anchor.line, anchor.side, found)
    if end is None:
        raise Unresolved("line")
    if anchor.start:
        start = _find(anchor.start, anchor.start_side, found)
        if start is None or start.hunk != end.hunk:
            raise Unresolved("start_line")
        if start.position >= end.position:
            raise Unresolved("order")
    return end


def places(found: Sequence[Hunk]) -> Iterator[Place]:
    """Yield the lines of a file's patch."""
    position = -1
    for number, hunk in enumerate(found):
        position += 1  # the line with @@ counts, but for the first one
        for line in hunk.lines:
            position += 1
            yield Place(position, number, line.old, line.new)
            position += not line.text.endswith("\n")  # a line that says so


def down_to(place: Place, found: Sequence[Hunk]) -> str:
    """Return the part of a patch from the @@ of a line's hunk down to the line."""
    hunk = found[place.hunk]
    lines = [hunk.header]
    for line in hunk.lines:
        lines.append(line.sign + line.text.removesuffix("\n"))
        if (line.old, line.new) == (place.old, place.new):
            break
    return "\n".join(lines)


def moved(anchor: Anchor, changes: Opcodes) -> Anchor | None:
    """Return the anchor in a later version of the file; None when its lines changed."""
    if not anchor.line:
        return anchor
    for tag, start, end, first, _ in changes:
        if tag == "equal" and start < anchor.first and anchor.line <= end:
            by = first - start
            begin = anchor.start + by if anchor.start else 0
            return anchor._replace(line=anchor.line + by, start=begin)
    return None


def _find(line: int, side: str, found: Sequence[Hunk]) -> Place | None:
    return next((place for place in places(found) if place.number(side) == line), None)


def _number(fields: Json, name: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Unresolved(name)
    return value
