"""Paging: reads a list page by page, and comes to an end whatever its server answers."""

from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

Page = TypeVar("Page")
Cursor = TypeVar("Cursor", bound=Hashable)


def pages(
    fetch: Callable[[Cursor], Page],
    following: Callable[[Page], Cursor | None],
    first: Cursor,
    *,
    most: int,
    endless: Callable[[str], Exception],
) -> Iterator[Page]:
    """Yield the pages from the cursor `first` on, until one names no `following` cursor.

    Raises what `endless` makes of the reason, when a cursor comes again or after `most` pages.
    """
    seen: set[Cursor] = set()
    cursor: Cursor | None = first
    while cursor is not None:
        if cursor in seen:
            raise endless("the server leads back to a page that was read before")
        if len(seen) == most:
            raise endless(f"the server has more than {most} pages")
        seen.add(cursor)
        page = fetch(cursor)
        yield page
        cursor = following(page)
