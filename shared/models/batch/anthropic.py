"""Anthropic's message batches.

https://platform.claude.com/docs/en/build-with-claude/batch-processing
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from datetime import datetime

from shared.errors import ModelError, ModelUnavailable
from shared.events import Json
from shared.models import ModelReply
from shared.models.batch import (
    BatchItem,
    BatchProgress,
    BatchProvider,
    BatchResult,
    ItemsRefused,
    written,
)
from shared.models.batch.http_batches import SKEW, HttpBatches
from shared.models.prices import Prices
from shared.models.providers.anthropic.model import AnthropicModel
from shared.models.providers.failures import BodyRefused, garbled, problem_inside
from shared.models.providers.http import shared_http
from shared.models.providers.reply_reader import count, fields, said
from shared.models.providers.servers import served_model
from shared.settings import Settings

_PATH = "/messages/batches"


def connect(name: str, settings: Settings, setting: str) -> BatchProvider:
    """Return the batches of the model called `name`; error messages point to `setting`."""
    served = served_model(name, settings, setting)
    model = AnthropicModel(name, served, shared_http(), Prices(settings.model_prices))
    return AnthropicBatches(model, served.server)


class AnthropicBatches(HttpBatches):
    """A batch takes no name, and shows its requests only after its end. So each custom id starts
    with a mark of our name, which identifies a lost batch for certain, though only at its end:
    until then `find` raises ModelUnavailable, so that nothing is submitted twice."""

    least = 1
    most = 100_000

    def submit(self, batch: str, items: Sequence[BatchItem]) -> str:
        def write(item: BatchItem) -> Json:
            params = self._model.body(item.request)
            return {"custom_id": f"{_mark(batch)}{item.id}", "params": params}

        requests = written(items, write)
        # A lone surrogate, which JSON can smuggle in, cannot be sent as UTF-8.
        body = json.dumps({"requests": requests}, ensure_ascii=False).encode("utf-8", "replace")
        try:
            return self._text(self._send(_PATH, body, "application/json"), "id")
        except BodyRefused as err:
            # It names the first request that it does not take: `requests.3.params.…`.
            named = re.search(r"\brequests\.(\d+)\b", err.detail)
            if not named or int(named[1]) >= len(items):
                raise
            raise ItemsRefused({items[int(named[1])].id: str(err)}) from err

    def find(self, batch: str, *, since: float = 0.0, other: Collection[str] = ()) -> str | None:
        """Return the handle of the batch whose results bear our mark.

        Raises ModelUnavailable while a batch that may be it has not ended: one that was made since
        and is not among the `other`.
        """
        unknown = []
        for made in self._made(since):
            handle = self._text(made, "id")
            if handle in other or made.get("archived_at"):
                continue
            if made.get("processing_status") != "ended":
                unknown.append(handle)
            elif self._first_id(handle).startswith(_mark(batch)):
                return handle
        if unknown:
            raise ModelUnavailable(
                f"{self.name}: whether {batch} was submitted shows when {unknown[-1]} has ended"
            )
        return None

    def poll(self, handle: str) -> BatchProgress:
        found = self._get(f"{_PATH}/{handle}")
        counts = fields(found, "request_counts")
        total, left = sum(count(counts, name) for name in counts), count(counts, "processing")
        ended = self._text(found, "processing_status") == "ended"
        return BatchProgress("ended" if ended else "running", total - left, total)

    def results(self, handle: str) -> Iterator[BatchResult]:
        for line in self._lines(f"{_PATH}/{handle}/results"):
            id = said(line.get("custom_id"))
            yield BatchResult(id[len(_mark("")) :], self._outcome(dict(fields(line, "result"))))

    def cancel(self, handle: str) -> None:
        self._post(f"{_PATH}/{handle}/cancel", {})

    def _made(self, since: float) -> Iterator[Json]:
        """Yield the batches that were made since then, newest first."""

        def following(page: Json) -> str | None:
            more = page.get("has_more")
            return f"&after_id={self._text(page, 'last_id')}" if more else None

        for page in self._pages(f"{_PATH}?limit=100", following):
            for made in page.get("data") or []:
                created = datetime.fromisoformat(self._text(made, "created_at"))
                if created.timestamp() < since - SKEW:
                    return
                yield made

    def _first_id(self, handle: str) -> str:
        with closing(self._lines(f"{_PATH}/{handle}/results")) as lines:
            return self._text(next(lines, {"custom_id": ""}), "custom_id")

    def _outcome(self, result: Json) -> ModelReply | ModelError:
        match result.get("type"):
            case "succeeded":
                return self._replied(dict(fields(result, "message")))
            case "errored":
                problem = problem_inside(self._server, dict(fields(result, "error")))
                return self._learnt(problem)
            case "expired" | "canceled" as why:
                return ModelUnavailable(f"{self.name}: the batch ended before its turn ({why})")
        return garbled(self._server, "answered a result of an unknown type")


def _mark(batch: str) -> str:
    """Return the mark of `batch`, of fixed length because an id has at most 64 characters."""
    return hashlib.sha256(batch.encode()).hexdigest()[:14] + "-"
