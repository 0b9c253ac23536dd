"""Structured logs: one JSON line each, a constant message plus fields, never people's text."""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_WHERE = {"stream": "stdout"}
_ENCODER = json.JSONEncoder(default=str)


def log(message: str, **fields: object) -> None:
    """Write one line. Fields hold our own ids, counts and names; see SECURITY in DESIGN.md."""
    _write(_encoded(message, fields))


def log_with(member: str, message: str, fields: Mapping[str, object]) -> None:
    """Write one line that ends with a `member` which is JSON already."""
    _write(f"{_encoded(message, fields)[:-1]}, {member}}}")


def _encoded(message: str, fields: Mapping[str, object]) -> str:
    return _ENCODER.encode({"at": round(time.time(), 3), "message": message, **fields})


def _write(line: str) -> None:
    stream = getattr(sys, _WHERE["stream"])
    # At once, so that the lines of two threads do not mix.
    stream.write(f"{line}\n")
    stream.flush()


def read_by_lambda() -> bool:
    """Tell if the lines go where Lambda reads them."""
    return _WHERE["stream"] == "stdout"


@contextmanager
def logs_on_stderr() -> Iterator[None]:
    """Log to stderr, so that stdout, which Lambda reads, is free for a command's output."""
    _WHERE["stream"] = "stderr"
    try:
        yield
    finally:
        _WHERE["stream"] = "stdout"
