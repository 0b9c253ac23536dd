"""What a type of a GraphQL schema consists of, in a form that two schemas can be compared by."""

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
)


def members(kind: GraphQLNamedType) -> dict[str, str]:
    """Return the fields with their types and `field(argument)`, or the values, or the members."""
    if isinstance(kind, GraphQLEnumType):
        return dict.fromkeys(kind.values, "")
    if isinstance(kind, GraphQLUnionType):
        return {one.name: "" for one in kind.types}
    if isinstance(kind, GraphQLInputObjectType):
        return {name: str(field.type) for name, field in kind.fields.items()}
    if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        return {}
    found = {f"implements {one.name}": "" for one in kind.interfaces}
    for name, field in kind.fields.items():
        found[name] = str(field.type)
        found |= {f"{name}({argument})": str(one.type) for argument, one in field.args.items()}
    return found
