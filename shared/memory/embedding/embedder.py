"""The protocol of the memory's embedders."""

from collections.abc import Sequence
from typing import Literal, Protocol

#: The use of a vector: to keep and find a text, or to ask for one.
Purpose = Literal["document", "query"]


class Embedder(Protocol):
    """Turns texts into vectors of length one, as the protocol of the model layer does. A text that
    it refuses while it takes others has an empty one.

    An `asymmetric` embedder gives the same text another vector as a question.
    """

    name: str
    asymmetric: bool

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]: ...
