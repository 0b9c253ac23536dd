"""Checks a JSON value against a JSON schema, as far as the schemas of tools go."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

_KINDS: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list, tuple),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int, float),
    "number": (int, float),
    "null": (type(None),),
}
#: Schemas are checked down to this depth.
_DEEPEST = 32


def misfit(schema: object, value: object) -> str:
    """Return the first thing that keeps `value` from fitting `schema`, or nothing.

    Like typed answers it is lenient where nothing is lost: it ignores keys that the schema does
    not name, and takes an absent key for null where null is allowed.
    """
    return next(SchemaCheck().misfits(schema, value), "")


class SchemaCheck(NamedTuple):
    """The way to check. `strict` refuses the keys that a closed object does not name, and the
    absence of a required key that may be null. `exempt` tells values that fit everywhere.

    Words of a schema such as `$ref` or `pattern` are ignored. Messages show numbers and keys, and
    never text, which may be people's.
    """

    strict: bool = False
    exempt: Callable[[object], bool] = lambda value: False

    def misfits(self, schema: object, value: object, at: str = "", depth: int = 0) -> Iterator[str]:
        """Yield what is wrong with `value`, which lies at the path `at`."""
        if not isinstance(schema, Mapping) or depth > _DEEPEST or self.exempt(value):
            return
        place = at or "the whole"
        options = schema.get("anyOf") or schema.get("oneOf")
        if isinstance(options, list):
            found = [list(self.misfits(option, value, at, depth + 1)) for option in options]
            if all(found):
                yield min(found, key=len)[0]
                return
        kinds = schema.get("type", ())
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if kinds and not any(_is_a(kind, value) for kind in kinds):
            yield f"{place} is not of type {' or '.join(kinds)}"
            return
        allowed = [schema["const"]] if "const" in schema else schema.get("enum")
        if isinstance(allowed, list) and not any(_same(value, known) for known in allowed):
            yield f"{place} is not one of: {', '.join(map(str, allowed))}"
        if isinstance(value, dict):
            yield from self._of_object(schema, value, at, depth)
        elif isinstance(value, list | tuple):
            said = f"{place} has {len(value)} items"
            yield from _out_of_bounds(schema, len(value), said, ("minItems", "maxItems"))
            for number, item in enumerate(value):
                yield from self.misfits(schema.get("items"), item, f"{at}[{number}]", depth + 1)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield from _out_of_bounds(schema, value, f"{place} is {value}", ("minimum", "maximum"))

    def _of_object(
        self, schema: Mapping[str, object], value: Mapping[str, object], at: str, depth: int
    ) -> Iterator[str]:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        required = schema.get("required")
        for name in required if isinstance(required, Sequence) else ():
            if name not in value and (self.strict or not _may_be_null(properties.get(name))):
                yield f"{_below(at, name)} is missing"
        for name, part in value.items():
            if name in properties:
                yield from self.misfits(properties[name], part, _below(at, name), depth + 1)
            elif self.strict and schema.get("additionalProperties") is False:
                takes = ", ".join(properties) or "nothing"
                yield f"{at or 'the whole'} has no {name}; it takes {takes}"


def _below(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _may_be_null(schema: object) -> bool:
    return isinstance(schema, Mapping) and bool(schema) and not misfit(schema, None)


def _is_a(kind: str, value: object) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _KINDS.get(kind, (object,)))


def _same(value: object, known: object) -> bool:
    """Compare as JSON does, in which true is not 1."""
    return isinstance(value, bool) == isinstance(known, bool) and value == known


def _out_of_bounds(
    schema: Mapping[str, object], size: float, said: str, words: tuple[str, str]
) -> Iterator[str]:
    low, high = (schema.get(word) for word in words)
    if isinstance(low, int | float) and size < low:
        yield f"{said}, less than {low}"
    if isinstance(high, int | float) and not size <= high:
        yield f"{said}, more than {high}"
