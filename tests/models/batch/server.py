"""A server on loopback that takes batches as OpenAI, Anthropic and Bedrock do, and ends them when
told."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, unquote

Json = dict[str, Any]


@dataclass(frozen=True)
class Answered:
    """How one request of a batch ends: with a text, or with an error's status, code and message.

    Without a status the batch ended before its turn: `batch_expired`.
    """

    text: str = "ok"
    status: int = 200
    code: str = ""
    message: str = "no"
    calls: tuple[tuple[str, str], ...] = ()


@dataclass
class Batch:
    id: str
    wire: str
    name: str
    requests: dict[str, Json]
    created: float
    status: str = "in_progress"
    answers: dict[str, Answered] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    cancelled: bool = False
    errors: list[Json] = field(
        default_factory=lambda: [{"code": "token_limit_exceeded", "message": "no"}]
    )
    output: Json = field(default_factory=dict)


class Asked(NamedTuple):
    """A call: its method, the parts of its path, its query, its body and what that is."""

    method: str
    parts: list[str]
    query: dict[str, str]
    body: bytes
    kind: str


class Refused(Exception):
    """The server refuses a whole batch for this reason."""


#: Says how a request ends, from its body.
Answers = Callable[[Json], Answered]


class BatchServer:
    """Batches stay in progress until `end` is called."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.batches: list[Batch] = []
        self.answers: Answers = lambda body: Answered()
        self.seen: list[tuple[str, str]] = []
        self.keys: list[str] = []
        #: Tells which bodies make the server refuse their batch, and whether it says which it was.
        self.refuses: Callable[[Json], bool] = lambda body: False
        self.says_which = True
        #: Lines of results that make no sense, and come first.
        self.junk: list[str] = []
        #: Where Bedrock's jobs find their records: a client of S3.
        self.s3: Any = None
        #: The bodies of what was asked at once.
        self.at_once: list[Json] = []
        #: Paths that fail once, with what they answer: before or after they did what was asked.
        self.fails_before: dict[str, int] = {}
        self.fails_after: dict[str, int] = {}
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"batches": self}))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def end(self, status: str = "completed", *, ends: Answers | None = None) -> None:
        """End what is in progress; requests are answered in reverse order."""
        for batch in self.batches:
            if batch.status == "in_progress":
                batch.status = status
                if status != "failed":
                    answers = ends or self.answers
                    batch.answers = {id: answers(body) for id, body in batch.requests.items()}
                    batch.order = list(batch.answers)[::-1]
                if batch.wire == "bedrock":
                    _write_records(self.s3, batch)

    def batch(self, id: str) -> Batch:
        return next(batch for batch in self.batches if batch.id == id)

    def bad(self, requests: dict[str, Json]) -> list[int]:
        """The places of the requests for which their batch is refused."""
        return [n for n, body in enumerate(requests.values()) if self.refuses(body)]

    def add(self, wire: str, name: str, requests: dict[str, Json]) -> Batch:
        number = len(self.batches) + 1
        now = datetime.now(UTC).timestamp()
        self.batches.append(Batch(f"{wire}_{number}", wire, name, requests, now))
        return self.batches[-1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    batches: BatchServer

    def do_GET(self) -> None:
        self._handle("GET", b"")

    def do_POST(self) -> None:
        self._handle("POST", self.rfile.read(int(self.headers.get("content-length", 0))))

    def _handle(self, method: str, body: bytes) -> None:
        server = self.batches
        path, _, query = self.path.partition("?")
        call = f"{method} {path}"
        server.seen.append((call, query))
        server.keys.append(self.headers.get("authorization") or self.headers.get("x-api-key") or "")
        if status := server.fails_before.pop(call, 0):
            return self._send(status, _FAILURE)
        parts = [unquote(part) for part in path.removeprefix("/v1").strip("/").split("/")]
        kind = self.headers.get("content-type", "")
        wire = _WIRES.get(parts[0], _openai)
        try:
            answer = wire(server, Asked(method, parts, dict(parse_qsl(query)), body, kind))
        except Refused as err:
            error = {"type": "invalid_request_error", "message": str(err)}
            return self._send(400, {"type": "error", "error": error})
        if status := server.fails_after.pop(call, 0):
            return self._send(status, _FAILURE)
        if isinstance(answer, list):
            lines = "\n".join([*server.junk, *map(json.dumps, answer)]).encode()
            return self._raw(200, lines, "application/x-jsonl")
        return self._send(200 if answer is not None else 404, answer or _FAILURE)

    def _send(self, status: int, body: Json) -> None:
        self._raw(status, json.dumps(body).encode(), "application/json")

    def _raw(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


def _openai(server: BatchServer, asked: Asked) -> Json | list[Json] | None:
    match asked.method, *asked.parts:
        case "POST", "chat", "completions":
            server.at_once.append(json.loads(asked.body))
            return _openai_answer(server.answers(server.at_once[-1]))
        case "POST", "files":
            server.files[id := f"file-{len(server.files) + 1}"] = _uploaded(asked.body, asked.kind)
            return {"id": id}
        case "GET", "files", file, "content":
            number, _, which = file.partition("-")
            return _openai_lines(server.batch(number), errors=which == "errors")
        case "POST", "batches":
            wanted = json.loads(asked.body)
            lines = server.files[wanted["input_file_id"]].decode().splitlines()
            requests = {line["custom_id"]: line for line in map(json.loads, lines)}
            assert all(line["url"] == wanted["endpoint"] for line in requests.values())
            bodies = {id: line["body"] for id, line in requests.items()}
            made = server.add("openai", wanted["metadata"]["batch"], bodies)
            if bad := server.bad(bodies):
                made.status = "failed"
                places: list[Json] = [{"line": n + 1} if server.says_which else {} for n in bad]
                made.errors = [{"code": "invalid_json_line"} | place for place in places]
            return _openai_batch(made)
        case "GET", "batches":
            newest = [_openai_batch(b) for b in reversed(server.batches) if b.wire == "openai"]
            return _page(newest, asked.query, "after")
        case "GET", "batches", id:
            return _openai_batch(server.batch(id))
        case "POST", "batches", id, "cancel":
            server.batch(id).cancelled = True
            return _openai_batch(server.batch(id))
    return None


def _uploaded(body: bytes, kind: str) -> bytes:
    """Read the file out of a multipart form."""
    form = BytesParser().parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body)
    parts = {part.get_param("name", header="content-disposition"): part for part in form.walk()}
    assert parts["purpose"].get_payload() == "batch"
    payload = parts["file"].get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload


def _openai_batch(batch: Batch) -> Json:
    ended = batch.status in {"completed", "expired", "cancelled"}
    good = [answer for answer in batch.answers.values() if answer.status == 200]
    bad = len(batch.answers) - len(good)
    return {
        "id": batch.id,
        "status": batch.status,
        "metadata": {"batch": batch.name},
        "created_at": int(batch.created),
        "output_file_id": f"{batch.id}-output" if ended and good else None,
        "error_file_id": f"{batch.id}-errors" if ended and bad else None,
        "errors": {"data": batch.errors} if batch.status == "failed" else None,
        "request_counts": {
            "total": len(batch.requests),
            "completed": len(good),
            "failed": bad,
        },
    }


def _openai_lines(batch: Batch, *, errors: bool) -> list[Json]:
    lines = []
    for id in batch.order:
        answer = batch.answers[id]
        if errors == (answer.status == 200):
            continue
        line: Json = {"id": f"batch_req_{id}", "custom_id": id, "response": None, "error": None}
        if answer.status == 200:
            line["response"] = {"status_code": 200, "body": _openai_answer(answer)}
        elif answer.status:
            error = {"message": answer.message, "code": answer.code}
            line["response"] = {"status_code": answer.status, "body": {"error": error}}
        else:
            line["error"] = {"code": "batch_expired", "message": "no"}
        lines.append(line)
    return lines


def _openai_answer(answer: Answered) -> Json:
    message: Json = {"role": "assistant", "content": answer.text}
    if answer.calls:
        functions = [{"name": name, "arguments": given} for name, given in answer.calls]
        message["tool_calls"] = [{"function": each} for each in functions]
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1000, "completion_tokens": 100}
    return {"choices": [choice], "usage": usage}


def _anthropic(server: BatchServer, asked: Asked) -> Json | list[Json] | None:
    match asked.method, *asked.parts[1:]:
        case "POST", "batches":
            requests = json.loads(asked.body)["requests"]
            made = {request["custom_id"]: request["params"] for request in requests}
            if bad := server.bad(made):
                where = f"requests.{bad[0]}.params" if server.says_which else "a request"
                raise Refused(f"{where}: messages: at least one message is required")
            return _anthropic_batch(server.add("anthropic", "", made))
        case "GET", "batches":
            mine = [b for b in reversed(server.batches) if b.wire == "anthropic"]
            return _page([_anthropic_batch(batch) for batch in mine], asked.query, "after_id")
        case "GET", "batches", id:
            return _anthropic_batch(server.batch(id))
        case "GET", "batches", id, "results":
            return [
                {"custom_id": id_, "result": _anthropic_result(server.batch(id).answers[id_])}
                for id_ in server.batch(id).order
            ]
        case "POST", "batches", id, "cancel":
            server.batch(id).cancelled = True
            return _anthropic_batch(server.batch(id))
    return None


def _anthropic_batch(batch: Batch) -> Json:
    ended = batch.status != "in_progress"
    good = sum(answer.status == 200 for answer in batch.answers.values())
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": "ended" if ended else "in_progress",
        "created_at": datetime.fromtimestamp(batch.created, UTC).isoformat(),
        "archived_at": None,
        "request_counts": {
            "processing": 0 if ended else len(batch.requests),
            "succeeded": good,
            "errored": len(batch.answers) - good,
            "canceled": 0,
            "expired": 0,
        },
    }


def _anthropic_result(answer: Answered) -> Json:
    if not answer.status:
        return {"type": "expired"}
    if answer.status != 200:
        error = {"type": answer.code, "message": answer.message}
        return {"type": "errored", "error": {"type": "error", "error": error}}
    message = {
        "type": "message",
        "content": [{"type": "text", "text": answer.text}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1000, "output_tokens": 100},
    }
    return {"type": "succeeded", "message": message}


def _page(newest: list[Json], query: dict[str, str], cursor: str) -> Json:
    """Pages of two, so that whoever lists must turn them."""
    ids = [batch["id"] for batch in newest]
    start = ids.index(query[cursor]) + 1 if cursor in query else 0
    page = newest[start : start + 2]
    last = page[-1]["id"] if page else None
    return {"data": page, "has_more": start + 2 < len(newest), "last_id": last}


_JOB = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/"


def _bedrock(server: BatchServer, asked: Asked) -> Json | list[Json] | None:
    match asked.method, *asked.parts:
        case "POST", "model-invocation-job":
            return {"jobArn": _job_of(server, json.loads(asked.body))}
        case "GET", "model-invocation-job", *arn:
            return _bedrock_job(server.batch("/".join(arn)))
        case "POST", "model-invocation-job", *arn, "stop":
            server.batch("/".join(arn)).cancelled = True
            return {}
        case "GET", "model-invocation-jobs":
            named = [b for b in server.batches if asked.query["nameContains"] in b.name]
            return {"invocationJobSummaries": [_bedrock_job(batch) for batch in named]}
    return None


def _job_of(server: BatchServer, wanted: Json) -> str:
    """A token that came before means the job that it made."""
    for batch in server.batches:
        if batch.name == wanted["clientRequestToken"]:
            return batch.id
    assert wanted["modelInvocationType"] == "Converse"
    bucket, _, key = _uri(wanted["inputDataConfig"]["s3InputDataConfig"])
    lines = server.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode().splitlines()
    records = {record["recordId"]: record["modelInput"] for record in map(json.loads, lines)}
    made = server.add("bedrock", wanted["jobName"], records)
    made.id = f"{_JOB}{len(server.batches):012}"
    made.output = wanted["outputDataConfig"]
    return made.id


def _uri(config: Json) -> tuple[str, str, str]:
    return str(config["s3Uri"]).removeprefix("s3://").partition("/")


def _bedrock_job(batch: Batch) -> Json:
    states = {"in_progress": "InProgress", "completed": "Completed", "failed": "Failed"}
    time = datetime.fromtimestamp(batch.created, UTC).isoformat()
    return {
        "jobArn": batch.id,
        "jobName": batch.name,
        "modelId": "amazon.nova-lite-v1:0",
        "status": states.get(batch.status, "Expired"),
        "submitTime": time,
        "roleArn": "arn:aws:iam::123456789012:role/batches",
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://batches/x"}},
        "outputDataConfig": batch.output,
        "totalRecordCount": len(batch.requests),
        "processedRecordCount": len(batch.answers),
    }


def _write_records(s3: Any, batch: Batch) -> None:
    bucket, _, prefix = _uri(batch.output["s3OutputDataConfig"])
    lines = [json.dumps(_record(batch, id)) for id in batch.order]
    key = f"{prefix}{batch.id.rpartition('/')[2]}/input.jsonl.out"
    s3.put_object(Bucket=bucket, Key=key, Body="\n".join(lines).encode())


def _record(batch: Batch, id: str) -> Json:
    answer = batch.answers[id]
    record: Json = {"recordId": id, "modelInput": batch.requests[id]}
    if answer.status != 200:
        return record | {"error": {"errorCode": answer.status, "errorMessage": answer.message}}
    message = {"role": "assistant", "content": [{"text": answer.text}]}
    usage = {"inputTokens": 1000, "outputTokens": 100, "totalTokens": 1100}
    output = {"output": {"message": message}, "stopReason": "end_turn", "usage": usage}
    return record | {"modelOutput": output}


_FAILURE = {"error": {"message": "no", "code": "scripted"}, "message": "no"}
_WIRES = {
    "messages": _anthropic,
    "model-invocation-job": _bedrock,
    "model-invocation-jobs": _bedrock,
}
