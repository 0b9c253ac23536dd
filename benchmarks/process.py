"""One start of a function under the real awslambdaric, measured from outside: its CPU clock is read
at the moments when it speaks to the Runtime API."""

import importlib.metadata
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

_CLIENT = ("awslambdaric", "simplejson", "snapshot_restore_py")
#: Seconds that a function may stay silent.
_PATIENCE = 60.0

#: Sets what Lambda sets: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
_LAMBDA = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_FUNCTION_NAME": "benchmark",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_FORMAT": "JSON",
    "AWS_LAMBDA_LOG_GROUP_NAME": "benchmark",
    "AWS_LAMBDA_LOG_STREAM_NAME": "benchmark",
    "LANG": "en_US.UTF-8",
    "TZ": ":UTC",
}


class FunctionFailed(Exception):
    """A function that is measured did not start, or did not handle its event."""


class Launch(NamedTuple):
    """What to start: the handler in the folder `code`, which is all that it can import beside the
    standard library and `client`."""

    code: Path
    handler: str
    variables: Mapping[str, str]
    client: Path


class StartSample(NamedTuple):
    """One start, in milliseconds of CPU or of the clock on the wall, and megabytes.

    `start` is from the spawn until it waits for an event, `first` and `warm` (a list) are until it
    waits for the next one.
    """

    start_cpu: float
    start_wall: float
    first_cpu: float
    first_wall: float
    warm_cpu: list[float]
    warm_wall: list[float]
    rss: float

    @property
    def answered_cpu(self) -> float:
        """From the spawn to the first answer: what is put off until then does not look saved."""
        return self.start_cpu + self.first_cpu


class _Moment(NamedTuple):
    cpu: float
    wall: float


def link_client(folder: Path, distributions: Sequence[str] = _CLIENT) -> Path:
    """Put awslambdaric and what it needs into `folder`: in Lambda it is there beside the code."""
    folder.mkdir(parents=True)
    for distribution in distributions:
        for file in importlib.metadata.files(distribution) or ():
            top = file.parts[0]
            link = folder / top
            if top != ".." and not top.endswith(".dist-info") and not link.exists():
                link.symlink_to(Path(str(file.locate())).parents[len(file.parts) - 1] / top)
    return folder


def measure(launch: Launch, events: Sequence[bytes]) -> StartSample:
    """Start the function, hand it the events one after the other, and kill it.

    Raises FunctionFailed when it does not start, raises, or says that it did not handle an event.
    """
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        tempfile.TemporaryFile() as output,
    ):
        server.settimeout(_PATIENCE)
        began = time.perf_counter()
        process = _spawn(launch, server.getsockname()[1], output)
        try:
            return _Conversation(process.pid, began, launch).hold(server, events)
        except (OSError, FunctionFailed) as err:
            output.seek(0)
            said = output.read().decode("utf-8", "replace")[-2000:]
            raise FunctionFailed(f"{launch.handler} in {launch.code.name}: {err}\n{said}") from err
        finally:
            process.kill()
            process.wait()


def _spawn(launch: Launch, port: int, output: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Start it without site-packages: a bundle must be enough, and a baseline must be bare."""
    return subprocess.Popen(
        [sys.executable, "-S", "-m", "awslambdaric", launch.handler],
        cwd=launch.code,
        env={
            **_LAMBDA,
            **launch.variables,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(launch.client),
            "LAMBDA_TASK_ROOT": str(launch.code),
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
            "_HANDLER": launch.handler,
        },
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )


class _Conversation:
    """https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, for one process."""

    def __init__(self, pid: int, began: float, launch: Launch) -> None:
        # The CPU clock of another process, of all its threads: clock_getcpuclockid(3).
        self._clock = (~pid << 3) | 2
        self._pid = pid
        self._began = began
        self._waits: list[_Moment] = []
        self._rss = 0.0

    def hold(self, server: socket.socket, events: Sequence[bytes]) -> StartSample:
        """Answer until the function asks for more events than there are."""
        while len(self._waits) <= len(events):
            client, _ = server.accept()
            client.settimeout(_PATIENCE)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with client, client.makefile("rb") as stream:
                while len(self._waits) <= len(events) and (line := stream.readline()):
                    self._answer(client, stream, line, events)
        return self._sample()

    def _answer(
        self, client: socket.socket, stream: IO[bytes], line: bytes, events: Sequence[bytes]
    ) -> None:
        if b"/invocation/next" in line:
            self._waits.append(self._now())
            _headers(stream)
            if len(self._waits) <= len(events):
                client.sendall(_invocation(events[len(self._waits) - 1]))
            else:  # Now, because it ends when nobody answers.
                self._rss = peak(self._pid)
            return
        body = _body(stream, _headers(stream))
        if b"/error" in line:
            raise FunctionFailed(json.loads(body).get("errorMessage", "failed"))
        _check(json.loads(body))
        client.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    def _now(self) -> _Moment:
        cpu = time.clock_gettime_ns(self._clock) / 1e6
        return _Moment(cpu, (time.perf_counter() - self._began) * 1e3)

    def _sample(self) -> StartSample:
        start, *rest = self._waits
        pairs = list(zip(self._waits, rest, strict=False))
        cpu = [after.cpu - before.cpu for before, after in pairs] or [0.0]
        wall = [after.wall - before.wall for before, after in pairs] or [0.0]
        return StartSample(start.cpu, start.wall, cpu[0], wall[0], cpu[1:], wall[1:], self._rss)


def peak(pid: int | str) -> float:
    """Return the most memory that a process held at once, in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def _invocation(event: bytes) -> bytes:
    deadline = int((time.time() + 60) * 1000)
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        "Lambda-Runtime-Aws-Request-Id: 00000000-0000-0000-0000-000000000001\r\n"
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:f\r\n"
        f"Lambda-Runtime-Deadline-Ms: {deadline}\r\nContent-Length: {len(event)}\r\n\r\n"
    )
    return head.encode() + event


def _headers(stream: IO[bytes]) -> dict[str, str]:
    found = {}
    while line := stream.readline().strip():
        name, _, value = line.decode().partition(":")
        found[name.lower()] = value.strip()
    return found


def _body(stream: IO[bytes], headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return stream.read(int(headers.get("content-length", 0)))
    return b"".join(_chunks(stream))


def _chunks(stream: IO[bytes]) -> Iterable[bytes]:
    while size := int(stream.readline(), 16):
        yield stream.read(size)
        stream.readline()
    stream.readline()


def _check(answer: Any) -> None:
    """A number is worth nothing when the work was not done."""
    if answer and (answer.get("batchItemFailures") or answer.get("statusCode", 200) != 200):
        raise FunctionFailed(f"it did not handle the event: {json.dumps(answer)[:500]}")
