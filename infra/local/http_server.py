"""Serves a WSGI application on a loopback port, in threads of this process, without a log."""

import socket
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.serving import WSGIRequestHandler, make_server

from infra.local.aws.errors import LocalCloudError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class QuietHandler(WSGIRequestHandler):
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *arguments: object) -> None:
        pass


class HttpServer:
    """Listens from the start, so that its address is known; answers once it has an application.

    It opens its own socket, because werkzeug ends the process when the port is taken. Raises
    LocalCloudError instead.
    """

    def __init__(self, port: int = 0, handler: type[WSGIRequestHandler] = QuietHandler) -> None:
        try:
            listener = socket.create_server(("127.0.0.1", port))
        except OSError as err:
            raise LocalCloudError(f"port {port}: {err.strerror}; choose another port") from err
        with listener:  # the server has its own descriptor of it
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self._server = make_server(
                "127.0.0.1",
                listener.getsockname()[1],
                self._call,
                threaded=True,
                request_handler=handler,
                fd=listener.fileno(),
            )
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
