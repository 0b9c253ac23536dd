"""OpenAI's batches: a file of requests, a batch that points to it, files of results.

https://developers.openai.com/api/docs/guides/batch
"""

import json
from collections.abc import Collection, Iterator, Sequence

import urllib3

from shared.errors import ModelError, ModelUnavailable
from shared.models import Json, Reply
from shared.models.batch import BatchProvider, Item, Progress, Result, discounted
from shared.models.batch.calls import PAGES, PROBE, SKEW, Calls
from shared.models.prices import Prices
from shared.models.providers.endpoints import Place, place_of
from shared.models.providers.failures import Refused, problem_inside, problem_of
from shared.models.providers.http import kept
from shared.models.providers.openai.model import OpenAIModel
from shared.settings import Settings

#: As the server sees it, whatever the address of its API is here.
_URL = "/v1/chat/completions"
_RUNNING = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
_ENDED = frozenset({"completed", "expired", "cancelled"})


def connect(name: str, settings: Settings, setting: str) -> BatchProvider:
    """Return the batches of the model called `name`; `setting` is what messages point to."""
    place, prices = place_of(name, settings, setting), Prices(settings.model_prices)
    return OpenAIBatches(name, place, prices)


class OpenAIBatches:
    """The batches of one model. What the server refuses in one is left out of the next."""

    least = 1
    most = 50_000

    def __init__(self, name: str, place: Place, prices: Prices) -> None:
        self.name = name
        self._model = OpenAIModel(name, place, kept(), prices)
        self._probe = self._model.body(PROBE)
        self._calls = Calls(place)

    def submit(self, batch: str, items: Sequence[Item]) -> str:
        lines = "\n".join(self._line(item) for item in items)
        # A lone surrogate, which JSON can smuggle in, cannot be sent as UTF-8.
        file = (f"{batch}.jsonl", lines.encode("utf-8", "replace"), "application/jsonl")
        body, kind = urllib3.encode_multipart_formdata({"purpose": "batch", "file": file})
        wanted = {
            "input_file_id": self._calls.text(self._calls.send("/files", body, kind), "id"),
            "endpoint": _URL,
            "completion_window": "24h",
            "metadata": {"batch": batch},
        }
        return self._calls.text(self._calls.post("/batches", wanted), "id")

    def find(self, batch: str, *, since: float = 0.0, other: Collection[str] = ()) -> str | None:
        """Return the handle of the batch whose metadata holds our name for it."""
        after = ""
        for _ in range(PAGES):
            page = self._calls.get(f"/batches?limit=100{after}")
            listed = page.get("data") or []
            for made in listed:
                if (made.get("metadata") or {}).get("batch") == batch:
                    return self._calls.text(made, "id")
            if not page.get("has_more") or not listed or listed[-1]["created_at"] < since - SKEW:
                break
            after = f"&after={listed[-1]['id']}"
        return None

    def poll(self, handle: str) -> Progress:
        found = self._calls.get(f"/batches/{handle}")
        state = self._calls.text(found, "status")
        counts = found.get("request_counts") or {}
        done, total = counts.get("completed", 0) + counts.get("failed", 0), counts.get("total", 0)
        if state in _RUNNING:
            return Progress("running", done, total)
        if state in _ENDED:
            return Progress("ended", done, total, "" if state == "completed" else _early(state))
        errors = (found.get("errors") or {}).get("data") or [{}]
        problem = problem_inside(self._calls.endpoint, errors[0])
        return Progress("failed", done, total, str(problem))

    def results(self, handle: str) -> Iterator[Result]:
        found = self._calls.get(f"/batches/{handle}")
        for file in (found.get("output_file_id"), found.get("error_file_id")):
            if file:
                for line in self._calls.lines(f"/files/{file}/content"):
                    yield Result(self._calls.text(line, "custom_id"), self._outcome(line))

    def cancel(self, handle: str) -> None:
        self._calls.post(f"/batches/{handle}/cancel", {})

    def _line(self, item: Item) -> str:
        body = self._model.body(item.request)
        line = {"custom_id": item.id, "method": "POST", "url": _URL, "body": body}
        return json.dumps(line, ensure_ascii=False)

    def _outcome(self, line: Json) -> Reply | ModelError:
        """Return the reply of a line, or what its error means."""
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
        return problem_inside(self._calls.endpoint, error)

    def _problem(self, status: int, body: Json) -> ModelError:
        problem = problem_of(self._calls.endpoint, status, {}, json.dumps(body).encode())
        if isinstance(problem, Refused) and self._model.learn(self._probe, problem.detail):
            return ModelUnavailable(f"{problem}; the next batch will leave it out")
        return problem


def _early(state: str) -> str:
    return f"the batch ended before all was answered ({state})"
