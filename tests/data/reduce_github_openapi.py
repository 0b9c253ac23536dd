"""Makes github_openapi.json.gz: the part of GitHub's own description that the tests check against.

    npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz
    python tests/data/reduce_github_openapi.py package/generated/api.github.com.json

Prose and examples are left out, and OpenAPI's `nullable` is written as JSON Schema has it.
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

from infra.local.sandbox.github.endpoints import operations

HERE = Path(__file__).parent

_ON_ISSUES = (
    *("opened", "edited", "closed", "reopened", "labeled", "unlabeled", "assigned"),
    "unassigned",
    *("milestoned", "demilestoned", "locked", "unlocked"),
)

EVENTS = {
    "issues": _ON_ISSUES,
    "issue-comment": ("created", "edited", "deleted"),
    "pull-request": (
        *_ON_ISSUES,
        *("synchronize", "ready-for-review", "converted-to-draft"),
        *("review-requested", "review-request-removed"),
    ),
    "pull-request-review": ("submitted", "edited", "dismissed"),
    "pull-request-review-comment": ("created", "edited", "deleted"),
    "pull-request-review-thread": ("resolved", "unresolved"),
    "check-run": ("created", "completed"),
    "check-suite": ("completed",),
    "status": ("",),
    "push": ("",),
    "repository": ("privatized", "publicized"),
}

#: This one says "allOf" of a user and an enterprise, where `installation` says "anyOf".
_REPAIRED = {
    "GET /app/installations": {
        "type": "array",
        "items": {"$ref": "#/components/schemas/installation"},
    }
}

#: These are null when a comment is outdated, as the description's own webhooks have it.
_OUTDATED = {"pull-request-review-comment": ("position", "line"), "review-comment": ("line",)}

_PROSE = {"description", "example", "examples", "title", "summary", "externalDocs", "format"}


def reduce(source: dict[str, Any]) -> dict[str, Any]:
    """Return the operations of the sandbox and the schemas that they and its webhooks use."""
    found: dict[str, Any] = {"operations": {}, "webhooks": {}, "components": {"schemas": {}}}
    for method, path in operations():
        operation = source["paths"][path][method.lower()]
        body = operation.get("requestBody")
        found["operations"][f"{method} {path}"] = {
            "request": _schema(body) if body else None,
            "needs_body": bool(body and body.get("required")),
            "responses": {
                status: _schema(_resolved(source, answer))
                for status, answer in operation["responses"].items()
            },
        }
    for name, schema in _REPAIRED.items():
        found["operations"][name]["responses"]["200"] = schema
    for event, actions in EVENTS.items():
        for action in actions:
            post = source["x-webhooks"][f"{event}-{action}".rstrip("-")]["post"]
            name = f"{event}.{action}".replace("-", "_").rstrip(".")
            found["webhooks"][name] = _schema(post["requestBody"])
    _add_schemas(source, found, found["components"]["schemas"])
    for name, fields in _OUTDATED.items():
        for field in fields:
            found["components"]["schemas"][name]["properties"][field] = {
                "type": ["integer", "null"]
            }
    return found


def _resolved(source: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    for name in answer.get("$ref", "").split("/")[1:]:
        source = source[name]
    return source if "$ref" in answer else answer


def _schema(holder: dict[str, Any]) -> Any:
    media = holder.get("content", {}).get("application/json")
    return _clean(media["schema"]) if media else None


def _add_schemas(source: dict[str, Any], part: Any, into: dict[str, Any]) -> None:
    """Add every schema that `part` refers to, and what those refer to."""
    if isinstance(part, dict):
        name = part.get("$ref", "").rpartition("/")[2] if isinstance(part.get("$ref"), str) else ""
        if name and name not in into:
            into[name] = _clean(source["components"]["schemas"][name])
            _add_schemas(source, into[name], into)
    for child in (
        part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    ):
        _add_schemas(source, child, into)


def _clean(part: Any, *, named: bool = False) -> Any:
    """Drop the prose; `named` says that the keys are names of properties, not keywords."""
    if isinstance(part, list):
        return [_clean(one) for one in part]
    if not isinstance(part, dict):
        return part
    kept = {
        key: _clean(value, named=key == "properties" and not named)
        for key, value in part.items()
        if named or (key not in _PROSE and not key.startswith("x-"))
    }
    if named or not kept.pop("nullable", False):
        return kept
    if isinstance(kept.get("type"), str):
        kept["type"] = [kept["type"], "null"]
        if "enum" in kept and None not in kept["enum"]:
            kept["enum"].append(None)
        if not {"anyOf", "oneOf", "allOf"} & kept.keys():
            return kept
    return {"anyOf": [kept, {"type": "null"}]}


if __name__ == "__main__":
    reduced = reduce(json.loads(Path(sys.argv[1]).read_text()))
    text = json.dumps(reduced, separators=(",", ":"), sort_keys=True).encode()
    (HERE / "github_openapi.json.gz").write_bytes(gzip.compress(text, mtime=0))
