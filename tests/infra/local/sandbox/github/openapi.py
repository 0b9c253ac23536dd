"""Checks what goes over the wire against GitHub's own description of its API."""

import gzip
import json
import re
from functools import cache
from http import HTTPStatus
from typing import Any

from jsonschema import Draft202012Validator

from infra.local.sandbox.github.call import Raw
from infra.local.sandbox.github.endpoints import GRAPHQL
from infra.local.sandbox.github.web import Exchange
from infra.project import ROOT

_FILE = ROOT / "tests/data/github_openapi.json.gz"


@cache
def description() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(_FILE.read_bytes()))
    return found


def operation_of(exchange: Exchange) -> str:
    """Return the operation that an exchange belongs to: the one with the fewest placeholders, of
    which the longest."""
    operations: dict[str, Any] = description()["operations"]
    for name in sorted(operations, key=lambda name: (name.count("{"), -len(name))):
        method, _, path = name.partition(" ")
        # GitHub's own words for these: they may contain slashes.
        pattern = re.sub(r"\\{(?:ref|basehead)\\}", ".+", re.escape(path))
        pattern = re.sub(r"/\\{path\\}$", "(?:/.+)?", pattern)
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", pattern)
        if method == exchange.method and re.fullmatch(pattern, exchange.path):
            return name
    raise AssertionError(f"GitHub has no {exchange.method} {exchange.path}")


def faults(exchange: Exchange) -> list[str]:
    """Return how an exchange differs from GitHub's description, which says of JSON only."""
    if exchange.path == GRAPHQL:  # its own schema was checked against GitHub's
        wrong = "data" not in (exchange.answered or {}) and exchange.status == HTTPStatus.OK
        return [f"GraphQL refuses {exchange.sent}"] if wrong else []
    if isinstance(exchange.answered, Raw) or exchange.status == HTTPStatus.NOT_MODIFIED:
        return []
    name = operation_of(exchange)
    operation = description()["operations"][name]
    found = []
    sent = exchange.sent is not None or operation["needs_body"]
    if exchange.status < 300 and operation["request"] and sent:
        found += _violations(f"request of {name}", operation["request"], exchange.sent)
    answers = operation["responses"]
    if str(exchange.status) in answers:
        schema = answers[str(exchange.status)]
        found += _violations(f"{exchange.status} of {name}", schema, exchange.answered)
    elif exchange.status < 400:
        found.append(f"{name} never answers {exchange.status}")
    return found


def webhook_faults(event: str, payload: dict[str, Any]) -> list[str]:
    """Return how a webhook's payload differs from GitHub's description."""
    name = f"{event}.{payload.get('action', '')}".rstrip(".")
    return _violations(name, description()["webhooks"][name], payload)


def _violations(where: str, schema: Any, value: Any) -> list[str]:
    if schema is None:
        return []
    whole = {**schema, "components": description()["components"]}
    return [
        f"{where} at {error.json_path}: {error.message[-160:]}"
        for error in Draft202012Validator(whole).iter_errors(value)
    ]
