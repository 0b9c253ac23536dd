"""Structured logs: one JSON line each, a constant message plus fields, never people's text."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_WHERE = {"stream": "stdout"}
_ENCODER = json.JSONEncoder(default=str)


def log(message: str, **fields: object) -> None:
    """Write one line. Fields hold our own ids, counts and names; see SECURITY in DESIGN.md."""
    line = {"at": round(time.time(), 3), "message": message} | fields
    stream = getattr(sys, _WHERE["stream"])
    # At once, so that the lines of two threads do not mix.
    stream.write(f"{_ENCODER.encode(line)}\n")
    stream.flush()


@contextmanager
def logs_on_stderr() -> Iterator[None]:
    """Log to stderr, so that stdout, which Lambda reads, is free for a command's output."""
    _WHERE["stream"] = "stderr"
    try:
        yield
    finally:
        _WHERE["stream"] = "stdout"
