"""A built bundle in a process of its own under awslambdaric, which sees nothing but the bundle."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import files
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]
_NEXT = "/2018-06-01/runtime/invocation/next"
#: Milliseconds that a function may take: Lambda's longest.
_LONGEST = 900_000
_CLIENT = ("awslambdaric", "simplejson", "snapshot_restore_py")


class Call(NamedTuple):
    """What a function's process said to the Runtime API: the path, and the body as JSON."""

    path: str
    body: Any


class Function:
    """A started function."""

    def __init__(self, process: "subprocess.Popen[bytes]", server: "_RuntimeApi") -> None:
        self._process = process
        self._server = server

    def first_call(self) -> Call:
        """What it said first: that it waits for an event, or why it could not start."""
        return self._server.said.get(timeout=60)

    def answer(self, event: Json) -> Any:
        """Hand it an event and return its answer; `first_call` comes before."""
        return self.call(event).body

    def call(self, event: Json) -> Call:
        """Hand it an event and return what it says then, which may be that it failed."""
        self._server.events.put(event)
        return self._server.said.get(timeout=60)


class _RuntimeApi(ThreadingHTTPServer):
    """https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, for one function."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.said: queue.Queue[Call] = queue.Queue()
        self.events: queue.Queue[Json] = queue.Queue()
        self.is_started = False


class _Handler(BaseHTTPRequestHandler):
    server: _RuntimeApi

    def do_GET(self) -> None:
        if not self.server.is_started:
            self.server.is_started = True
            self.server.said.put(Call(self.path, None))
        event = json.dumps(self.server.events.get()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Lambda-Runtime-Aws-Request-Id", "1")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + _LONGEST))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:::function:test")
        self.send_header("Content-Length", str(len(event)))
        self.end_headers()
        self.wfile.write(event)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.said.put(Call(self.path, json.loads(body)))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def alone(bundle: Path, *more: Path) -> Mapping[str, str]:
    """The environment in which Python finds the bundle and its own library only; use it with -S."""
    path = os.pathsep.join(map(str, (bundle, *more)))
    return {"PATH": os.environ["PATH"], "PYTHONPATH": path, "AWS_REGION": "eu-central-1"}


def runtime_client(folder: Path) -> Path:
    """Link awslambdaric and what it needs into `folder`: in Lambda it is there, too."""
    for distribution in _CLIENT:
        for file in files(distribution) or ():
            top = file.parts[0]
            link = folder / top
            if top != ".." and not top.endswith(".dist-info") and not link.exists():
                link.symlink_to(Path(str(file.locate())).parents[len(file.parts) - 1] / top)
    return folder


@contextmanager
def started(
    bundle: Path, handler: str, variables: Mapping[str, str], client: Path
) -> Iterator[Function]:
    """Start a function as Lambda does; it ends with the block."""
    with _RuntimeApi() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        environment = {
            **alone(bundle, client),
            **variables,
            "AWS_LAMBDA_RUNTIME_API": address,
        }
        process = subprocess.Popen(
            [sys.executable, "-S", "-m", "awslambdaric", handler],
            cwd=bundle,
            env={**environment, "LAMBDA_TASK_ROOT": str(bundle)},
        )
        try:
            yield Function(process, server)
        finally:
            process.kill()
            process.wait()
            server.shutdown()
