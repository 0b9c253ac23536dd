"""An execution environment of a function: an awslambdaric process and the Runtime API it polls.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import contextlib
import json
import os
import queue
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import BaseServer
from typing import NamedTuple, cast

from infra.local.aws.errors import FunctionError
from infra.local.aws.processes import Process, start
from shared.events import Json

#: Seconds that Lambda gives a function to initialise before they count against the time-out.
_INIT_SECONDS = 10.0
#: The largest response of a synchronous invocation.
_RESPONSE_LIMIT_BYTES = 6_291_556

#: Variables of this process that a function inherits.
_INHERITED = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)

#: Called with the name of a function and a line that it wrote.
Log = Callable[[str, str], None]


class FunctionSpec(NamedTuple):
    """A function as the template declares it.

    `id` is its logical id. If `isolated`, it cannot import this machine's packages, as in Lambda.
    """

    id: str
    name: str
    arn: str
    handler: str
    code: Path
    variables: Mapping[str, str]
    timeout: float
    memory: int
    concurrency: int
    isolated: bool = False
    version: str = "$LATEST"


class _Report(NamedTuple):
    """A message of the runtime or the operating system about the process."""

    kind: str
    payload: bytes = b""


class Environment:
    """One process that handles one event at a time, kept warm until it fails."""

    def __init__(self, spec: FunctionSpec, log: Log) -> None:
        self._spec = spec
        self._log = log
        self._events: queue.SimpleQueue[tuple[str, bytes] | None] = queue.SimpleQueue()
        self._reports: queue.SimpleQueue[_Report] = queue.SimpleQueue()
        self._closed = False
        self._ended = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._process = self._start_process()
        for work in (self._serve, self._follow_process):
            threading.Thread(target=work, name=f"{spec.id}-{work.__name__}", daemon=True).start()

    @property
    def alive(self) -> bool:
        return not self._closed and not self._ended

    @property
    def pid(self) -> int:
        return self._process.pid

    def invoke(self, event: bytes) -> bytes:
        """Run one event and return the response.

        Raises FunctionError; the environment is closed then, unless the handler itself raised.
        """
        request = str(uuid.uuid4())
        self._events.put((request, event))
        deadline = time.monotonic() + _INIT_SECONDS + self._spec.timeout
        while True:
            try:
                report = self._reports.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                self.close()
                raise self._error(request, "Sandbox.Timedout", self._timeout_text()) from None
            if report.kind == "next":
                deadline = time.monotonic() + self._spec.timeout
            elif report.kind == "response":
                return self._checked(request, report.payload)
            elif report.kind == "error":
                raise FunctionError(self._spec.id, json.loads(report.payload))
            else:
                self.close()
                if report.kind == "init":
                    raise FunctionError(self._spec.id, json.loads(report.payload))
                raise self._error(request, "Runtime.ExitError", _exit_text(self._process.wait()))

    def end(self) -> None:
        """Ask the process to end, which may take it a moment."""
        with contextlib.suppress(OSError):  # it may have died
            self._process.terminate()

    def close(self) -> None:
        """Kill the process and all its children."""
        if self._closed:
            return
        self._closed = True
        if self._process.poll() is None:
            with contextlib.suppress(OSError):  # it may die first
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._events.put(None)
        # Wake `accept`, unless it is over and the listener closed: closing a socket under it does
        # not, on every system.
        with (
            contextlib.suppress(OSError),
            socket.create_connection(self._listener.getsockname()),
        ):
            pass

    def _start_process(self) -> Process:
        spec = self._spec
        host, port = self._listener.getsockname()
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        variables = {
            **inherited,
            **spec.variables,
            "AWS_LAMBDA_RUNTIME_API": f"{host}:{port}",
            "AWS_LAMBDA_FUNCTION_NAME": spec.name,
            "AWS_LAMBDA_FUNCTION_VERSION": spec.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        }
        return start(spec.handler, spec.code, variables, isolated=spec.isolated)

    def _serve(self) -> None:
        """Answer the runtime: one client, one request at a time, so one thread will do."""
        with self._listener:
            while not self._closed:
                connection, address = self._listener.accept()
                # The process may die in the middle of a request.
                with connection, contextlib.suppress(OSError):
                    _RuntimeApi(connection, address, self)

    def _follow_process(self) -> None:
        process = self._process
        assert process.stdin and process.stdout
        with process.stdin, process.stdout:
            for line in process.stdout:
                self._log(self._spec.id, line.rstrip())
            self._ended = True
            process.wait()
        self._reports.put(_Report("exit"))

    def next_event(self) -> tuple[str, bytes] | None:
        """Wait for the next event of the process; None when the environment is closed."""
        event = self._events.get()
        if event is not None:
            self._reports.put(_Report("next"))
        return event

    def report(self, kind: str, payload: bytes) -> None:
        self._reports.put(_Report(kind, payload))

    def headers(self, request: str) -> dict[str, str]:
        deadline = (time.time() + self._spec.timeout) * 1000
        return {
            "Lambda-Runtime-Aws-Request-Id": request,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline)),
            "Lambda-Runtime-Invoked-Function-Arn": self._spec.arn,
            "Content-Type": "application/json",
        }

    def _checked(self, request: str, response: bytes) -> bytes:
        if len(response) <= _RESPONSE_LIMIT_BYTES:
            return response
        reason = f"Response payload size exceeded maximum allowed ({_RESPONSE_LIMIT_BYTES} bytes)."
        raise self._error(request, "Function.ResponseSizeTooLarge", reason)

    def _error(self, request: str, kind: str, reason: str) -> FunctionError:
        self._log(self._spec.id, f"{kind}: {reason}")
        payload: Json = {"errorType": kind, "errorMessage": f"RequestId: {request} Error: {reason}"}
        return FunctionError(self._spec.id, payload)

    def _timeout_text(self) -> str:
        return f"Task timed out after {self._spec.timeout:.2f} seconds"


class _RuntimeApi(BaseHTTPRequestHandler):
    """The three calls that awslambdaric makes: the next event, its response, an error."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def __init__(
        self, connection: socket.socket, address: tuple[str, int], environment: Environment
    ) -> None:
        self._environment = environment
        super().__init__(connection, address, cast(BaseServer, environment))

    def do_GET(self) -> None:
        event = self._environment.next_event()
        if event is None:
            self.close_connection = True
            return
        request, payload = event
        self._answer(200, payload, self._environment.headers(request))

    def do_POST(self) -> None:
        payload = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(202, b"", {})
        *_, subject, kind = self.path.split("/")
        self._environment.report("init" if subject == "init" else kind, payload)

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def _exit_text(status: int) -> str:
    if status < 0:
        name = "killed" if status == -signal.SIGKILL else signal.Signals(-status).name
        return f"Runtime exited with error: signal: {name}"
    if status > 0:
        return f"Runtime exited with error: exit status {status}"
    return "Runtime exited without providing a reason"
