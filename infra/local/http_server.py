"""Serves a WSGI application on a loopback port, in threads of this process, without a log."""

import socket
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from infra.local.aws.errors import LocalCloudError
from infra.local.shedding import Shedder

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


#: The connections that the kernel keeps until they are accepted; it resets those above.
_BACKLOG = 1024


class QuietHandler(WSGIRequestHandler):
    disable_nagle_algorithm = True
    timeout = 30.0  # an idle connection holds a thread

    def log(self, type: str, message: str, *arguments: object) -> None:
        pass


Handler = type[WSGIRequestHandler]


class _Server(ThreadedWSGIServer):
    """Answers in threads, `most` at once and any number without it; the connections above are
    refused."""

    def __init__(
        self, listener: socket.socket, call: "WSGIApplication", handler: Handler, most: int | None
    ) -> None:
        port = listener.getsockname()[1]
        super().__init__("127.0.0.1", port, call, handler, fd=listener.fileno())
        self._shedder = Shedder() if most else None
        self._free = threading.Semaphore(most or 0)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._shedder and not self._free.acquire(blocking=False):
            self._shedder.take(request)
        else:
            super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def server_close(self) -> None:
        super().server_close()
        if shedder := getattr(self, "_shedder", None):  # werkzeug closes in its constructor too
            self._shedder = None
            shedder.stop()


class HttpServer:
    """Listens from the start, so that its address is known; answers once it has an application.

    It answers `most` connections at once and refuses those above. It opens its own socket, because
    werkzeug ends the process when the port is taken. Raises LocalCloudError instead.
    """

    def __init__(
        self, port: int = 0, handler: Handler = QuietHandler, *, most: int | None = None
    ) -> None:
        try:
            listener = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
        except OSError as err:
            raise LocalCloudError(f"port {port}: {err.strerror}; choose another port") from err
        with listener:  # the server has its own descriptor of it
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self._server = _Server(listener, self._call, handler, most)
        self._application: WSGIApplication | None = None
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="http",
            daemon=True,
        )

    def start(self, application: "WSGIApplication") -> None:
        self._application = application
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; a second call does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def _call(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        assert self._application is not None
        return self._application(environ, start_response)
