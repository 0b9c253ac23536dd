"""Shared by the tests of the bench: inputs, a model that answers from a function, results."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from infra.bench.rows import BadRow, Columns, InputRow, read
from infra.bench.tasks import Job, Task, TaskResult, answer
from infra.bench.trial import Trial
from shared.events import Json
from shared.models import ModelReply, ModelRequest, Usage

TASK = Task("Choose the label.")


def write_rows(path: Path, rows: Iterable[Json]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def reading(path: Path) -> Callable[[], Iterable[InputRow | BadRow]]:
    def again() -> Iterable[InputRow | BadRow]:
        with path.open("rb") as stream:
            yield from read(stream, "jsonl", Columns())

    return again


def numbered(count: int) -> list[Json]:
    """Rows whose answer is their own number."""
    return [{"id": f"r{n}", "text": f"row {n}", "expect": str(n)} for n in range(count)]


def results(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


class Echo:
    """A model that answers with the number in the row, and remembers what it was asked."""

    def __init__(self, said: Callable[[str], str] | None = None, cost: float | None = 0.01) -> None:
        self.asked: list[str] = []
        self._said = said or (lambda number: number)
        self._cost = cost

    def __call__(self, request: ModelRequest) -> ModelReply:
        number = request.messages[0].text.split("row ")[1].split("\n")[0]
        self.asked.append(number)
        usage = Usage(10, 2, 4, 3)
        return ModelReply(self._said(number), "stop", usage, "openai:x", cost=self._cost)

    def ask(self, job: Job) -> TaskResult:
        return answer(TASK, job, self)


def trial(rows: Path, **options: Any) -> Trial:
    return Trial(TASK, options.pop("models", {"small": "openai:x"}), reading(rows), **options)
