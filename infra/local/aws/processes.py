"""Starts the processes of functions: forks of `forker` for the code of this project, so that a
start is cheap. Built artifacts start alone, and so prove that they hold all that they import."""

import atexit
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, ClassVar, Protocol

from infra.local.aws.forker import Order
from infra.project import ROOT, flow_modules

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
#: Forking is safe there, whatever a module has started.
_FORKS = sys.platform == "linux"
#: What functions import, beside their flow.
_MODULES = (
    *("shared.runtime.function", "shared.web.ingress", "shared.aws.executions"),
    *("shared.actions.github.adapter", "shared.actions.slack.adapter"),
    *("shared.memory.embedding.hashing", "shared.models.guards.budgets"),
    "shared.models.offline.model",
)


class Process(Protocol):
    """What an environment needs of its process; subprocess.Popen has it too."""

    pid: int
    stdin: IO[str] | None
    stdout: IO[str] | None

    def poll(self) -> int | None: ...
    def wait(self) -> int: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


def start(
    handler: str, code: Path, environment: Mapping[str, str], *, isolated: bool = False
) -> Process:
    """Start a function's process in the folder `code`. It leads a session, and ends when its
    standard input does."""
    variables = {**environment, "PYTHONPATH": str(code), "LAMBDA_TASK_ROOT": str(code)}
    if _FORKS and code == ROOT and not isolated:
        return _Forks.ours().start(Order(handler, str(code), variables))
    return subprocess.Popen(
        [sys.executable, "-P", str(_BOOTSTRAP), handler, *["isolated"] * isolated],
        cwd=code,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        encoding="utf-8",
        errors="replace",
    )


def _is_ready(told: IO[bytes]) -> bool:
    """Is there something to read, or is it over? `select` takes no number above 1023."""
    waiting = select.poll()
    waiting.register(told, select.POLLIN | select.POLLHUP)
    return bool(waiting.poll(0))


class _Fork:
    """A process that is a child of the forker, which tells its number and its end."""

    def __init__(self, input: int, output: int, told: int) -> None:
        self.stdin: IO[str] | None = os.fdopen(input, "w", encoding="utf-8")
        self.stdout: IO[str] | None = os.fdopen(output, encoding="utf-8", errors="replace")
        self._told = os.fdopen(told, "rb", buffering=0)
        self._lock = threading.Lock()
        self._status: int | None = None
        self.pid = int(self._told.readline() or 0)
        if not self.pid:
            raise OSError("the process that forks functions has ended")

    def wait(self) -> int:
        with self._lock:
            return self._end()

    def poll(self) -> int | None:
        if not self._lock.acquire(blocking=False):
            return self._status  # another thread waits for the end
        try:
            runs = self._status is None and not _is_ready(self._told)
            return None if runs else self._end()
        finally:
            self._lock.release()

    def _end(self) -> int:
        if self._status is None:
            with self._told as told:
                # Nobody tells when the forker was killed.
                self._status = int(told.readline() or -signal.SIGKILL)
        return self._status

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        if self.poll() is None:  # else the number may be another's by now
            with suppress(ProcessLookupError):  # it has ended, and nobody has told it yet
                os.kill(self.pid, number)


class _Forks:
    """The forker of this process, which ends with it."""

    _started: ClassVar["list[_Forks]"] = []
    _starting = threading.Lock()

    def __init__(self) -> None:
        modules = [*_MODULES, *flow_modules().values()]
        self._lock = threading.Lock()
        self._orders, theirs = socket.socketpair()
        with theirs:
            self._process: subprocess.Popen[Any] = subprocess.Popen(
                [sys.executable, "-P", "-m", "infra.local.aws.forker", *modules],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd=ROOT,
                env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT)},
                start_new_session=True,
            )

    @classmethod
    def ours(cls) -> "_Forks":
        """Return the one that runs, or start one."""
        with cls._starting:
            running = [one for one in cls._started if one._process.poll() is None]
            if not running:
                cls._started[:] = [cls()]
                atexit.register(cls._started[0].close)
            return cls._started[0]

    def close(self) -> None:
        """Let it end, as nobody sends it orders any more."""
        self._orders.close()
        self._process.wait()

    def start(self, order: Order) -> _Fork:
        """Let it fork; raises OSError when it cannot."""
        given, input = os.pipe()
        output, said = os.pipe()
        told, tells = os.pipe()
        text = order.to_json()
        try:
            with self._lock:
                head = len(text).to_bytes(4, "big")
                socket.send_fds(self._orders, [head], [given, said, tells])
                self._orders.sendall(text)
        finally:
            for file in (given, said, tells):
                os.close(file)
        return _Fork(input, output, told)
