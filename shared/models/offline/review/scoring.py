"""Scores of findings by the offline model: it judges those that its own rules can check."""

from collections.abc import Iterator, Sequence

from shared.events import Json
from shared.models.offline.parsed_request import SourceText
from shared.models.offline.review.lines import found_in_lines
from shared.models.offline.review.parts import files_of
from shared.patterns import lazily

_NUMBER = lazily(r"finding (\d+)")
_LINES = lazily(r"lines (\d+) to (\d+),")
_SEEN = 8


def scores_of(blocks: Sequence[SourceText]) -> Iterator[Json]:
    """Yield a score for each finding whose lines a rule finds fault with; the others take a model
    that reads."""
    for block in blocks:
        number, lines = _NUMBER.fullmatch(block.name), _LINES.match(block.text)
        if number and lines and _is_seen(block.text, int(lines[1]), int(lines[2])):
            yield {"finding": int(number[1]), "score": _SEEN, "reason": "A fixed rule sees it too."}


def _is_seen(text: str, first: int, last: int) -> bool:
    return any(
        finding["claim"] in text and first <= finding["first"] <= last
        for file in files_of(text)
        for finding in found_in_lines(file)
    )
