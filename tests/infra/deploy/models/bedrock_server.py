"""An emulated Bedrock over real HTTP: its control plane, and calls of its models.

Shapes are those of https://docs.aws.amazon.com/bedrock/latest/APIReference/. A test says which
models there are.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3

REGION = "eu-central-1"
ACCOUNT = "123456789012"
NOVA, TITAN = "amazon.nova-lite-v1:0", "amazon.titan-embed-text-v2:0"
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"


@dataclass
class EmulatedBedrock:
    """`models` maps ids to their inference types and lifecycle, `profiles` ids to models, and
    `availability` ids to what differs from a model that is open. `fails` maps the ends of paths to
    an error code. What can be called follows from these."""

    models: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    profiles: dict[str, list[str]] = field(default_factory=dict)
    own: dict[str, list[str]] = field(default_factory=dict)
    availability: dict[str, dict[str, Any]] = field(default_factory=dict)
    fails: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    url: str = ""

    def on_demand(self, *ids: str, status: str = "ACTIVE") -> None:
        self.models |= {id: (("ON_DEMAND",), status) for id in ids}

    def by_profile(self, model: str, *profiles: str) -> None:
        self.models[model] = (("INFERENCE_PROFILE",), "ACTIVE")
        self.profiles |= {id: [model] for id in profiles}

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="secret",
            config=boto3.session.Config(retries={"total_max_attempts": 1}),
        )

    def arn(self, kind: str, id: str) -> str:
        return f"arn:aws:bedrock:{REGION}:{ACCOUNT}:{kind}/{id}"

    def answer(self, method: str, target: str) -> tuple[int, Any, str]:
        """Return status, body, and the error's type."""
        path = unquote(urlsplit(target).path)
        query = parse_qs(urlsplit(target).query)
        self.paths.append(f"{method} {path}")
        for end, (status, code, message) in self.fails.items():
            if path.endswith(end):
                return status, {"message": message}, code
        if path == "/foundation-models":
            return 200, {"modelSummaries": [self._model(id) for id in self.models]}, ""
        if path == "/inference-profiles":
            return 200, self._page(int(query.get("nextToken", ["0"])[0])), ""
        kind, _, id = path.lstrip("/").partition("/")
        if kind == "inference-profiles":
            found = {**self.profiles, **self.own}.get(id.rpartition("/")[2])
            return (200, self._profile(id, found), "") if found else _missing("no profile")
        if kind == "foundation-model-availability":
            open_ = {
                "modelId": id,
                "agreementAvailability": {"status": "AVAILABLE"},
                "authorizationStatus": "AUTHORIZED",
                "entitlementAvailability": "AVAILABLE",
                "regionAvailability": "AVAILABLE",
            }
            return 200, open_ | self.availability.get(id, {}), ""
        return self._called(id.rpartition("/"))

    def _called(self, target: tuple[str, str, str]) -> tuple[int, Any, str]:
        id, _, action = target
        name = id.rpartition("/")[2]
        types, _ = self.models.get(id, ((), ""))
        if name not in {**self.profiles, **self.own} and "ON_DEMAND" not in types:
            said = "The provided model identifier is invalid."
            return 400, {"message": said}, "ValidationException"
        if action == "invoke":
            return 200, {"embedding": [0.5] * 1024, "inputTextTokenCount": 3}, ""
        message = {"role": "assistant", "content": [{"text": "OK"}]}
        usage = {"inputTokens": 10, "outputTokens": 2, "totalTokens": 12}
        return 200, {"output": {"message": message}, "stopReason": "end_turn", "usage": usage}, ""

    def _model(self, id: str) -> dict[str, Any]:
        types, status = self.models[id]
        return {
            "modelArn": f"arn:aws:bedrock:{REGION}::foundation-model/{id}",
            "modelId": id,
            "inferenceTypesSupported": list(types),
            "modelLifecycle": {"status": status},
        }

    def _profile(self, id: str, models: list[str]) -> dict[str, Any]:
        return {
            "inferenceProfileId": id,
            "inferenceProfileName": id,
            "inferenceProfileArn": id
            if id.startswith("arn:")
            else self.arn("inference-profile", id),
            "models": [
                {"modelArn": f"arn:aws:bedrock:{region}::foundation-model/{model}"}
                for model in models
                for region in (REGION, "eu-west-1")
            ],
            "status": "ACTIVE",
            "type": "SYSTEM_DEFINED",
        }

    def _page(self, start: int) -> dict[str, Any]:
        """Two profiles a page, however many are asked for, as services may."""
        rows = [self._profile(id, models) for id, models in self.profiles.items()]
        page: dict[str, Any] = {"inferenceProfileSummaries": rows[start : start + 2]}
        if start + 2 < len(rows):
            page["nextToken"] = str(start + 2)
        return page


def _missing(said: str) -> tuple[int, Any, str]:
    return 404, {"message": said}, "ResourceNotFoundException"


@contextmanager
def emulated() -> Iterator[EmulatedBedrock]:
    bedrock = EmulatedBedrock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body, code = bedrock.answer(self.command, self.path)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if code:
                self.send_header("x-amzn-ErrorType", code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        bedrock.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield bedrock
        finally:
            server.shutdown()
