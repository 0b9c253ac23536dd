"""Frozen dataclasses that are cheap to load.

`dataclasses` writes and compiles six methods for each class, which takes a millisecond of every
cold start. Here all classes share them.
"""

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """Make a dataclass that is compared by its fields and does not change, as
    `dataclass(frozen=True)` does. Methods that the class defines itself stay."""
    for name, method in _METHODS.items():
        if cls.__dict__.get(name) is None:  # as __hash__ is beside an __eq__
            setattr(cls, name, method)
    return dataclass(init=False, repr=False, eq=False)(cls)


def _init(self: Any, /, *given: Any, **named: Any) -> None:
    """Set the fields in their order; raises TypeError as a call of a function does."""
    names, kind = self.__match_args__, type(self).__name__
    if len(given) > len(names):
        raise TypeError(f"{kind} takes {len(names)} arguments, and was given {len(given)}")
    held = self.__dict__
    held.update(zip(names, given, strict=False))
    if named and (twice := held.keys() & named):
        raise TypeError(f"{kind} was given {min(twice)!r} twice")
    for name in names[len(given) :]:
        held[name] = named.pop(name) if name in named else _default(self, name)
    if named:
        raise TypeError(f"{kind} has no {min(named)!r}")
    if prepare := getattr(self, "__post_init__", None):
        prepare()


def _default(self: Any, name: str) -> Any:
    one = self.__dataclass_fields__[name]
    if one.default is not MISSING:
        return one.default
    if one.default_factory is not MISSING:
        return one.default_factory()
    raise TypeError(f"{type(self).__name__} needs {name!r}")


def _repr(self: Any) -> str:
    shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{type(self).__qualname__}({shown})"


def _equals(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _held(self) == _held(other)


def _hash(self: Any) -> int:
    return hash(_held(self))


def _held(self: Any) -> Any:
    """Return the values of all fields that are compared; of a single field, its value alone."""
    kind: Any = type(self)
    return _compared(kind)(self)


@cache
def _compared(kind: Any) -> Callable[[Any], Any]:
    names = [one.name for one in fields(kind) if one.compare]
    return attrgetter(*names) if names else lambda _: ()


def _refuse_to_set(self: Any, name: str, value: Any) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


_METHODS = {
    "__init__": _init,
    "__repr__": _repr,
    "__eq__": _equals,
    "__hash__": _hash,
    "__setattr__": _refuse_to_set,
    "__delattr__": _refuse_to_delete,
}
