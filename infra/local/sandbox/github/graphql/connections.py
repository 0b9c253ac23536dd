"""Lists of the GraphQL API, which come in pages by cursor.

https://docs.github.com/en/graphql/guides/using-pagination-in-the-graphql-api
"""

import base64
from collections.abc import Callable, Sequence
from typing import Any

from graphql import GraphQLResolveInfo

from infra.local.sandbox.github.graphql.refusals import QueryRefused
from shared.events import Json

_MOST = 100

#: Returns a page of a list; its arguments are those of the field.
Connection = Callable[..., Json]


def connection(
    rows: Callable[[], Sequence[Json]], show: Callable[[Json], Json], **more: object
) -> Connection:
    """Return what answers a field that is a list of rows."""

    def answer(info: GraphQLResolveInfo[Any], **asked: Any) -> Json:
        return {**_page(info.field_name, rows(), show, asked), **more}

    return answer


def _page(name: str, rows: Sequence[Json], show: Callable[[Json], Json], asked: Json) -> Json:
    first, last = asked.get("first"), asked.get("last")
    _check(name, first, last)
    start, end = 0, len(rows)
    if asked.get("after"):
        start = _place(asked["after"]) + 1
    if asked.get("before"):
        end = _place(asked["before"])
    if first is not None:
        end = min(end, start + first)
    elif last is not None:
        start = max(start, end - last)
    nodes = [show(row) for row in rows[start:end]]
    cursors = [_cursor(place) for place in range(start, start + len(nodes))]
    return {
        "nodes": nodes,
        "edges": [{"cursor": c, "node": n} for c, n in zip(cursors, nodes, strict=True)],
        "totalCount": len(rows),
        "pageInfo": {
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
            "hasNextPage": end < len(rows),
            "hasPreviousPage": start > 0,
        },
    }


def _check(name: str, first: int | None, last: int | None) -> None:
    if first is None and last is None:
        raise QueryRefused(
            "MISSING_PAGINATION_BOUNDARIES",
            "You must provide a `first` or `last` value to properly paginate the"
            f" `{name}` connection.",
        )
    for field, value in (("first", first), ("last", last)):
        if value is not None and not 0 <= value <= _MOST:
            raise QueryRefused(
                "EXCESSIVE_PAGINATION",
                f"Requesting {value} records on the `{name}` connection exceeds the `{field}`"
                f" limit of {_MOST} records.",
            )


def _cursor(place: int) -> str:
    return base64.b64encode(f"cursor:v2:{place}".encode()).decode()


def _place(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor).decode().rpartition(":")[2])
    except ValueError as err:
        message = f"`{cursor}` does not appear to be a valid cursor."
        raise QueryRefused("INVALID_CURSOR_ARGUMENTS", message) from err
