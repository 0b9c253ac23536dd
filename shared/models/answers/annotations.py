"""Turns a Python type into the shape that a model is asked for."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import lru_cache
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from shared.models.answers.shapes import (
    Between,
    BooleanShape,
    ChoiceShape,
    ListShape,
    NullableShape,
    NumberShape,
    ObjectField,
    ObjectShape,
    Shape,
    TextShape,
)


class Chosen(NamedTuple):
    """A type with fields that are restricted to names known at run time."""

    kind: type
    choices: Mapping[str, Mapping[str, str]]


def shape_of(kind: Any, seen: tuple[Any, ...] = ()) -> Shape:
    """Return the shape of a type; raises TypeError when models cannot be asked for it."""
    if isinstance(kind, Chosen):
        return _restricted(kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _bounded(shape_of(arguments[0], seen), arguments[1:])
    if origin in {Required, NotRequired}:
        return shape_of(arguments[0], seen)
    if origin in {Union, types.UnionType}:
        rest = [part for part in arguments if part is not type(None)]
        if len(rest) == 1 and len(rest) < len(arguments):
            return NullableShape(shape_of(rest[0], seen))
    elif origin is Literal:
        return _choice([(value, value) for value in arguments], kind)
    elif origin in {list, set, frozenset} or (origin is tuple and arguments[1:] == (...,)):
        return ListShape(shape_of(arguments[0], seen), origin)
    elif isinstance(kind, type):
        return _shape_of_class(kind, seen)
    raise TypeError(
        f"no model can be asked for {kind}; use a dataclass, NamedTuple, TypedDict, Literal, Enum, "
        "str, int, float, bool, an optional of these, or a list, tuple[…, ...] or set of them"
    )


@lru_cache(maxsize=256)
def _shape_of_class(kind: Any, seen: tuple[Any, ...]) -> Shape:
    simple: dict[type, Shape] = {
        str: TextShape(),
        bool: BooleanShape(),
        int: NumberShape(True),
        float: NumberShape(False),
    }
    if kind in simple:
        return simple[kind]
    if issubclass(kind, Enum):
        return _choice([(member.value, member) for member in kind], kind)
    if kind in seen:
        raise TypeError(f"{kind.__name__} holds itself; a model's answer must have an end")
    hints = get_type_hints(kind, include_extras=True)
    if is_dataclass(kind):
        optional = {
            f.name
            for f in fields(kind)
            if f.default is not MISSING or f.default_factory is not MISSING
        }
        hints = {f.name: hints[f.name] for f in fields(kind) if f.init}
    elif is_typeddict(kind):
        optional = set(kind.__optional_keys__)
    elif issubclass(kind, tuple) and hasattr(kind, "_field_defaults"):
        optional = set(kind._field_defaults)
    else:
        raise TypeError(f"no model can be asked for {kind.__name__}; make it a dataclass")
    inside = (*seen, kind)
    keys = {
        name: ObjectField(shape_of(hint, inside), name not in optional, _about(hint))
        for name, hint in hints.items()
    }
    return ObjectShape(kind, keys)


def _choice(values: list[tuple[Any, Any]], kind: Any) -> Shape:
    named = tuple((name, value) for name, value in values if name is not None)
    if not named or not all(isinstance(name, str | int) for name, _ in named):
        raise TypeError(f"no model can choose from {kind}; its values must be text or integers")
    return ChoiceShape(named) if len(named) == len(values) else NullableShape(ChoiceShape(named))


def _about(hint: Any) -> str:
    """Return the description, which is text in Annotated."""
    extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return " ".join(extra for extra in extras if isinstance(extra, str))


def _bounded(shape: Shape, extras: tuple[Any, ...]) -> Shape:
    for extra in extras:
        if isinstance(extra, Between) and isinstance(shape, TextShape | NumberShape | ListShape):
            shape = shape._replace(bounds=extra)
        elif isinstance(extra, Between) and isinstance(shape, NullableShape):
            shape = NullableShape(_bounded(shape.of, (extra,)))
    return shape


def _restricted(chosen: Chosen) -> Shape:
    shape = shape_of(chosen.kind)
    if not isinstance(shape, ObjectShape):
        raise TypeError(f"choices are for the fields of a dataclass, not for {chosen.kind}")
    unknown = chosen.choices.keys() - shape.keys.keys()
    if unknown:
        raise TypeError(f"{chosen.kind.__name__} has no field {', '.join(sorted(unknown))}")
    keys = dict(shape.keys)
    for name, choices in chosen.choices.items():
        keys[name] = keys[name]._replace(shape=_closed(keys[name].shape, choices, name))
    return shape._replace(keys=keys)


def _closed(shape: Shape, choices: Mapping[str, str], name: str) -> Shape:
    """Replace the text in `shape` by a choice; the model is told each choice's description."""
    if isinstance(shape, ListShape | NullableShape):
        inner = _closed(shape.of, choices, name) if choices else ChoiceShape(())
        return shape._replace(of=inner)
    if not isinstance(shape, TextShape):
        raise TypeError(f"{name} can be restricted to names only if it is text or a list of it")
    if not choices:
        raise TypeError(f"{name} has nothing to choose from; make it optional or a list")
    about = tuple(f"{key}: {said}" for key, said in choices.items() if said)
    return ChoiceShape(tuple((key, key) for key in choices), about)
