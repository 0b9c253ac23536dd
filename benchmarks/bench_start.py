"""One start of the test bench with a model that answers at once: prints what it took, as JSON."""

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.process import peak
from infra.bench.rows import BadRow, Columns, InputRow, read
from infra.bench.tasks import Job, Task, TaskResult, answer
from infra.bench.trial import Trial, conduct
from shared.models import ModelReply, ModelRequest, Usage

_REPLY = ModelReply("bug", "stop", Usage(100, 1), "instant", cost=0.0)


def main(source: str, out: str, threads: str) -> None:
    task = Task("Choose the label of the issue.")

    def rows() -> Iterable[InputRow | BadRow]:
        with open(source, "rb") as stream:
            yield from read(stream, "jsonl", Columns())

    def reply(_: ModelRequest) -> ModelReply:
        return _REPLY

    def ask(job: Job) -> TaskResult:
        return answer(task, job, reply)

    began = time.perf_counter(), time.process_time()
    trial = Trial(task, {"instant": "instant"}, rows, out=Path(out))
    found = conduct(trial, ask, threads=int(threads))
    took = {
        "rows": found["models"]["instant"]["ok"],
        "wall": time.perf_counter() - began[0],
        "cpu": time.process_time() - began[1],
        "rss": peak("self"),
    }
    print(json.dumps(took))


if __name__ == "__main__":
    main(*sys.argv[1:])
