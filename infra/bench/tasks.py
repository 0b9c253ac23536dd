"""Asks about one row: the prompt, the row as data, and the judged answer."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from enum import Enum
from functools import cached_property
from hashlib import sha256
from typing import Any

from infra.bench.expectations import Expectation, Pair
from infra.bench.rows import InputRow
from shared import errors
from shared.canonical import digest
from shared.errors import AnswerInvalid, BudgetExceeded, ModelError
from shared.events import Json
from shared.models import ChatMessage, ModelReply, ModelRequest, Usage
from shared.models.answers import typed
from shared.models.prompts import data, system


@dataclass(frozen=True)
class Task:
    """The prompt and the type of its answer, the same for all rows. The row follows as data, so
    that the prompt is one prefix that providers can cache."""

    prompt: str
    returns: Any = str
    max_tokens: int = 1024

    def request(self, row: InputRow) -> ModelRequest:
        blocks = [data(name, _as_text(value)) for name, value in row.fields.items()]
        return replace(self._common, messages=(ChatMessage("user", "\n\n".join(blocks)),))

    def job(self, row: InputRow, request: ModelRequest, arm: str, model: str) -> "Job":
        """Return the job of asking `arm`, which stands for `model` today."""
        whole = f"{model}\n{self._common_digest}\n{request.messages[0].text}"
        hash = sha256(whole.encode("utf-8", "replace")).hexdigest()[:16]
        return Job(row, arm, request, hash)

    @cached_property
    def _common(self) -> ModelRequest:
        """The parts that the requests of all rows share."""
        schema = None if self.returns is str else typed.schema_of(self.returns)
        return ModelRequest((), system(self.prompt), schema=schema, max_tokens=self.max_tokens)

    @cached_property
    def _common_digest(self) -> str:
        return digest(self._common)


@dataclass(frozen=True)
class Job:
    """One row for one model. `hash` changes with anything that could change the answer."""

    row: InputRow
    arm: str
    request: ModelRequest = field(repr=False)
    hash: str


@dataclass(frozen=True)
class TaskResult:
    """The result of a job. `error` is empty when there is an answer; `score` is None when nothing
    was expected, or nothing came to judge."""

    id: str
    line: int
    model: str
    hash: str
    answered: str = ""
    output: Any = None
    error: str = ""
    message: str = ""
    usage: Usage = field(default_factory=Usage)
    calls: int = 0
    cost: float | None = 0.0
    ms: float | None = None
    source: str = ""
    score: int | None = None
    expect: Any = None

    def line_of(self) -> Json:
        """Return the JSON object that a results file holds for this."""
        wrong = {"kind": self.error, "message": self.message} if self.error else None
        written = {**vars(self), "error": wrong, "usage": vars(self.usage)}
        del written["message"]
        if self.expect is None:
            del written["expect"]
        return written

    @classmethod
    def of(cls, written: Json) -> "TaskResult":
        """Read such an object; raises KeyError, TypeError or ValueError when it is malformed."""
        wrong = written["error"] or {"kind": "", "message": ""}
        read = written | {
            "error": wrong["kind"],
            "message": wrong["message"],
            "usage": Usage(**written["usage"]),
        }
        return cls(**read)

    @property
    def pairs(self) -> list[Pair]:
        """Return the expected and the actual values, for the table of confusions."""
        if self.expect is None or self.score is None:
            return []
        output = self.output if not self.error else "(no valid answer)"
        return Expectation.of(self.expect).pairs(output)


def answer(task: Task, job: Job, reply: Callable[[ModelRequest], ModelReply]) -> TaskResult:
    """Ask and judge. A failure of the model is a result too, with the cost of what was paid before.

    Raises BudgetExceeded, which ends the bench.
    """
    paid: list[ModelReply] = []

    def paying(request: ModelRequest) -> ModelReply:
        paid.append(reply(request))
        return paid[-1]

    began = time.perf_counter()
    try:
        value, _ = typed.ask(paying, job.request, task.returns)
        return judged(job, plain(value), paid, _since(began))
    except BudgetExceeded:
        raise
    except ModelError as err:
        return failed(job, err, paid, _since(began))


def read(task: Task, job: Job, reply: ModelReply) -> TaskResult:
    """Read and judge a reply from a batch, where no repair can be asked for."""
    try:
        if reply.finish == "refused":
            raise AnswerInvalid(f"{reply.model}: declined to answer")
        return judged(job, plain(typed.parse(task.returns, reply.text)), [reply], None)
    except AnswerInvalid as err:
        return failed(job, err, [reply], None)


def judged(job: Job, output: Any, paid: list[ModelReply], ms: float | None) -> TaskResult:
    """Return the result of an answer."""
    expect = job.row.expect
    score = None if expect is None else int(expect.is_met(output))
    return _result(job, paid, ms, output=output, score=score)


def failed(job: Job, err: ModelError, paid: list[ModelReply], ms: float | None) -> TaskResult:
    """Return the result of a failure: an invalid answer is wrong, other failures are not judged."""
    wrong = isinstance(err, AnswerInvalid) and job.row.expect is not None
    # A wire's own kinds of error are called by the one of ours that they are.
    names = [kind.__name__ for kind in type(err).__mro__ if kind.__module__ == errors.__name__]
    return _result(job, paid, ms, error=names[0], message=str(err), score=0 if wrong else None)


def _result(job: Job, paid: list[ModelReply], ms: float | None, **outcome: Any) -> TaskResult:
    row, costs = job.row, [reply.cost for reply in paid]
    known = [cost for cost in costs if cost is not None]
    sources = {reply.source for reply in paid}
    return TaskResult(
        row.id,
        row.line,
        job.arm,
        job.hash,
        answered=paid[-1].model if paid else "",
        usage=Usage(
            sum(reply.usage.input for reply in paid),
            sum(reply.usage.output for reply in paid),
            sum(reply.usage.cached for reply in paid),
            sum(reply.usage.written for reply in paid),
        ),
        calls=sum(reply.source == "provider" for reply in paid),
        cost=sum(known) if len(known) == len(costs) else None,
        ms=ms,
        source=sources.pop() if len(sources) == 1 else "provider" if sources else "",
        expect=row.expect.raw if row.expect else None,
        **outcome,
    )


def plain(value: Any) -> Any:
    """Return a typed answer as JSON values, under the names of its fields."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(part) for part in value), key=str)
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1e3, 3)
