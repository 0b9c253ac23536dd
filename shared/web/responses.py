"""HTTP responses of the ingress and of the runs endpoint."""

import json

from chalice.app import Response

from shared.errors import RequestRefused
from shared.events import Json

#: Seconds. GitHub sends again only when asked to, Slack on a schedule of its own; others obey.
RETRY_AFTER = "5"


def respond(status: int, body: Json | None = None, **headers: str) -> Response:
    """Return `body` as JSON, which nobody may cache; without a body, an empty text."""
    kind, text = ("text/plain", "") if body is None else ("application/json", json.dumps(body))
    kept = {"Content-Type": kind, "Cache-Control": "no-store"}
    return Response(text, headers={**kept, **headers}, status_code=status)


def refused(err: RequestRefused) -> Response:
    """Say why a request is refused, and which of its fields is wrong; a 401 names the scheme."""
    body = {"error": str(err), "field": err.field} if err.field else {"error": str(err)}
    scheme = {"WWW-Authenticate": 'Bearer realm="agent-flows"'} if err.status == 401 else {}
    return respond(err.status, body, **scheme)


def later(reason: str) -> Response:
    """Ask the caller to try again in a few seconds."""
    return respond(503, {"error": reason}, **{"Retry-After": RETRY_AFTER})
