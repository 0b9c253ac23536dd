"""OpenAI's batches: a file of requests, a batch that points to it, files of results.

https://developers.openai.com/api/docs/guides/batch
"""

import json
from collections.abc import Collection, Iterator, Sequence

import urllib3

from shared.errors import ModelError, ModelUnavailable
from shared.models import Json, ModelReply
from shared.models.batch import BatchItem, BatchProgress, BatchProvider, BatchResult, discounted
from shared.models.batch.api import PAGES, PROBE, SKEW, BatchApi
from shared.models.prices import Prices
from shared.models.providers.failures import BodyRefused, problem_inside, problem_of
from shared.models.providers.http import shared_http
from shared.models.providers.openai.model import OpenAIModel
from shared.models.providers.servers import ServedModel, served_model
from shared.settings import Settings

#: The path on the server, whatever the address of its API.
_URL = "/v1/chat/completions"
_RUNNING = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
_ENDED = frozenset({"completed", "expired", "cancelled"})


def connect(name: str, settings: Settings, setting: str) -> BatchProvider:
    """Return the batches of the model called `name`; error messages point to `setting`."""
    served, prices = served_model(name, settings, setting), Prices(settings.model_prices)
    return OpenAIBatches(name, served, prices)


class OpenAIBatches:
    """The batches of one model. Parts that the server refuses are left out of the next one."""

    least = 1
    most = 50_000

    def __init__(self, name: str, served: ServedModel, prices: Prices) -> None:
        self.name = name
        self._model = OpenAIModel(name, served, shared_http(), prices)
        self._probe = self._model.body(PROBE)
        self._api = BatchApi(served)

    def submit(self, batch: str, items: Sequence[BatchItem]) -> str:
        lines = "\n".join(self._line(item) for item in items)
        # A lone surrogate, which JSON can smuggle in, cannot be sent as UTF-8.
        file = (f"{batch}.jsonl", lines.encode("utf-8", "replace"), "application/jsonl")
        body, kind = urllib3.encode_multipart_formdata({"purpose": "batch", "file": file})
        wanted = {
            "input_file_id": self._api.text(self._api.send("/files", body, kind), "id"),
            "endpoint": _URL,
            "completion_window": "24h",
            "metadata": {"batch": batch},
        }
        return self._api.text(self._api.post("/batches", wanted), "id")

    def find(self, batch: str, *, since: float = 0.0, other: Collection[str] = ()) -> str | None:
        """Return the handle of the batch whose metadata holds our name."""
        after = ""
        for _ in range(PAGES):
            page = self._api.get(f"/batches?limit=100{after}")
            listed = page.get("data") or []
            for made in listed:
                if (made.get("metadata") or {}).get("batch") == batch:
                    return self._api.text(made, "id")
            if not page.get("has_more") or not listed or listed[-1]["created_at"] < since - SKEW:
                break
            after = f"&after={listed[-1]['id']}"
        return None

    def poll(self, handle: str) -> BatchProgress:
        found = self._api.get(f"/batches/{handle}")
        state = self._api.text(found, "status")
        counts = found.get("request_counts") or {}
        done, total = counts.get("completed", 0) + counts.get("failed", 0), counts.get("total", 0)
        if state in _RUNNING:
            return BatchProgress("running", done, total)
        if state in _ENDED:
            return BatchProgress(
                "ended", done, total, "" if state == "completed" else _early(state)
            )
        errors = (found.get("errors") or {}).get("data") or [{}]
        problem = problem_inside(self._api.server, errors[0])
        return BatchProgress("failed", done, total, str(problem))

    def results(self, handle: str) -> Iterator[BatchResult]:
        found = self._api.get(f"/batches/{handle}")
        for file in (found.get("output_file_id"), found.get("error_file_id")):
            if file:
                for line in self._api.lines(f"/files/{file}/content"):
                    yield BatchResult(self._api.text(line, "custom_id"), self._outcome(line))

    def cancel(self, handle: str) -> None:
        self._api.post(f"/batches/{handle}/cancel", {})

    def _line(self, item: BatchItem) -> str:
        body = self._model.body(item.request)
        line = {"custom_id": item.id, "method": "POST", "url": _URL, "body": body}
        return json.dumps(line, ensure_ascii=False)

    def _outcome(self, line: Json) -> ModelReply | ModelError:
        """Return the reply of a line, or its error."""
        response = line.get("response") or {}
        status, body = response.get("status_code"), response.get("body") or {}
        if status == 200:
            try:
                return discounted(self._model.read(body))
            except ModelError as err:
                return err
        if isinstance(status, int):
            return self._problem(status, body)
        error = line.get("error") or {}
        if error.get("code") in {"batch_expired", "batch_cancelled"}:
            return ModelUnavailable(f"{self.name}: {_early(error['code'])}")
        return problem_inside(self._api.server, error)

    def _problem(self, status: int, body: Json) -> ModelError:
        problem = problem_of(self._api.server, status, {}, json.dumps(body).encode())
        if isinstance(problem, BodyRefused) and self._model.learn(self._probe, problem.detail):
            return ModelUnavailable(f"{problem}; the next batch will leave it out")
        return problem


def _early(state: str) -> str:
    return f"the batch ended before all was answered ({state})"
