"""Answers a request to the GraphQL API: parses it, checks it against the schema, executes it.

https://docs.github.com/en/graphql/guides/forming-calls-with-graphql
"""

from functools import cache
from pathlib import Path

from graphql import (
    GraphQLError,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from infra.local.sandbox.github.call import ApiReply, Call
from infra.local.sandbox.github.errors import GitHubError
from infra.local.sandbox.github.graphql.mutations import Mutations
from infra.local.sandbox.github.graphql.refusals import shown
from shared.events import Json


@cache
def schema() -> GraphQLSchema:
    return build_schema(Path(__file__).with_name("schema.graphql").read_text("utf-8"))


def answer(call: Call) -> ApiReply:
    """Execute the query, or the mutations one after another."""
    if call.who.is_app:
        raise GitHubError(401, "Bad credentials")
    query, variables = call.fields.get("query"), call.fields.get("variables") or {}
    if not isinstance(query, str) or not isinstance(variables, dict):
        raise GitHubError(400, "A query attribute must be specified and must be a string.")
    try:
        document = parse(query)
    except GraphQLError as err:
        return ApiReply({"errors": [shown(err)]})
    if errors := validate(schema(), document):
        return ApiReply({"errors": [shown(err) for err in errors]})
    answers = Mutations(call)
    result = execute_sync(
        schema(),
        document,
        {**answers.root(), **answers.changes()},
        variable_values=variables,
        operation_name=call.fields.get("operationName"),
    )
    body: Json = {} if result.data is None and result.errors else {"data": result.data}
    if result.errors:
        body["errors"] = [shown(err) for err in result.errors]
    return ApiReply(body)
