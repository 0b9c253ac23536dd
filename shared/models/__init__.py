"""The models: one request, one reply, many providers. This file holds the types of both.

routing      picks the models of a role and asks the next when one fails; everything starts here
roles        reads MODEL_SMALL, MODEL_LARGE and MODEL_ROLES
prices       knows what tokens cost
sight        which models can see pictures
tokens       estimates the tokens of a text and shortens it to fewer
prompts      fences text from outside, so that a prompt shows it as data
measuring    counts and times calls
payers       who pays for calls that do not say so, such as those of embeddings
deadline     the moment by which a call must end
stored_json  reads requests and replies back from a database
answers/     typed answers and tool calls: schemas, validation, repair
guards/      retries, budgets, limits and the circuit breaker around each model
cache/       the prompt cache
providers/   one folder per wire format: openai, anthropic, bedrock
offline/     the model that needs no network
batch/       requests that wait for a batch at half the price
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from itertools import pairwise
from typing import Literal, NamedTuple, Protocol

from shared.canonical import DIGESTED
from shared.events import Json
from shared.frozen import frozen

Finish = Literal["stop", "length", "tools", "refused"]
#: A vector is for a text that is stored and found (document), or for a question that finds it.
EmbeddingPurpose = Literal["document", "query"]


@frozen
class ToolSpec:
    """A tool as the model sees it. `parameters` is a JSON schema of type object."""

    name: str
    description: str
    parameters: Json


@frozen
class ToolCall:
    """A call that the model asks for. `malformed` holds arguments that are not a JSON object, as
    the model wrote them; `arguments` is then empty."""

    id: str
    name: str
    arguments: Json
    malformed: str = ""


@frozen
class Image:
    """A picture. `data` is base64, so that a request stays plain JSON; of it the journal and the
    keys of caches hold a digest alone. The `name` is for models that cannot see it."""

    media_type: Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
    data: str = field(metadata=DIGESTED)
    name: str = ""


@frozen
class ChatMessage:
    """One turn. A `tool` turn answers the call named by `call_id`; an `assistant` turn may hold
    `calls`; a `user` turn may hold `images`. `seams` are the places in `text` where several turns
    of one role were joined: the parts before the last come again in the next request."""

    role: Literal["user", "assistant", "tool"]
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    images: tuple[Image, ...] = ()
    seams: tuple[int, ...] = field(default=(), compare=False)

    @property
    def parts(self) -> list[str]:
        """The texts that were joined to `text`; one if it has changed since."""
        if not all(self.text[:seam].endswith("\n\n") for seam in self.seams):
            return [self.text]
        ends = [0, *self.seams, len(self.text)]
        return [self.text[start:end].strip("\n") for start, end in pairwise(ends)]


@frozen
class ModelRequest:
    """A request that any provider can send.

    `schema` asks for JSON of that schema. `tool_choice` names the tool that the model must call,
    or is `any` for one of them; when it is empty, the model chooses. `max_tokens` is always set:
    without a bound real servers generate until their context ends. `temperature` is 0 by default
    because most steps of a flow are decisions.
    """

    messages: tuple[ChatMessage, ...]
    system: str = ""
    tools: tuple[ToolSpec, ...] = ()
    schema: Json | None = None
    max_tokens: int = 1024
    temperature: float = 0.0
    tool_choice: str = ""


@frozen
class Usage:
    """Tokens. `cached` is the part of `input` that the provider read from its prefix cache,
    `written` the part that it wrote there at an extra charge."""

    input: int = 0
    output: int = 0
    cached: int = 0
    written: int = 0


@frozen
class ModelReply:
    """The answer. `model` is the name that answered; `cost` is in US dollars, None when the price
    is unknown. `source` is the provider or one of the prompt caches; for a cached reply `cost` is 0
    and `saved` is the cost that the cache saved."""

    text: str
    finish: Finish
    usage: Usage
    model: str
    calls: tuple[ToolCall, ...] = ()
    cost: float | None = None
    source: Literal["provider", "process", "shared"] = "provider"
    saved: float | None = 0.0


#: Asks one model, or several in turn.
AskModel = Callable[[ModelRequest], ModelReply]


class Payer(NamedTuple):
    """The tenant, flow and user whose budgets pay for a model call. For a user from `outside` that
    is the repository or channel where they caused it."""

    tenant: str
    flow: str
    user: str = ""
    outside: str = ""


class Chunk(NamedTuple):
    """A piece of a streamed reply: some text, or at the end the whole reply."""

    text: str = ""
    reply: ModelReply | None = None


class Provider(Protocol):
    """One model behind one wire format.

    Both methods raise only ModelUnavailable (retry) and ModelRejected (do not). `timeout` bounds
    the whole call, in seconds. The last chunk of a stream, and only that one, carries the reply.
    """

    name: str

    def reply(self, request: ModelRequest, timeout: float) -> ModelReply: ...

    def stream(self, request: ModelRequest, timeout: float) -> Iterator[Chunk]: ...


class EmbeddingProvider(Protocol):
    """Turns texts into unit vectors of `dimensions` floats; a text that it refuses while it takes
    others has an empty one. `name` tells the vectors of two models
    apart, as they cannot be compared. An `asymmetric` model gives a question another vector than
    the same text as a document."""

    name: str
    asymmetric: bool

    @property
    def dimensions(self) -> int: ...

    def embed(
        self, texts: Sequence[str], purpose: EmbeddingPurpose = "document"
    ) -> list[list[float]]: ...
