"""How many dimensions an embedding model's vectors have: known, or said in its name."""

from collections.abc import Mapping
from typing import NamedTuple

from shared.errors import SettingsError


class Sized(NamedTuple):
    """An embedder's name without its dimensions, them, and whether the name said them."""

    name: str
    dimensions: int
    chosen: bool


def sized(name: str, known: Mapping[str, int]) -> Sized:
    """Read `openai:text-embedding-3-small@512`, or look the model up in `known`.

    Raises SettingsError when the dimensions are neither said nor known.
    """
    plain, at, said = name.rpartition("@")
    if at and said.isdecimal() and int(said) > 0:
        return Sized(plain, int(said), True)
    model = name.partition("#")[2] or name.partition(":")[2]
    dimensions = known.get(model) or known.get(model.partition(":")[0])
    if dimensions is None:
        raise SettingsError(
            f"MODEL_EMBED={name!r}: its dimensions are not known; add them, as {name}@768"
        )
    return Sized(name, dimensions, False)
