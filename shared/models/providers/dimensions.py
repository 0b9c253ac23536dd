"""How many dimensions an embedding model's vectors have: known, said in its name, or None."""

from collections.abc import Mapping
from typing import NamedTuple


class Sized(NamedTuple):
    """An embedder's name without its dimensions, them if known, and whether the name said them."""

    name: str
    dimensions: int | None
    chosen: bool


def sized(name: str, known: Mapping[str, int]) -> Sized:
    """Read `openai:text-embedding-3-small@512`, or look the model up in `known`."""
    plain, at, said = name.rpartition("@")
    if at and said.isdecimal() and int(said) > 0:
        return Sized(plain, int(said), True)
    model = name.partition("#")[2] or name.partition(":")[2]
    return Sized(name, known.get(model) or known.get(model.partition(":")[0]), False)
