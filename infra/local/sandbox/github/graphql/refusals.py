"""What GitHub's GraphQL API refuses: with status 200, as `errors` beside the data.

https://docs.github.com/en/graphql/guides/forming-calls-with-graphql
"""

import re
from collections.abc import Callable

from graphql import GraphQLError

from infra.local.sandbox.github.errors import GitHubError
from shared.events import Json

_UNKNOWN_FIELD = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'")
_TYPES = {403: "FORBIDDEN", 404: "NOT_FOUND"}


class QueryRefused(Exception):
    """An error with GitHub's type, as in NOT_FOUND."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def no_node(identifier: str) -> QueryRefused:
    message = f"Could not resolve to a node with the global id of '{identifier}'"
    return QueryRefused("NOT_FOUND", message)


def asking(ask: Callable[[], Json]) -> Json:
    """Return what the rest of the sandbox answers; its refusals in GraphQL's terms."""
    try:
        return ask()
    except GitHubError as err:
        details = err.body.get("errors", [])
        texts = [str(one.get("message", "")) if isinstance(one, dict) else one for one in details]
        raise QueryRefused(
            _TYPES.get(err.status, "UNPROCESSABLE"), "; ".join(filter(None, texts)) or str(err)
        ) from err


def shown(error: GraphQLError) -> Json:
    """Show an error as GitHub does."""
    locations = [{"line": at.line, "column": at.column} for at in error.locations or ()]
    cause = error.original_error
    if isinstance(cause, QueryRefused):
        # https://github.com/github-community-projects/contributors/issues/492
        forbidden = {"extensions": {"saml_failure": False}} if cause.kind == "FORBIDDEN" else {}
        place = {"path": error.path, "locations": locations}
        return {"type": cause.kind, **place, **forbidden, "message": str(cause)}
    if found := _UNKNOWN_FIELD.match(error.message):
        # https://github.com/poingstudios/godot-admob-plugin/pull/493
        name, kind = found.groups()
        code = {"code": "undefinedField", "typeName": kind, "fieldName": name}
        message = f"Field '{name}' doesn't exist on type '{kind}'"
        return {"extensions": code, "locations": locations, "message": message}
    path = {"path": error.path} if error.path else {}
    return {**path, "locations": locations, "message": error.message}
