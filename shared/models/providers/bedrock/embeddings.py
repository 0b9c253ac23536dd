"""Embedding models on Amazon Bedrock: Titan's and Cohere's wire formats."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from shared.errors import SettingsError
from shared.events import Json
from shared.models import EmbeddingPurpose
from shared.models.deadline import Deadline
from shared.models.providers.bedrock.model import Clients, id_of, translated
from shared.models.providers.embedding_wire import EmbeddingWire, Portion, Vectors
from shared.patterns import lazily

_TITAN = "amazon.titan-embed-text-v2:0"
_COHERE_3 = ("cohere.embed-english-v3", "cohere.embed-multilingual-v3")
_COHERE_4 = "cohere.embed-v4:0"
#: An inference profile begins with where it may run, `us.`, `eu.`, `global.`, and may be an ARN.
_PROFILE = lazily(r"^(?:arn:[^/]*/)?(?:[a-z-]{2,8}\.)?(?=amazon\.|cohere\.)")
#: The header with the input tokens of a call, for all models.
_TOKENS_HEADER = "x-amzn-bedrock-input-token-count"
_LARGEST_BODY = 4_000_000


class _Kind(NamedTuple):
    """A known model: its possible dimensions, the default first."""

    dimensions: tuple[int, ...]
    portion: Portion
    asymmetric: bool


_KINDS = {
    # https://docs.aws.amazon.com/bedrock/latest/userguide/titan-embedding-models.html and
    # …/model-parameters-titan-embed-text.html: one text of at most 50,000 characters a call.
    _TITAN: _Kind((1024, 512, 256), Portion(1, _LARGEST_BODY, 50_000), False),
    # https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v3.html: at most
    # 96 texts of 2048 characters; `input_type` tells what is searched from what is asked.
    **dict.fromkeys(_COHERE_3, _Kind((1024,), Portion(96, _LARGEST_BODY, 2048), True)),
    # https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v4.html: at most
    # 96 texts, 128,000 tokens.
    _COHERE_4: _Kind((1536, 1024, 512, 256), Portion(96, 128_000, 50_000), True),
}


def connect(name: str, clients: Clients | None = None) -> EmbeddingWire:
    """Return the model of `bedrock:amazon.titan-embed-text-v2:0`, or of that name with dimensions,
    as `…@512`; raises SettingsError for an unknown one. Behind the ARN of a profile that does not
    name its model, it stands as `…#amazon.titan-embed-text-v2:0`."""
    plain, at, said = name.partition("@")
    id = id_of(plain)
    model = _PROFILE.sub("", plain.partition("#")[2] or id)
    kind = _KINDS.get(model)
    dimensions = int(said) if said.isdecimal() else kind.dimensions[0] if kind and not at else 0
    if kind is None or dimensions not in kind.dimensions:
        known = "; ".join(
            f"bedrock:{each} with {' or '.join(f'@{n}' for n in _KINDS[each].dimensions)}"
            for each in _KINDS
        )
        raise SettingsError(f"MODEL_EMBED={name!r}: on Bedrock write one of {known}")
    titan = model == _TITAN
    wire = (_Titan if titan else _Cohere)(name, id, model, kind, dimensions)
    wire.clients = clients or wire.clients
    return wire


class _Invoked:
    """A model that is called by InvokeModel."""

    def __init__(self, name: str, id: str, model: str, kind: _Kind, dimensions: int) -> None:
        self.name = name
        self.dimensions: int | None = dimensions
        self.asymmetric = kind.asymmetric
        self.portion = kind.portion
        self._id = id
        self._model = model
        self.clients = Clients()

    def _invoke(self, body: Json, deadline: Deadline) -> tuple[Any, int]:
        """Return the answer and its input tokens."""
        answer = self.clients.within(deadline.left).invoke_model(
            modelId=self._id, body=json.dumps(body), contentType="application/json"
        )
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        return json.loads(answer["body"].read()), int(headers.get(_TOKENS_HEADER, 0))


class _Titan(_Invoked):
    def call(self, texts: Sequence[str], purpose: EmbeddingPurpose, deadline: Deadline) -> Vectors:
        [text] = texts
        body = {"inputText": text, "dimensions": self.dimensions, "normalize": True}
        with translated(self.name, "MODEL_EMBED", deadline):
            answer, _ = self._invoke(body, deadline)
            row = [float(value) for value in answer["embedding"]]
            return Vectors([row], int(answer["inputTextTokenCount"]))


class _Cohere(_Invoked):
    def call(self, texts: Sequence[str], purpose: EmbeddingPurpose, deadline: Deadline) -> Vectors:
        body: Json = {"texts": list(texts), "input_type": f"search_{purpose}"}
        if self._model == _COHERE_4:
            body |= {"output_dimension": self.dimensions, "embedding_types": ["float"]}
            body["truncate"] = "RIGHT"
        else:
            body["truncate"] = "END"
        with translated(self.name, "MODEL_EMBED", deadline):
            answer, tokens = self._invoke(body, deadline)
            found = answer["embeddings"]
            # By type, if types were asked for; else the rows themselves.
            rows = found["float"] if isinstance(found, dict) else found
            return Vectors([[float(value) for value in row] for row in rows], tokens)
