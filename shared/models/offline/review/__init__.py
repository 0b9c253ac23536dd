"""Reviews of code by the offline model: modest, and only what the standard library can see.

parts   reads the files out of the part of a change that a request shows
lines   what shows in one line
blocks  what the lines below one say
python  what shows in a whole file of Python
replies answers replies to a finding
"""

from collections.abc import Iterable, Iterator

from shared.events import Json
from shared.models.offline.review.lines import found_in_lines
from shared.models.offline.review.parts import ShownFile, files_of
from shared.models.offline.review.python import found_in_python


def review(texts: Iterable[str], most: int = 20) -> Json:
    """Return the findings in the parts of a change, as the schema asks for."""
    found = [finding for text in texts for file in files_of(text) for finding in _in_file(file)]
    return {"findings": found[:most]}


def _in_file(file: ShownFile) -> Iterator[Json]:
    yield from found_in_lines(file)
    if file.path.endswith((".py", ".pyi")) and file.is_whole:
        yield from found_in_python(file)
