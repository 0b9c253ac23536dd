"""The queries about what people upload, as values."""

from collections.abc import Mapping
from typing import ClassVar

from shared.actions.github.queries import _About
from shared.frozen import frozen


@frozen
class ReadPictures(_About):
    """Ask for the pictures that people uploaded into an issue, or a pull request, or into one
    `comment` of it, as `{"items": [{"name", "data"} or {"name", "note"} …]}`: at most `limit`, of
    `most` bytes each, `data` in base64."""

    permissions: ClassVar[Mapping[str, str]] = {"issues": "read"}
    repository: str
    number: int
    comment: int = 0
    limit: int = 5
    most: int = 3_750_000


@frozen
class ReadLinePictures(_About):
    """Ask as ReadPictures for those of a `comment` on lines of a pull request."""

    permissions: ClassVar[Mapping[str, str]] = {"pull_requests": "read"}
    repository: str
    comment: int
    limit: int = 5
    most: int = 3_750_000
