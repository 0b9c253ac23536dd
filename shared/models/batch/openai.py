"""OpenAI's batches: a file of requests, a batch that points to it, files of results."""

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import urllib3

from shared.errors import ModelError, ModelUnavailable
from shared.models import Json, Message, Reply, Request
from shared.models.batch import BatchProvider, Item, Progress, Result, discounted
from shared.models.deadline import Deadline
from shared.models.endpoints import place_of
from shared.models.failures import Endpoint, Refused, garbled, problem_inside, problem_of
from shared.models.http import Http, kept
from shared.models.openai import OpenAIModel
from shared.settings import Settings

_PATH = "/chat/completions"
_CALL_SECONDS = 30.0
_TRANSFER_SECONDS = 90.0

#: https://developers.openai.com/api/docs/guides/batch
_MOST = 50_000
_RUNNING = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
_ENDED = frozenset({"completed", "expired", "cancelled"})

#: How far back the list of batches is read, and how far two clocks may disagree, in seconds.
_PAGES = 20
_SKEW = 300.0

#: Holds all that a server may refuse in a request without tools: a refusal in a batch comes without
#: the body that was sent, and this one stands for it.
_PROBE = Request((Message("user", "-"),), schema={"type": "object", "properties": {}})


def connect(name: str, settings: Settings, setting: str) -> BatchProvider:
    """Return the batches of the model called `name`; `setting` is what messages point to."""
    place = place_of(name, settings, setting)
    return OpenAIBatches(OpenAIModel(name, place, kept()), place.endpoint, kept())


class OpenAIBatches:
    """The batches of one model. What the server refuses in one is left out of the next."""

    least = 1
    most = _MOST

    def __init__(self, model: OpenAIModel, endpoint: Endpoint, http: Http) -> None:
        self.name = model.name
        self._model = model
        self._endpoint = endpoint
        self._http = http

    def submit(self, batch: str, items: Sequence[Item]) -> str:
        file = self._upload(batch, "\n".join(self._line(item) for item in items))
        wanted = {
            "input_file_id": file,
            "endpoint": f"/v1{_PATH}",
            "completion_window": "24h",
            "metadata": {"batch": batch},
        }
        made = self._http.post(self._endpoint, "/batches", wanted, Deadline(_CALL_SECONDS))
        return self._text(made, "id")

    def find(self, batch: str, *, since: float = 0.0, other: Collection[str] = ()) -> str | None:
        """Return the handle of the batch whose metadata holds our name for it."""
        after = ""
        for _ in range(_PAGES):
            page = self._get(f"/batches?limit=100{after}")
            listed = page.get("data") or []
            for made in listed:
                if (made.get("metadata") or {}).get("batch") == batch:
                    return self._text(made, "id")
            if not page.get("has_more") or not listed or listed[-1]["created_at"] < since - _SKEW:
                return None
            after = f"&after={listed[-1]['id']}"
        return None

    def poll(self, handle: str) -> Progress:
        found = self._get(f"/batches/{handle}")
        state = self._text(found, "status")
        counts = found.get("request_counts") or {}
        done, total = counts.get("completed", 0) + counts.get("failed", 0), counts.get("total", 0)
        if state in _RUNNING:
            return Progress("running", done, total)
        if state in _ENDED:
            return Progress("ended", done, total, "" if state == "completed" else state)
        errors = (found.get("errors") or {}).get("data") or [{}]
        problem = problem_inside(self._endpoint, errors[0])
        return Progress("failed", done, total, str(problem))

    def results(self, handle: str) -> Iterator[Result]:
        found = self._get(f"/batches/{handle}")
        for file in (found.get("output_file_id"), found.get("error_file_id")):
            if file:
                path = f"/files/{file}/content"
                for line in self._http.lines(self._endpoint, path, Deadline(_TRANSFER_SECONDS)):
                    yield Result(self._text(line, "custom_id"), self._outcome(line))

    def cancel(self, handle: str) -> None:
        path = f"/batches/{handle}/cancel"
        self._http.post(self._endpoint, path, {}, Deadline(_CALL_SECONDS))

    def _line(self, item: Item) -> str:
        body = self._model.body(item.request)
        line = {"custom_id": item.id, "method": "POST", "url": f"/v1{_PATH}", "body": body}
        return json.dumps(line, ensure_ascii=False)

    def _upload(self, batch: str, lines: str) -> str:
        # A lone surrogate, which JSON can smuggle in, cannot be sent as UTF-8.
        file = (f"{batch}.jsonl", lines.encode("utf-8", "replace"), "application/jsonl")
        body, kind = urllib3.encode_multipart_formdata({"purpose": "batch", "file": file})
        deadline = Deadline(_TRANSFER_SECONDS)
        return self._text(self._http.upload(self._endpoint, "/files", body, kind, deadline), "id")

    def _outcome(self, line: Json) -> Reply | ModelError:
        """Return the reply of a line, or what its error means."""
        error, response = line.get("error"), line.get("response") or {}
        status, body = response.get("status_code"), response.get("body") or {}
        if status == 200:
            try:
                return discounted(self._model.read(body))
            except ModelError as err:
                return err
        if not isinstance(status, int):
            code = str((error or {}).get("code"))
            if code in {"batch_expired", "batch_cancelled"}:
                return ModelUnavailable(f"{self.name}: the batch ended before its turn came")
            return problem_inside(self._endpoint, error)
        problem = problem_of(self._endpoint, status, {}, json.dumps(body).encode())
        if isinstance(problem, Refused) and self._learn(problem.detail):
            return ModelUnavailable(f"{problem}; the next batch will leave it out")
        return problem

    def _learn(self, detail: str) -> bool:
        return self._model.learn(self._model.body(_PROBE), detail)

    def _get(self, path: str) -> Json:
        return self._http.get(self._endpoint, path, Deadline(_CALL_SECONDS))

    def _text(self, answer: Json, key: str) -> str:
        found: Any = answer.get(key)
        if not isinstance(found, str):
            raise garbled(self._endpoint, f"answered JSON without {key}")
        return found
