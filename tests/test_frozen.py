"""A frozen class does what a frozen dataclass does."""

from collections.abc import Callable
from dataclasses import (
    FrozenInstanceError,
    asdict,
    dataclass,
    field,
    fields,
    is_dataclass,
    replace,
)
from typing import Any, ClassVar

import pytest

from shared.frozen import frozen

Decorator = Callable[[Any], Any]
#: Held as plain functions, so that the type checker takes neither for the other.
MAKERS: list[Decorator] = [dataclass(frozen=True), frozen]


def _made(decorator: Decorator) -> Any:
    class Place:
        kind: ClassVar[str] = "place"
        name: str
        tags: tuple[str, ...] = ()
        secret: str = field(default="", repr=False)
        seen: list[int] = field(default_factory=list)

    Place.__qualname__ = "Place"
    return decorator(Place)


@pytest.mark.parametrize("decorator", MAKERS)
def test_it_is_made_shown_compared_and_replaced(decorator: Decorator) -> None:
    place = _made(decorator)
    one = place("a", secret="s", tags=("t",))
    assert repr(one) == "Place(name='a', tags=('t',), seen=[])"
    assert list(vars(one)) == ["name", "tags", "secret", "seen"]
    assert one == place("a", ("t",), "s", [])
    assert one != place("a", ("t",), "another", [])
    assert one != ("a", ("t",), "s", [])
    assert replace(one, name="b") == place("b", ("t",), "s")
    assert asdict(one) == {"name": "a", "tags": ("t",), "secret": "s", "seen": []}
    assert [each.name for each in fields(place)] == ["name", "tags", "secret", "seen"]
    assert place("a").seen is not place("a").seen
    match one:
        case place(name, tags):
            assert (name, tags) == ("a", ("t",))
        case _:
            pytest.fail("its fields do not stand in order")
    assert is_dataclass(one)


@pytest.mark.parametrize("decorator", MAKERS)
def test_it_refuses_to_change(decorator: Decorator) -> None:
    one = _made(decorator)("a")
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'name'"):
        one.name = "b"
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'name'"):
        del one.name


@pytest.mark.parametrize("decorator", MAKERS)
@pytest.mark.parametrize(
    ("given", "named"),
    [((), {}), (("a",), {"name": "b"}), (("a",), {"other": 1}), (("a", (), "", [], 1), {})],
)
def test_it_refuses_wrong_arguments(
    decorator: Decorator, given: tuple[Any, ...], named: dict[str, Any]
) -> None:
    with pytest.raises(TypeError):
        _made(decorator)(*given, **named)


@pytest.mark.parametrize("decorator", MAKERS)
def test_equal_ones_have_one_hash(decorator: Decorator) -> None:
    class Fields:
        left: int
        right: str = "x"

    Pair = decorator(Fields)
    assert len({Pair(1), Pair(1, "x"), Pair(2)}) == 2


@pytest.mark.parametrize("decorator", MAKERS)
def test_fields_and_methods_are_inherited_and_own_methods_stay(decorator: Decorator) -> None:
    def check(self: Any) -> None:
        if self.left < 0:
            raise ValueError("below zero")

    def is_equal(self: Any, other: Any) -> bool:
        return bool(abs(self.left) == abs(other.left))

    of_base = {"__annotations__": {"left": int}, "__post_init__": check, "__eq__": is_equal}
    base = decorator(type("Base", (), {**of_base, "__hash__": None}))
    of_derived = {"__annotations__": {"right": int}, "right": 2, "__repr__": lambda self: "mine"}
    derived = decorator(type("Derived", (base,), of_derived))
    assert repr(derived(1)) == "mine"
    assert (derived(1).left, derived(1).right) == (1, 2)
    assert hash(base(1)) == hash(base(1))
    assert derived(1) != derived(1, 3)
    with pytest.raises(ValueError, match="below zero"):
        derived(-1)
