"""The protocol of an embedding model behind one wire format, and the dimensions that a name
says."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from shared.models import EmbeddingPurpose
from shared.models.deadline import Deadline


class Portion(NamedTuple):
    """The limits of one call: texts, bytes of all together, characters of each.

    A tokenizer makes at most one token of each byte, so a limit in tokens holds in bytes.
    """

    texts: int
    bytes: int
    characters: int


class Vectors(NamedTuple):
    """The vectors of a call, and its tokens; 0 where the server does not say."""

    rows: list[list[float]]
    tokens: int = 0


class EmbeddingWire(Protocol):
    """One embedding model behind one wire format.

    `dimensions` is None until the first answer when the name does not say them. `call` takes one
    `portion`, and raises ModelUnavailable or ModelRejected.
    """

    name: str
    dimensions: int | None
    asymmetric: bool
    portion: Portion

    def call(
        self, texts: Sequence[str], purpose: EmbeddingPurpose, deadline: Deadline
    ) -> Vectors: ...


class Sized(NamedTuple):
    """A model's name without its dimensions, these if known, and True if the name said them."""

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
