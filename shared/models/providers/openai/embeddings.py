"""Embedding models behind OpenAI-compatible servers: OpenAI, Ollama, vLLM, llama.cpp and their
like."""

import re
import struct
from base64 import b64decode
from collections.abc import Sequence

from shared.events import Json
from shared.models import EmbeddingPurpose
from shared.models.deadline import Deadline
from shared.models.providers.embedding_wire import EmbeddingWire, Portion, Vectors, sized
from shared.models.providers.failures import adapting, garbled, problem_inside
from shared.models.providers.http import shared_http
from shared.models.providers.reply_reader import count, entries, fields, is_list, number
from shared.models.providers.servers import ServedModel, served_model
from shared.settings import Settings

#: https://platform.openai.com/docs/api-reference/embeddings/create: 2048 texts of 8192 tokens, and
#: 300,000 tokens a call. Small local servers take far fewer texts, hence 64. In most languages
#: 24,000 characters are about 8192 tokens; a text that is still refused is cut again.
_PORTION = Portion(64, 300_000, 24_000)

_DIMENSIONS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
    "nomic-embed-text": 768,
    "mxbai-embed-large": 1024,
    "all-minilm": 384,
    "bge-m3": 1024,
}

#: Texts that models were trained to read before a document or a query:
#: https://huggingface.co/nomic-ai/nomic-embed-text-v1.5 and
#: https://huggingface.co/mixedbread-ai/mxbai-embed-large-v1.
_PREFIXES: dict[str, dict[EmbeddingPurpose, str]] = {
    "nomic-embed-text": {"document": "search_document: ", "query": "search_query: "},
    "mxbai-embed-large": {
        "document": "",
        "query": "Represent this sentence for searching relevant passages: ",
    },
}


def connect(name: str, settings: Settings) -> EmbeddingWire:
    """Return the model called `name`, as `openai:text-embedding-3-small`, `ollama:…@768` or
    `http://host/v1#…`; raises SettingsError."""
    plain, dimensions, chosen = sized(name, _DIMENSIONS)
    return _OpenAI(name, served_model(plain, settings, "MODEL_EMBED"), dimensions, chosen)


class _OpenAI:
    def __init__(
        self, name: str, served: ServedModel, dimensions: int | None, chosen: bool
    ) -> None:
        self.name = name
        self.dimensions = dimensions
        self.portion = _PORTION
        self._server, self._model = served
        self._prefixes = _PREFIXES.get(self._model.partition(":")[0], {})
        self.asymmetric = bool(self._prefixes)
        self._chosen = chosen and self._model.startswith("text-embedding-3")
        #: Ask for vectors as bytes, a quarter of the size of their digits, until the server
        #: refuses.
        self._packed = True

    def call(self, texts: Sequence[str], purpose: EmbeddingPurpose, deadline: Deadline) -> Vectors:
        prefix = self._prefixes.get(purpose, "")
        whole: Json = {"model": self._model, "input": [prefix + text for text in texts]}
        if self._chosen:
            whole["dimensions"] = self.dimensions

        def write() -> Json:
            return whole | ({"encoding_format": "base64"} if self._packed else {})

        def call(body: Json) -> Json:
            return shared_http().post(self._server, "/embeddings", body, deadline)

        answer = adapting(write, call, self._learn)
        if problem := answer.get("error"):
            raise problem_inside(self._server, problem)
        try:
            tokens = count(fields(answer, "usage"), "prompt_tokens", "total_tokens")
            vectors = Vectors([_row(row) for row in _in_order(answer)], tokens)
        except (AttributeError, KeyError, TypeError, ValueError, struct.error) as err:
            raise garbled(self._server, "answered something else than embeddings") from err
        if len(vectors.rows) != len(texts):
            sent = f"sent {len(vectors.rows)} vectors for {len(texts)} texts"
            raise garbled(self._server, sent)
        return vectors

    def _learn(self, body: Json, detail: str) -> bool:
        """Learn that the server does not know the encoding; return True when that is news."""
        refused = "encoding_format" in body and re.search(r"encoding|base64", detail, re.I)
        if refused:
            self._packed = False
        return bool(refused)


def _row(embedding: object) -> list[float]:
    """Read a vector: numbers, or little-endian 32-bit floats in base64; llama.cpp puts it into one
    more list."""
    if isinstance(embedding, list) and len(embedding) == 1 and isinstance(embedding[0], list):
        return _row(embedding[0])
    if isinstance(embedding, str):
        raw = b64decode(embedding, validate=True)
        return list(struct.unpack(f"<{len(raw) // 4}f", raw))
    if not isinstance(embedding, list):
        raise TypeError("no vector")
    return [float(value) for value in embedding]


def _in_order(answer: Json) -> list[object]:
    """Return the vectors in the order of the texts; without an index each as they were sent. Some
    servers send vectors without an object around each."""
    sent = answer.get("data") or answer.get("embeddings")
    if is_list(sent) and all(is_list(row) for row in sent):
        return list(sent)
    rows = entries(sent)
    order = {number(row.get("index")): row for row in rows}
    if len(order) == len(rows) and None not in order:  # some count from 1
        rows = [order[place] for place in sorted(at for at in order if at is not None)]
    return [row["embedding"] for row in rows]
