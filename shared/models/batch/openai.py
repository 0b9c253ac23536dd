"""OpenAI's batches: a file of requests, a batch that points to it, files of results.

https://developers.openai.com/api/docs/guides/batch
"""

import json
from collections.abc import Collection, Iterator, Sequence

import urllib3

from shared.errors import ModelError, ModelUnavailable
from shared.events import Json
from shared.models import ModelReply
from shared.models.batch import (
    BatchItem,
    BatchProgress,
    BatchProvider,
    BatchResult,
    ended_early,
    written,
)
from shared.models.batch.http_batches import SKEW, HttpBatches
from shared.models.prices import Prices
from shared.models.providers.failures import problem_inside, problem_of
from shared.models.providers.http import shared_http
from shared.models.providers.openai.model import OpenAIModel
from shared.models.providers.reply_reader import count, entries, fields, number, said
from shared.models.providers.servers import served_model
from shared.settings import Settings

#: The path on the server, whatever the address of its API.
_URL = "/v1/chat/completions"
_RUNNING = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
_ENDED = frozenset({"completed", "expired", "cancelled"})


def connect(name: str, settings: Settings, setting: str) -> BatchProvider:
    """Return the batches of the model called `name`; error messages point to `setting`."""
    served = served_model(name, settings, setting)
    model = OpenAIModel(name, served, shared_http(), Prices(settings.model_prices))
    return OpenAIBatches(model, served.server)


class OpenAIBatches(HttpBatches):
    least = 1
    most = 50_000

    def submit(self, batch: str, items: Sequence[BatchItem]) -> str:
        lines = "\n".join(written(items, self._line))
        # A lone surrogate, which JSON can smuggle in, cannot be sent as UTF-8.
        file = (f"{batch}.jsonl", lines.encode("utf-8", "replace"), "application/jsonl")
        body, kind = urllib3.encode_multipart_formdata({"purpose": "batch", "file": file})
        wanted = {
            "input_file_id": self._text(self._send("/files", body, kind), "id"),
            "endpoint": _URL,
            "completion_window": "24h",
            "metadata": {"batch": batch},
        }
        return self._text(self._post("/batches", wanted), "id")

    def find(self, batch: str, *, since: float = 0.0, other: Collection[str] = ()) -> str | None:
        """Return the handle of the batch whose metadata holds our name."""

        def following(page: Json) -> str | None:
            listed = page.get("data") or []
            if not page.get("has_more") or not listed or listed[-1]["created_at"] < since - SKEW:
                return None
            return f"&after={listed[-1]['id']}"

        for page in self._pages("/batches?limit=100", following):
            for made in page.get("data") or []:
                if (made.get("metadata") or {}).get("batch") == batch:
                    return self._text(made, "id")
        return None

    def poll(self, handle: str) -> BatchProgress:
        found = self._get(f"/batches/{handle}")
        state = self._text(found, "status")
        counts = fields(found, "request_counts")
        done, total = count(counts, "completed") + count(counts, "failed"), count(counts, "total")
        if state in _RUNNING:
            return BatchProgress("running", done, total)
        if state in _ENDED:
            return BatchProgress(
                "ended", done, total, "" if state == "completed" else ended_early(state)
            )
        errors = entries(fields(found, "errors").get("data"))
        problem = problem_inside(self._server, next(iter(errors), {}))
        lines = tuple(line for error in errors if (line := number(error.get("line"))))
        refused = bool(lines) or not problem.retryable
        return BatchProgress("failed", done, total, str(problem), refused, lines)

    def results(self, handle: str) -> Iterator[BatchResult]:
        found = self._get(f"/batches/{handle}")
        for file in (found.get("output_file_id"), found.get("error_file_id")):
            if file:
                for line in self._lines(f"/files/{file}/content"):
                    yield BatchResult(said(line.get("custom_id")), self._outcome(line))

    def cancel(self, handle: str) -> None:
        self._post(f"/batches/{handle}/cancel", {})

    def _line(self, item: BatchItem) -> str:
        body = self._model.body(item.request)
        line = {"custom_id": item.id, "method": "POST", "url": _URL, "body": body}
        return json.dumps(line, ensure_ascii=False)

    def _outcome(self, line: Json) -> ModelReply | ModelError:
        """Return the reply of a line, or its error."""
        response = fields(line, "response")
        status, body = number(response.get("status_code")), dict(fields(response, "body"))
        if status == 200:
            return self._replied(body)
        if status:
            raw = json.dumps(body).encode()
            return self._learnt(problem_of(self._server, status, {}, raw))
        error = dict(fields(line, "error"))
        if error.get("code") in {"batch_expired", "batch_cancelled"}:
            return ModelUnavailable(f"{self.name}: {ended_early(error['code'])}")
        return problem_inside(self._server, error)
