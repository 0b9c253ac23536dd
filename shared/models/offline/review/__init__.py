"""Reviews of code by the offline model: modest, and only what the standard library can see.

parts    reads the files out of the part of a change that a request shows
lines    what shows in one line
blocks   what the lines below one say
python   what shows in a whole file of Python
scoring  what the rules say of findings
sorting  which files need no look
replies  answers replies to a finding
improving   what could be written better, and means the same
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from shared.events import Json
from shared.models.offline.parsed_request import SourceText
from shared.models.offline.review.lines import found_in_lines
from shared.models.offline.review.parts import ShownFile, files_of
from shared.models.offline.review.python import found_in_python
from shared.models.offline.review.scoring import scores_of
from shared.models.offline.review.sorting import unneeded_of


def answered(asked: str, blocks: Sequence[SourceText]) -> Json:
    """Return what a review asks for: `findings`, their `scores`, or the `unneeded` files."""
    return {asked: [*_ANSWERS[asked](blocks)]}


def review(texts: Iterable[str], most: int = 20) -> Json:
    """Return the findings in the parts of a change, as the schema asks for."""
    found = [finding for text in texts for file in files_of(text) for finding in _in_file(file)]
    return {"findings": found[:most]}


def _in_file(file: ShownFile) -> Iterator[Json]:
    yield from found_in_lines(file)
    if file.path.endswith((".py", ".pyi")) and file.is_whole:
        yield from found_in_python(file)


def _findings(blocks: Sequence[SourceText]) -> Iterable[Json]:
    found: list[Json] = review(block.text for block in blocks)["findings"]
    return found


_ANSWERS: Mapping[str, Callable[[Sequence[SourceText]], Iterable[Json]]] = {
    "findings": _findings,
    "scores": scores_of,
    "unneeded": unneeded_of,
}
