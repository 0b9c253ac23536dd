"""Forks a process for each delivery, which dies, stops or ends; forking takes milliseconds.

Each line of the input is an order, each line of the output how it ended: a JSON object with `end`,
which is `done`, `again`, `killed`, `held` or `broken`, and what the delivery tells. The order
`{"resume": true}` lets the process go on that was held.
"""

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from infra.project import ROOT
from shared.events import Json

#: Handles one delivery, and tells of it: `again` when it goes back to the queue, and more.
Deliver = Callable[[Json], Json]


def serve(deliver: Deliver, prepare: Callable[[Json], object] = lambda order: None) -> None:
    """Carry out the orders of the standard input until it ends. What `prepare` loads for one, all
    that follow have."""
    child = _Child(0, 0)
    for line in sys.stdin:
        order = json.loads(line)
        prepare(order)
        gc.freeze()  # a fork looks for no garbage among what is loaded, and so copies none of it
        if order.get("resume"):
            os.kill(child.pid, signal.SIGCONT)
        else:
            child = _forked(deliver, order)
        print(json.dumps(child.wait()), flush=True)


class _Child:
    def __init__(self, pid: int, pipe: int) -> None:
        self.pid = pid
        self._pipe = pipe

    def wait(self) -> Json:
        """Wait until it ends or stops, and return how."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            return {"end": "held"}
        with os.fdopen(self._pipe, "rb") as pipe:
            told = pipe.read()
        if os.WIFSIGNALED(status):
            return {"end": "killed" if os.WTERMSIG(status) == signal.SIGKILL else "broken"}
        if not told:
            return {"end": "broken"}
        answer: Json = json.loads(told)
        return answer | {"end": "again" if answer.get("again") else "done"}


def _forked(deliver: Deliver, order: Json) -> _Child:
    reader, writer = os.pipe()
    if pid := os.fork():
        os.close(writer)
        return _Child(pid, reader)
    code = 1
    try:
        # What the flow logs is not for the reader of our output.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        os.write(writer, json.dumps(deliver(order)).encode())
        code = 0
    finally:
        sys.stdout.flush()
        os._exit(code)


class KillableProcesses:
    """Runs a module that calls `serve`. What its processes log goes to the file `log`, or nowhere.

    `seed` is of the hashes of texts, and so of the order of sets.
    """

    def __init__(
        self, module: str, *arguments: str, log: Path | None = None, seed: int = 1
    ) -> None:
        with (log or Path(os.devnull)).open("ab") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": str(seed)},
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=30)

    def do(self, order: Json) -> Json:
        """Carry out one order; an answer that does not come is `broken`."""
        self.begin(order)
        return self.wait()

    def begin(self, order: Json) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def wait(self) -> Json:
        assert self._process.stdout
        line = self._process.stdout.readline()
        answer: Json = json.loads(line) if line else {"end": "broken"}
        return answer


def ends(answers: Sequence[Json]) -> list[str]:
    """Return how deliveries ended."""
    return [answer["end"] for answer in answers]
