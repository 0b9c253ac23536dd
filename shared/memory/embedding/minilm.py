"""all-MiniLM-L6-v2 in numpy: a sentence encoder of six layers that needs no training framework.

The model is the one of https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2: a BERT
encoder, the mean over its tokens, scaled to length one. The names of the weights below are the
names in the model's file.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

#: Too large for any function; infra/bundle ships this module only with that part.
PART = "embedder"

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

DIMENSIONS = 384
HEADS = 12
LAYERS = 6
#: The model was trained on 128 tokens and is used with 256; the rest of a text is cut off.
MAX_TOKENS = 256
#: Rows times length of one batch: its arrays, below 20 MB, stay in the processor's cache.
BATCH_TOKENS = 512
#: A word of over 100 characters is one token. Texts are cut first, lest the tokenizer read a
#: megabyte.
MAX_CHARACTERS = MAX_TOKENS * 100


class Layer(NamedTuple):
    """One layer: self-attention and a feed-forward network, each followed by a normalisation."""

    query: "Linear"
    key: "Linear"
    value: "Linear"
    output: "Linear"
    attended: "Norm"
    widen: "Linear"
    narrow: "Linear"
    done: "Norm"


class Linear(NamedTuple):
    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        # One matrix: numpy multiplies a stack of matrices one by one, which is half as fast.
        flat: Floats = x.reshape(-1, x.shape[-1]) @ self.weight.T + self.bias
        return flat.reshape(*x.shape[:-1], -1)


class Norm(NamedTuple):
    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        centred = x - x.mean(-1, np.float32, keepdims=True)
        variance = (centred * centred).mean(-1, np.float32, keepdims=True)
        variance += np.float32(1e-12)
        np.sqrt(variance, out=variance)
        scaled: Floats = centred / variance
        return scaled * self.weight + self.bias


class Encoder:
    """The loaded model. Its weights stay mapped from the file, so processes share them."""

    def __init__(self, folder: Path) -> None:
        """Load the model in `folder`; raises OSError, ValueError or KeyError if that fails."""
        self._weights = read_safetensors(folder / "model.safetensors")
        self._normalise = self._norm("embeddings.LayerNorm")
        self._layers = [self._layer(f"encoder.layer.{number}") for number in range(LAYERS)]
        self._tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text("utf-8"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return one row of length one per text.

        Texts of similar length share a batch, so little is padded.
        """
        # encode_batch starts threads, and complains of them in a process that forks.
        tokens = [self._tokenizer.encode(readable(text)).ids for text in texts]
        rows = np.empty((len(texts), DIMENSIONS), np.float32)
        for batch in batches([len(ids) for ids in tokens]):
            rows[batch] = self._forward([tokens[index] for index in batch])
        return rows

    def _forward(self, tokens: Sequence[Sequence[int]]) -> Floats:
        ids, mask = padded(tokens)
        weights = self._weights
        x = weights["embeddings.word_embeddings.weight"][ids]
        x += weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x += weights["embeddings.token_type_embeddings.weight"][0]
        x = self._normalise(x)
        ignored = ((1 - mask) * np.float32(-1e9))[:, None, None, :]
        for layer in self._layers:
            x = layer.attended(x + attention(layer, x, ignored))
            x = layer.done(x + layer.narrow(gelu(layer.widen(x))))
        mean = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        return unit(mean)

    def _layer(self, name: str) -> Layer:
        return Layer(
            query=self._linear(f"{name}.attention.self.query"),
            key=self._linear(f"{name}.attention.self.key"),
            value=self._linear(f"{name}.attention.self.value"),
            output=self._linear(f"{name}.attention.output.dense"),
            attended=self._norm(f"{name}.attention.output.LayerNorm"),
            widen=self._linear(f"{name}.intermediate.dense"),
            narrow=self._linear(f"{name}.output.dense"),
            done=self._norm(f"{name}.output.LayerNorm"),
        )

    def _linear(self, name: str) -> Linear:
        return Linear(self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, name: str) -> Norm:
        return Norm(self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])


def attention(layer: Layer, x: Floats, ignored: Floats) -> Floats:
    """Compute scaled dot-product self-attention; `ignored` is hugely negative for padding."""
    rows, length, _ = x.shape

    def heads(linear: Linear) -> Floats:
        return linear(x).reshape(rows, length, HEADS, DIMENSIONS // HEADS).transpose(0, 2, 1, 3)

    scores: Floats = heads(layer.query) @ heads(layer.key).transpose(0, 1, 3, 2)
    scores *= np.float32((DIMENSIONS // HEADS) ** -0.5)
    scores += ignored
    scores -= scores.max(-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(-1, keepdims=True)
    mixed: Floats = (scores @ heads(layer.value)).transpose(0, 2, 1, 3)
    return layer.output(mixed.reshape(rows, length, DIMENSIONS))


def gelu(x: Floats) -> Floats:
    """Multiply x in place by the normal distribution's cumulative probability of x."""
    x *= np.float32(0.5) * (1 + erf(x * np.float32(0.5**0.5)))
    return x


def erf(x: Floats) -> Floats:
    """The error function to 1.5e-7: Abramowitz and Stegun, Mathematical Functions, 7.1.26."""
    sign, x = np.sign(x), np.abs(x)
    t = np.float32(1) / (1 + np.float32(0.3275911) * x)
    polynomial = np.zeros_like(t)
    for coefficient in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        polynomial += np.float32(coefficient)
        polynomial *= t
    result: Floats = sign * (1 - polynomial * np.exp(-x * x))
    return result


def readable(text: str) -> str:
    """Cut the text, and replace halves of surrogate pairs, which the tokenizer refuses."""
    return text[:MAX_CHARACTERS].encode("utf-8", "replace").decode()


def unit(rows: Floats) -> Floats:
    scaled: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Split the texts, shortest first, so that rows times longest stays within BATCH_TOKENS."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[index] > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def padded(tokens: Sequence[Sequence[int]]) -> tuple[Integers, Floats]:
    """Return the tokens as one array, and a mask: 1 for a token, 0 for padding."""
    length = max(len(ids) for ids in tokens)
    ids = np.zeros((len(tokens), length), np.int64)
    mask = np.zeros((len(tokens), length), np.float32)
    for row, values in enumerate(tokens):
        ids[row, : len(values)] = values
        mask[row, : len(values)] = 1
    return ids, mask


def read_safetensors(path: Path) -> dict[str, Floats]:
    """Map the 32-bit floats of a safetensors file: a length, a JSON header, the raw tensors.

    https://github.com/huggingface/safetensors#format
    """
    mapped = np.memmap(path, np.uint8, "r")
    start = 8 + int.from_bytes(mapped[:8].tobytes(), "little")
    header = json.loads(mapped[8:start].tobytes())
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            first, end = entry["data_offsets"]
            flat = np.frombuffer(mapped, np.float32, (end - first) // 4, start + first)
            tensors[name] = flat.reshape(entry["shape"])
    return tensors
