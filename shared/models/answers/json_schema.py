"""Whether a JSON value fits a JSON schema, as far as the schemas of tools go."""

from collections.abc import Iterator, Mapping, Sequence

_KINDS: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int, float),
    "number": (int, float),
    "null": (type(None),),
}
#: A schema that nests deeper than this is not looked into.
_DEEPEST = 32


def misfit(schema: object, value: object) -> str:
    """Return what keeps `value` from fitting `schema`, or nothing.

    Like typed answers it is lenient where nothing is lost: keys that the schema does not name pass,
    and so does the absence of a required key that may be null. Words of a schema that it does not
    know, as `$ref` or `pattern`, pass too. It shows no text: that may be people's.
    """
    return next(_misfits(schema, value, "", 0), "")


def _misfits(schema: object, value: object, at: str, depth: int) -> Iterator[str]:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return
    place = at or "the whole"
    options = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(options, list) and not _fits_one(options, value, depth):
        yield f"{place} fits none of its kinds"
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is_a(kind, value) for kind in kinds):
        yield f"{place} is no {' or '.join(kinds)}"
        return
    allowed = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(allowed, list) and not any(_same(value, known) for known in allowed):
        yield f"{place} is not one of: {', '.join(map(str, allowed))}"
    if isinstance(value, dict):
        yield from _misfits_of_object(schema, value, at, depth)
    elif isinstance(value, list):
        yield from _out_of_bounds(schema, len(value), place, ("minItems", "maxItems"), "items")
        for number, item in enumerate(value):
            yield from _misfits(schema.get("items"), item, f"{at}[{number}]", depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _out_of_bounds(schema, value, place, ("minimum", "maximum"), "")


def _misfits_of_object(
    schema: Mapping[str, object], value: Mapping[str, object], at: str, depth: int
) -> Iterator[str]:
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    required = schema.get("required")
    for name in required if isinstance(required, Sequence) else ():
        if name not in value and not _may_be_null(properties.get(name)):
            yield f"{_below(at, name)} is missing"
    for name in properties.keys() & value.keys():
        yield from _misfits(properties[name], value[name], _below(at, name), depth + 1)


def _below(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _fits_one(options: Sequence[object], value: object, depth: int) -> bool:
    return any(not any(_misfits(option, value, "", depth + 1)) for option in options)


def _may_be_null(schema: object) -> bool:
    return isinstance(schema, Mapping) and bool(schema) and not misfit(schema, None)


def _is_a(kind: str, value: object) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _KINDS.get(kind, (object,)))


def _same(value: object, known: object) -> bool:
    """Python holds that True is 1; JSON does not."""
    return isinstance(value, bool) == isinstance(known, bool) and value == known


def _out_of_bounds(
    schema: Mapping[str, object], size: float, place: str, words: tuple[str, str], unit: str
) -> Iterator[str]:
    low, high = (schema.get(word) for word in words)
    counted = f"{size} {unit}".rstrip()
    has = f"{place} {'has' if unit else 'is'} {counted}"
    if isinstance(low, int | float) and size < low:
        yield f"{has}, less than {low}"
    if isinstance(high, int | float) and not size <= high:
        yield f"{has}, more than {high}"
