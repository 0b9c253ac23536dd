"""API Gateway's REST API for the template's routes, and a page for everything else.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import binascii
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from infra.local.aws.errors import LocalCloudError
from infra.local.aws.queues import Invoke
from shared.events import Json

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: The stage is no part of the local address.
_STAGE = "local"
_ANY = "X-AMAZON-APIGATEWAY-ANY-METHOD"
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
_BODY_LIMIT_BYTES = 10 * 1024 * 1024
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_EVENT_LIMIT_BYTES = 6_291_556


#: The most requests at once for one function, as many as it has environments.
_AT_ONCE = 10
#: For how many seconds the others wait: Slack gives up after three.
_PATIENCE = 2.0


class Route(NamedTuple):
    """A method and a path, the function behind them, and the media types that count as binary."""

    method: str
    path: str
    function: str
    binary_types: tuple[str, ...]

    @property
    def precedence(self) -> tuple[bool, int, bool]:
        """Sort key: routes that API Gateway tries first come first."""
        return "+}" in self.path, self.path.count("{"), self.method == _ANY


class Gateway:
    """A WSGI application. `page` gets every request that matches no route.

    A request that has no turn within `patience` seconds is refused.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        invoke: Invoke,
        page: "WSGIApplication | None",
        patience: float = _PATIENCE,
    ) -> None:
        self._routes = [
            (route, _pattern(route.path)) for route in sorted(routes, key=lambda r: r.precedence)
        ]
        self._turns = {route.function: threading.Semaphore(_AT_ONCE) for route in routes}
        self._invoke = invoke
        self._page = page
        self._patience = patience

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        request = Request(environ)
        for route, pattern in self._routes:
            match = pattern.fullmatch(request.path)
            if match and route.method in (request.method, _ANY):
                return self._answer(request, route, match.groupdict())(environ, start_response)
        if self._page is not None:
            return self._page(environ, start_response)
        return _message(403, "Missing Authentication Token")(environ, start_response)

    def _answer(self, request: Request, route: Route, parameters: dict[str, str]) -> Response:
        request.max_content_length = _BODY_LIMIT_BYTES
        try:
            event = _event(request, route, parameters)
        except RequestEntityTooLarge:
            return _message(413, "Request Too Long")
        if len(json.dumps(event)) > _EVENT_LIMIT_BYTES:
            return _message(413, "Request Too Long")
        # With all inside nobody would be answered in time.
        if not self._turns[route.function].acquire(timeout=self._patience):
            return _message(503, "Service Unavailable", {"Retry-After": "1"})
        try:
            return _response(self._invoke(route.function, event))
        except (LocalCloudError, _MalformedAnswer):
            return _message(502, "Internal server error")
        finally:
            self._turns[route.function].release()


class _MalformedAnswer(Exception):
    """The function returned something that API Gateway cannot turn into a response."""


def routes_of(body: Json, function_of: Callable[[str], str]) -> list[Route]:
    """Read the routes with a Lambda proxy from the OpenAPI body of an AWS::ApiGateway::RestApi."""
    binary = tuple(
        kind.replace("~1", "/") for kind in body.get("x-amazon-apigateway-binary-media-types", [])
    )
    routes = []
    for path, methods in body.get("paths", {}).items():
        for method, operation in methods.items():
            integration = operation.get("x-amazon-apigateway-integration", {})
            if integration.get("type") == "aws_proxy":
                arn = integration["uri"].partition("/functions/")[2].removesuffix("/invocations")
                routes.append(Route(method.upper(), path, function_of(arn), binary))
    return routes


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\+?\})", path)
    return re.compile(
        "".join(
            re.escape(part)
            if not part.startswith("{")
            else f"(?P<{part.strip('{}+')}>{'.+' if '+' in part else '[^/]+'})"
            for part in parts
        )
    )


def _event(request: Request, route: Route, parameters: dict[str, str]) -> Json:
    """Return the proxy event, version 1.0, in the shape that API Gateway sends."""
    body, is_base64 = _body(request, route.binary_types)
    headers = dict(request.headers)
    now = time.time()
    return {
        "resource": route.path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": {name: request.headers.getlist(name) for name in headers},
        "queryStringParameters": request.args.to_dict() or None,
        "multiValueQueryStringParameters": request.args.to_dict(flat=False) or None,
        "pathParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "local",
            "apiId": "local",
            "domainName": request.host,
            "httpMethod": request.method,
            "identity": {
                "sourceIp": request.remote_addr,
                "userAgent": request.headers.get("User-Agent"),
            },
            "path": f"/{_STAGE}{request.path}",
            "protocol": request.environ["SERVER_PROTOCOL"],
            "requestId": str(uuid.uuid4()),
            "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "requestTimeEpoch": int(now * 1000),
            "resourceId": "local",
            "resourcePath": route.path,
            "stage": _STAGE,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    }


def _body(request: Request, binary_types: tuple[str, ...]) -> tuple[str | None, bool]:
    """Return the body, and True when it is in base64, because it is not UTF-8."""
    body = request.get_data()
    if not body:
        return None, False
    if "*/*" not in binary_types and request.mimetype not in binary_types:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True


def _response(answer: Any) -> Response:
    if not isinstance(answer, dict) or not isinstance(answer.get("statusCode"), int):
        raise _MalformedAnswer
    body = answer.get("body") or ""
    if not isinstance(body, str):
        raise _MalformedAnswer
    try:
        content = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    except binascii.Error as err:
        raise _MalformedAnswer from err
    response = Response(content, answer["statusCode"], content_type="application/json")
    for name, value in (answer.get("headers") or {}).items():
        response.headers[name] = str(value)
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        response.headers.setlist(name, [str(value) for value in values])
    return response


def _message(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps({"message": text})
    return Response(body, status, headers, content_type="application/json")
