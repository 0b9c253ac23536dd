"""A client of the REST API: calls the ingress and the runs endpoint as API Gateway does."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from shared.database import READER, Database
from shared.events import Event, Json
from shared.settings import Settings
from shared.web import runs_endpoint
from shared.web.ingress import Ingress, build

NOW = 1_700_000_000
TOKENS = {
    "ada's": {"tenant": "github:acme", "actor": "ada", "role": "member"},
    "eve's": {"tenant": "github:other", "actor": "eve", "role": "owner"},
    "guest's": {"tenant": "github:acme", "actor": "guest", "role": "none"},
}
API_TOKENS = json.dumps(
    {hashlib.sha256(token.encode()).hexdigest(): who for token, who in TOKENS.items()}
)
WRITES = ("/runs", "/runs/{run}/cancel", "/runs/{run}/undo", "/runs/{run}/approvals/{step}")


class Answer(NamedTuple):
    status: int
    body: Any
    headers: Mapping[str, str]


class ApiClient:
    """Calls with ada's token unless told otherwise, and keeps the published events."""

    def __init__(
        self, database_url: str = "", kept: Settings | None = None, **settings: str
    ) -> None:
        self.published: list[Event] = []
        made = kept or Settings(api_tokens=API_TOKENS)._replace(**settings)
        self.ingress = build(Ingress(made, self.published.append, lambda: NOW))
        self.reader = Database(database_url, patience=0.5, role=READER)
        self.reads = runs_endpoint.build(runs_endpoint.RunsEndpoint(made, self.reader))

    def post(self, path: str, body: object = None, token: str = "ada's", **headers: str) -> Answer:
        text = body if isinstance(body, str) else json.dumps(body)
        kept = {} if body is None else {"Content-Type": "application/json"}
        kept |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", path, text if body is not None else None, token, kept)

    def get(self, run: str, token: str = "ada's") -> Answer:
        return self.send("GET", f"/runs/{run}", None, token, {})

    def send(
        self, method: str, path: str, body: str | None, token: str, headers: Mapping[str, str]
    ) -> Answer:
        resource, parameters = _resource(path)
        given = {"Authorization": f"Bearer {token}"} if token else {}
        function = self.reads if resource == "/runs/{run}" else self.ingress
        answer = function(_event(method, resource, parameters, body, {**given, **headers}), None)
        text = answer["body"]
        return Answer(
            answer["statusCode"],
            json.loads(text) if isinstance(text, str) and text.startswith("{") else text,
            answer["headers"],
        )


def _resource(path: str) -> tuple[str, dict[str, str]]:
    parts = path.strip("/").split("/")
    names = {1: "run", 3: "step"}
    parameters = {names[at]: part for at, part in enumerate(parts) if at in names}
    shown = [f"{{{names[at]}}}" if at in names else part for at, part in enumerate(parts)]
    return "/" + "/".join(shown), parameters


def _event(
    method: str, resource: str, parameters: Json, body: str | None, headers: Mapping[str, str]
) -> Json:
    return {
        "resource": resource,
        "path": resource,
        "httpMethod": method,
        "headers": dict(headers),
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {"resourcePath": resource, "httpMethod": method, "stage": "live"},
        "body": body,
        "isBase64Encoded": False,
    }
