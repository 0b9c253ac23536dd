"""A tiny language model with random weights, written as the GGUF file that llama.cpp loads."""

import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Tensor = NDArray[np.float32]

#: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
_MAGIC, _VERSION, _ALIGNMENT = b"GGUF", 3, 32
_UINT32, _INT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9
_NORMAL, _CONTROL, _USER_DEFINED = 1, 3, 4

_WIDTH, _HEADS, _LAYERS, _HIDDEN, _CONTEXT = 64, 4, 2, 128, 4096
_MEAN_POOLING = 1

_SPECIAL = ("<|unk|>", "<|bos|>", "<|eos|>", "<|im_start|>", "<|im_end|>")
_CALL, _CALL_END = "<tool_call>", "</tool_call>"

#: The turns as ChatML, the tools and their calls as Qwen and Hermes write them: llama.cpp reads
#: from the template which calls a model makes.
TEMPLATE = """\
{%- if tools %}<|im_start|>system
# Tools
<tools>
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
</tools>
Call one as <tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call><|im_end|>
{%- endif %}
{%- for message in messages %}
{%- if message.role == "tool" %}<|im_start|>user
<tool_response>
{{ message.content }}
</tool_response><|im_end|>
{%- else %}<|im_start|>{{ message.role }}
{{ message.content }}
{%- for call in message.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}<|im_end|>
{%- endif %}
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

#: How much more likely than the rest some tokens are: what closes JSON, and the end of a turn.
#: Without them a random model fills each string until its tokens are used up.
_LIKELY: Mapping[str, float] = {
    '"': 3.5, "}": 3.5, "]": 3.0, ",": 2.5, "<|im_end|>": 1.2, _CALL: 4.0,
    **dict.fromkeys("0123456789", -1.5), "Ġ": -2.0, "Ċ": -3.0, "ĉ": -4.0,
}  # fmt: skip


class Vocabulary(NamedTuple):
    tokens: tuple[str, ...]
    kinds: tuple[int, ...]


def _vocabulary() -> Vocabulary:
    """One token per byte, as GPT-2 spells bytes, and the marks of turns and calls."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = (byte for byte in range(256) if byte not in seen)
    spelled = [chr(byte) for byte in seen] + [chr(256 + n) for n, _ in enumerate(hidden)]
    tokens = (*_SPECIAL, _CALL, _CALL_END, *spelled)
    kinds = {
        **dict.fromkeys(_SPECIAL, _CONTROL),
        **dict.fromkeys((_CALL, _CALL_END), _USER_DEFINED),
    }
    return Vocabulary(tokens, tuple(kinds.get(token, _NORMAL) for token in tokens))


def write_model(path: Path, seed: int = 0) -> None:
    """Write a model of `seed` to `path`: half a megabyte."""
    vocabulary = _vocabulary()
    tensors = _tensors(vocabulary.tokens, np.random.default_rng(seed))
    metadata = _metadata(vocabulary)
    offset, described = 0, []
    for name, tensor in tensors.items():
        described.append(_text(name) + struct.pack("<I", tensor.ndim))
        described.append(struct.pack(f"<{tensor.ndim}Q", *reversed(tensor.shape)))
        described.append(struct.pack("<IQ", 0, offset))
        offset += _padded(tensor.nbytes)
    counts = struct.pack("<IQQ", _VERSION, len(tensors), len(metadata))
    head = b"".join([_MAGIC, counts, *metadata, *described])
    body = b"".join(t.tobytes().ljust(_padded(t.nbytes), b"\0") for t in tensors.values())
    path.write_bytes(head.ljust(_padded(len(head)), b"\0") + body)


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _field(key: str, value: object) -> bytes:
    return _text(f"{key}") + _typed(value)


def _typed(value: object) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", _BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", _UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", _FLOAT32, value)
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _text(value)
    if isinstance(value, tuple) and value and isinstance(value[0], int):
        items = struct.pack(f"<{len(value)}i", *value)
        return struct.pack("<IIQ", _ARRAY, _INT32, len(value)) + items
    if isinstance(value, tuple):
        return struct.pack("<IIQ", _ARRAY, _STRING, len(value)) + b"".join(map(_text, value))
    raise TypeError(type(value))


def _metadata(vocabulary: Vocabulary) -> Sequence[bytes]:
    fields: Mapping[str, object] = {
        "general.architecture": "llama",
        "general.name": "tiny-random",
        "llama.context_length": _CONTEXT,
        "llama.embedding_length": _WIDTH,
        "llama.block_count": _LAYERS,
        "llama.feed_forward_length": _HIDDEN,
        "llama.attention.head_count": _HEADS,
        "llama.attention.head_count_kv": _HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": _WIDTH // _HEADS,
        "llama.vocab_size": len(vocabulary.tokens),
        "llama.pooling_type": _MEAN_POOLING,
        "general.file_type": 0,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": vocabulary.tokens,
        "tokenizer.ggml.token_type": vocabulary.kinds,
        # Nothing need be merged, but llama.cpp wants one.
        "tokenizer.ggml.merges": ("Ġ Ġ",),
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 4,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": TEMPLATE,
    }
    return [_field(key, value) for key, value in fields.items()]


def _tensors(tokens: Sequence[str], random: np.random.Generator) -> Mapping[str, Tensor]:
    def weights(*shape: int) -> Tensor:
        return (random.standard_normal(shape) * 0.15).astype(np.float32)

    def onward(*shape: int) -> Tensor:
        """Leave the first two channels to the embeddings alone."""
        drawn = weights(*shape)
        drawn[:2] = 0
        return drawn

    embedding, output = _ends(tokens, weights)
    tensors = {
        "token_embd.weight": embedding,
        "output_norm.weight": np.ones(_WIDTH, np.float32),
        "output.weight": output,
    }
    for layer in range(_LAYERS):
        block = f"blk.{layer}"
        tensors |= {f"{block}.attn_{part}.weight": weights(_WIDTH, _WIDTH) for part in "qkv"}
        tensors |= {
            f"{block}.attn_output.weight": onward(_WIDTH, _WIDTH),
            f"{block}.ffn_gate.weight": weights(_HIDDEN, _WIDTH),
            f"{block}.ffn_up.weight": weights(_HIDDEN, _WIDTH),
            f"{block}.ffn_down.weight": onward(_WIDTH, _HIDDEN),
            f"{block}.attn_norm.weight": np.ones(_WIDTH, np.float32),
            f"{block}.ffn_norm.weight": np.ones(_WIDTH, np.float32),
        }
    return tensors


def _ends(tokens: Sequence[str], weights: Callable[..., Tensor]) -> tuple[Tensor, Tensor]:
    """Draw the embeddings and the output so that the first channel, which is the same for all
    tokens, makes some tokens likely, and the second makes a line break follow a call's mark."""
    at = {token: number for number, token in enumerate(tokens)}
    embedding, output = weights(len(tokens), _WIDTH), weights(len(tokens), _WIDTH) * np.float32(0.6)
    embedding[:, 0], embedding[:, 1], output[:, :2] = 1.5, 0, 0
    embedding[at[_CALL], 1], embedding[at[_CALL_END], 1] = 6, -6
    output[at["Ċ"], 1], output[at["<|im_end|>"], 1] = 8, -4
    for token, bias in _LIKELY.items():
        output[at[token], 0] = bias
    return embedding, output
