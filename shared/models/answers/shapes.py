"""Shapes of types: each writes its JSON schema and reads a JSON value strictly."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, Protocol

from shared.events import Json

#: The name of the whole answer in messages.
ROOT = "the answer"


class Misfit(ValueError):
    """A value that does not fit. The message names the place and what belongs there. It shows
    numbers but no text, which may be people's."""


class Between(NamedTuple):
    """Inclusive bounds of a number, of a count of items, or of a count of characters.

    As in `Annotated[float, Between(0, 1), "how sure you are"]`.
    """

    low: float | None = None
    high: float | None = None

    def schema(self, least: str, most: str) -> Json:
        """Return the bounds as the JSON schema's words `least` and `most`."""
        bounds = {least: self.low, most: self.high}
        return {word: bound for word, bound in bounds.items() if bound is not None}


def at_most(high: int) -> Between:
    """Bound a collection to `high` items, or a text to `high` characters."""
    return Between(None, high)


class Shape(Protocol):
    def schema(self) -> Json: ...

    def read(self, value: object, at: str) -> Any: ...


class TextShape(NamedTuple):
    bounds: Between = Between()

    def schema(self) -> Json:
        # Strict servers refuse minLength and maxLength, so the bound is said in words.
        high = self.bounds.high
        said = {} if high is None else {"description": f"At most {high:.0f} characters."}
        return {"type": "string"} | said

    def read(self, value: object, at: str) -> str:
        if not isinstance(value, str):
            raise Misfit(f"{at} is not text")
        _check_size(len(value), self.bounds, at, "characters")
        return value


class BooleanShape:
    def schema(self) -> Json:
        return {"type": "boolean"}

    def read(self, value: object, at: str) -> bool:
        if not isinstance(value, bool):
            raise Misfit(f"{at} is not true or false")
        return value


class NumberShape(NamedTuple):
    """An int when `whole`, else a float. Grammars ignore bounds, so models do send 12501 or inf."""

    whole: bool
    bounds: Between = Between()

    def schema(self) -> Json:
        kind = "integer" if self.whole else "number"
        return {"type": kind} | self.bounds.schema("minimum", "maximum")

    def read(self, value: object, at: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Misfit(f"{at} is not a number")
        if not -1e300 < value < 1e300:
            raise Misfit(f"{at} is not a finite number")
        if self.whole and value != int(value):
            raise Misfit(f"{at} is {value}, not a whole number")
        low, high = self.bounds.low, self.bounds.high
        if low is not None and value < low:
            raise Misfit(f"{at} is {value}, less than {low}")
        if high is not None and value > high:
            raise Misfit(f"{at} is {value}, more than {high}")
        return int(value) if self.whole else float(value)


class ChoiceShape(NamedTuple):
    """One of a closed set. `values` maps each JSON value to the author's value."""

    values: tuple[tuple[str | int | bool, Any], ...]
    about: tuple[str, ...] = ()

    def schema(self) -> Json:
        names = [name for name, _ in self.values]
        kinds = {bool: "boolean", int: "integer", str: "string"}
        kind = {kinds[type(name)] for name in names}
        typed = {"type": kind.pop()} if len(kind) == 1 else {}
        said = {"description": "\n".join(self.about)} if self.about else {}
        return typed | {"enum": names} | said

    def read(self, value: object, at: str) -> Any:
        for name, result in self.values:
            if type(name) is type(value) and name == value:
                return result
        names = ", ".join(str(name) for name, _ in self.values)
        raise Misfit(f"{at} is not one of: {names}")


class ListShape(NamedTuple):
    """A list, tuple, set or frozenset of one shape."""

    of: Shape
    build: Callable[[list[Any]], Collection[Any]]
    bounds: Between = Between()

    def schema(self) -> Json:
        if self.of == ChoiceShape(()):
            return {"type": "array", "items": {"type": "string"}, "maxItems": 0}
        bounds = self.bounds.schema("minItems", "maxItems")
        return {"type": "array", "items": self.of.schema()} | bounds

    def read(self, value: object, at: str) -> Any:
        if not isinstance(value, list):
            raise Misfit(f"{at} is not a list")
        built = self.build([self.of.read(item, f"{at}[{i}]") for i, item in enumerate(value)])
        _check_size(len(built), self.bounds, at, "items")
        return built


class NullableShape(NamedTuple):
    """A shape or null."""

    of: Shape

    def schema(self) -> Json:
        if self.of == ChoiceShape(()):
            return {"type": "null"}
        return {"anyOf": [self.of.schema(), {"type": "null"}]}

    def read(self, value: object, at: str) -> Any:
        return None if value is None else self.of.read(value, at)


class ObjectField(NamedTuple):
    """A key of an object. Strict servers write null in the place of an absent one."""

    shape: Shape
    required: bool
    about: str = ""


class ObjectShape(NamedTuple):
    """A dataclass, a NamedTuple or a TypedDict. Unknown keys are ignored."""

    build: Callable[..., Any]
    keys: Mapping[str, ObjectField]

    def schema(self) -> Json:
        return {
            "type": "object",
            "properties": {name: _described(field) for name, field in self.keys.items()},
            "required": list(self.keys),
            "additionalProperties": False,
        }

    def read(self, value: object, at: str) -> Any:
        if not isinstance(value, dict):
            raise Misfit(f"{at} is not an object")
        found = {}
        for name, field in self.keys.items():
            place = name if at == ROOT else f"{at}.{name}"
            if name in value and (value[name] is not None or field.required):
                found[name] = field.shape.read(value[name], place)
            elif isinstance(field.shape, NullableShape) and field.required:
                found[name] = None
            elif field.required:
                raise Misfit(f"{place} is missing")
        try:
            return self.build(**found)
        except ValueError as err:
            raise Misfit(f"{at} holds values that do not go together") from err


def _described(field: ObjectField) -> Json:
    shape = field.shape
    absent = not field.required and not isinstance(shape, NullableShape)
    schema = NullableShape(shape).schema() if absent else shape.schema()
    about = [text for text in (field.about, schema.get("description", "")) if text]
    return schema | ({"description": "\n".join(about)} if about else {})


def _check_size(size: int, bounds: Between, at: str, unit: str) -> None:
    if bounds.low is not None and size < bounds.low:
        raise Misfit(f"{at} has {size} {unit}, fewer than {bounds.low:.0f}")
    if bounds.high is not None and size > bounds.high:
        raise Misfit(f"{at} has {size} {unit}, more than {bounds.high:.0f}")
