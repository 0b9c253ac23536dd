"""Lambda's Invoke for the functions of the stack, in front of moto, which would only echo.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import json
import re
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from infra.local.aws.errors import FunctionError, LocalCloudError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")

#: Invokes a function with an event; raises FunctionError, or LocalCloudError when there is none.
InvokeRaw = Callable[[str, bytes], bytes]


class LambdaApi:
    """A WSGI application that answers Invoke and hands everything else on.

    An asynchronous invocation runs once: its failure is in the function's log, without a second
    try.
    """

    def __init__(self, invoke: InvokeRaw, others: "WSGIApplication") -> None:
        self._invoke = invoke
        self._others = others

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        match = _INVOKE.fullmatch(environ["PATH_INFO"])
        if match is None:
            return self._others(environ, start_response)
        request = Request(environ)
        return self._answer(unquote(match[1]), request)(environ, start_response)

    def _answer(self, function: str, request: Request) -> Response:
        event = request.get_data() or b"{}"
        kind = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        if kind == "Event":
            threading.Thread(target=self._run, args=(function, event), daemon=True).start()
            return Response(b"", 202)
        return self._run(function, event)

    def _run(self, function: str, event: bytes) -> Response:
        try:
            return _json(self._invoke(function, event))
        except FunctionError as err:
            answer = _json(json.dumps(err.payload).encode())
            answer.headers["X-Amz-Function-Error"] = "Unhandled"
            return answer
        except LocalCloudError as err:
            body = json.dumps({"Type": "User", "Message": str(err)}).encode()
            answer = _json(body, 404)
            answer.headers["x-amzn-ErrorType"] = "ResourceNotFoundException"
            return answer


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, content_type="application/json")
