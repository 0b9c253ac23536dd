"""The offline model as a provider: the first model of a newcomer, and that of the tests."""

import json
import math
from collections.abc import Iterator
from typing import Any

from shared.events import Json
from shared.models import Chunk, Finish, ModelReply, ModelRequest, Provider, ToolCall, Usage
from shared.models.offline.answering import answer
from shared.models.offline.filling import fill
from shared.models.offline.parsed_request import ParsedRequest
from shared.models.offline.plans.tasks import is_of_a_plan
from shared.models.offline.proposing import told
from shared.models.offline.tool_choice import choose
from shared.models.prices import Prices
from shared.models.sight import is_blind
from shared.patterns import lazily
from shared.settings import Settings

_HAN = lazily(r"[\u3040-\u30ff\u3400-\u9fff]")

#: A chunk of a stream: a word with the space behind it, or a few Chinese or Japanese characters.
_PIECE = lazily(r"[\u3040-\u30ff\u3400-\u9fff]{1,4}|[^\s\u3040-\u30ff\u3400-\u9fff]+\s*|\s+")


def connect(settings: Settings) -> Provider:
    return OfflineModel(Prices(settings.model_prices))


_BLIND = "There are images that I cannot see."


class OfflineModel:
    """A provider that answers from the texts in the request alone."""

    name = "offline"

    def __init__(self, prices: Prices) -> None:
        self._prices = prices

    def reply(self, request: ModelRequest, timeout: float) -> ModelReply:
        """Answer at once, in far less than any `timeout`."""
        parsed = ParsedRequest.of(request)
        call = choose(request.tools, parsed) if request.schema is None else None
        if call:
            return self._reply(request, json.dumps(call.arguments), "tools", (call,))
        if request.schema is None:
            text = _text_of_a_plan(parsed) or told(parsed) or answer(parsed)
            text = f"{_BLIND}\n\n{text}" if is_blind(request) else text
        else:
            text = json.dumps(_filled(request.schema, parsed), ensure_ascii=False)
        kept = _first_tokens(text, request.max_tokens)
        return self._reply(request, kept, "stop" if kept == text else "length")

    def stream(self, request: ModelRequest, timeout: float) -> Iterator[Chunk]:
        whole = self.reply(request, timeout)
        for piece in _PIECE.findall(whole.text):
            yield Chunk(piece)
        yield Chunk(reply=whole)

    def _reply(
        self, request: ModelRequest, text: str, finish: Finish, calls: tuple[ToolCall, ...] = ()
    ) -> ModelReply:
        said = [request.system, *(message.text for message in request.messages)]
        usage = Usage(sum(estimated_tokens(part) for part in said), estimated_tokens(text))
        cost = self._prices.cost(self.name, usage)
        return ModelReply("" if calls else text, finish, usage, self.name, calls, cost)


def _filled(schema: Json, parsed: ParsedRequest) -> Any:
    for name in schema.get("properties", {}):
        if name in {"findings", "scores", "unneeded"}:
            from shared.models.offline.review import answered

            return answered(name, parsed.blocks)
        if name == "withdraw":
            from shared.models.offline.review.replies import replied

            return replied(parsed)
        if name == "improvements":
            from shared.models.offline.review.improving import improvements

            return improvements(block.text for block in parsed.blocks)
        if name == "walkthrough":
            from shared.models.offline.describing import described

            return described(schema, parsed)
        if name == "sentences":
            from shared.models.offline.recapping import recapped

            return recapped(parsed.blocks)
        if name == "explanations":
            from shared.models.offline.explaining import explained

            return explained(parsed.blocks)
    return fill(schema, parsed)


def _text_of_a_plan(parsed: ParsedRequest) -> str | None:
    if not is_of_a_plan(parsed.task, parsed.question):
        return None
    from shared.models.offline.plans.writing import written

    return written(parsed)


def estimated_tokens(text: str) -> int:
    """Estimate the tokens of `text`: one per Chinese or Japanese character, else one per four
    characters, as vendors say of English."""
    han = len(_HAN.findall(text))
    return han + math.ceil((len(text) - han) / 4)


def _first_tokens(text: str, limit: int) -> str:
    """Cut `text` to about `limit` tokens, as a model that runs out of them does."""
    while estimated_tokens(text) > limit:
        text = text[: min(len(text) - 1, len(text) * limit // estimated_tokens(text))]
    return text
