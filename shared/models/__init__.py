"""The model layer: one request, one reply, many providers. This file holds the shapes that cross
its border."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

Json = dict[str, Any]
Finish = Literal["stop", "length", "tools", "refused"]
#: What a vector is for: a text that is kept and found, or a question that finds it.
EmbeddingPurpose = Literal["document", "query"]


@dataclass(frozen=True)
class ToolSpec:
    """A tool as the model sees it. `parameters` is a JSON schema of type object."""

    name: str
    description: str
    parameters: Json


@dataclass(frozen=True)
class ToolCall:
    """What the model wants called. `malformed` holds the arguments as it wrote them when they were
    no JSON object; `arguments` is empty then."""

    id: str
    name: str
    arguments: Json
    malformed: str = ""


@dataclass(frozen=True)
class Image:
    """A picture. `data` is base64, so that a request stays plain JSON."""

    media_type: Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
    data: str


@dataclass(frozen=True)
class ChatMessage:
    """One turn. A `tool` turn answers the call named by `call_id`; an `assistant` turn may hold
    `calls`; a `user` turn may hold `images`."""

    role: Literal["user", "assistant", "tool"]
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    images: tuple[Image, ...] = ()


@dataclass(frozen=True)
class ModelRequest:
    """What to ask, without saying whom: providers fill in the rest.

    `schema` asks for an answer that is JSON of that schema. `tool_choice` lets the model choose
    when it is empty, makes it call some tool when it is `any`, else names the tool to call.
    `max_tokens` is always set: without a bound real servers generate until their context ends.
    `temperature` 0 is the default because most steps of a flow are decisions.
    """

    messages: tuple[ChatMessage, ...]
    system: str = ""
    tools: tuple[ToolSpec, ...] = ()
    schema: Json | None = None
    max_tokens: int = 1024
    temperature: float = 0.0
    tool_choice: str = ""


@dataclass(frozen=True)
class Usage:
    """Tokens. `cached` is the part of `input` that the provider read from its prefix cache,
    `written` the part that it wrote there at an extra charge."""

    input: int = 0
    output: int = 0
    cached: int = 0
    written: int = 0


@dataclass(frozen=True)
class ModelReply:
    """What came back. `model` is the name that answered; `cost` is in US dollars, None when the
    price is unknown. `source` says where it came from: the provider, or one of the prompt caches;
    from a cache `cost` is 0 and `saved` is what it would have been."""

    text: str
    finish: Finish
    usage: Usage
    model: str
    calls: tuple[ToolCall, ...] = ()
    cost: float | None = None
    source: Literal["provider", "process", "shared"] = "provider"
    saved: float | None = 0.0


class Payer(NamedTuple):
    """For whom a model is asked: budgets and shared limits count by this."""

    tenant: str
    flow: str
    user: str = ""


class Chunk(NamedTuple):
    """A piece of a streamed reply: some text, or at the end the whole reply."""

    text: str = ""
    reply: ModelReply | None = None


class Provider(Protocol):
    """One model behind one wire format.

    Both methods raise ModelUnavailable (retry), ModelRejected (do not) and nothing else. `timeout`
    is in seconds and bounds the whole call. A stream ends with exactly one chunk that carries the
    reply.
    """

    name: str

    def reply(self, request: ModelRequest, timeout: float) -> ModelReply: ...

    def stream(self, request: ModelRequest, timeout: float) -> Iterator[Chunk]: ...


class EmbeddingProvider(Protocol):
    """Text to unit vectors of `dimensions` floats. Vectors of two embedders never mix; `name` tells
    them apart. `asymmetric` says whether the same text has another vector as a question."""

    name: str
    asymmetric: bool

    @property
    def dimensions(self) -> int: ...

    def embed(
        self, texts: Sequence[str], purpose: EmbeddingPurpose = "document"
    ) -> list[list[float]]: ...
