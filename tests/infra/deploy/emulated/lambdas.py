"""Lambda in moto's server, of which an invocation runs the deployed bundle in a process (emulated:
awslambdaric with Lambda's Runtime API)."""
# moto's classes have no types that mypy reads here, so they are Any to it.
# mypy: disallow-subclassing-any=False

import io
import json
import threading
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from moto.awslambda.models import LambdaBackend

from shared.events import Json
from tests.function_process import Call, Function, runtime_client, started


class Lambdas(LambdaBackend):
    """The functions of one region. They see `variables` beside their own."""

    def __init__(self, region: str, account: str, folder: Path) -> None:
        super().__init__(region, account)
        self.variables: Mapping[str, str] = {}
        self._folder = folder
        (folder / "client").mkdir()
        self._client = runtime_client(folder / "client")
        self._idle: dict[str, list[Function]] = {}
        self._lock = threading.Lock()
        self._all = ExitStack()

    def invoke(
        self, function_name: str, qualifier: str | None, body: Any, headers: Any, response: Any
    ) -> bytes:
        deployed = self.get_function(function_name, qualifier)
        event = json.loads(body or "{}")
        if headers.get("X-Amz-Invocation-Type") == "Event":
            threading.Thread(target=self._call, args=(deployed, event), daemon=True).start()
            return b""
        said = self._call(deployed, event)
        if said.path.endswith("/error"):
            response["x-amz-function-error"] = "Unhandled"
        payload = json.dumps(said.body).encode()
        response["Content-Length"] = str(len(payload))
        return payload

    def close(self) -> None:
        self._all.close()

    def _call(self, deployed: Any, event: Json) -> Call:
        key = f"{deployed.function_name}-{deployed.version}-{deployed.code_sha_256[:8]}"
        key = key.replace("/", "_")
        function = self._taken(key, deployed)
        said = function.call(event)
        if not said.path.endswith("/error"):
            with self._lock:
                self._idle.setdefault(key, []).append(function)
        return said

    def _taken(self, key: str, deployed: Any) -> Function:
        with self._lock:
            if idle := self._idle.get(key):
                return idle.pop()
            bundle = self._folder / key
            if not bundle.exists():
                zipfile.ZipFile(io.BytesIO(deployed.code_bytes)).extractall(bundle)
            variables = {**self.variables, **deployed.environment_vars}
            function = self._all.enter_context(
                started(bundle, deployed.handler, variables, self._client)
            )
        first = function.first_call()
        assert first.body is None, first
        return function
