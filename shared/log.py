"""Structured logs: one JSON line each, a constant message plus fields, never people's text."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_WHERE = {"stream": "stdout"}


def log(message: str, **fields: object) -> None:
    """Write one line. Fields hold ids, counts and names of ours; see SECURITY in DESIGN.md."""
    line = {"at": round(time.time(), 3), "message": message} | fields
    print(json.dumps(line, default=str), file=getattr(sys, _WHERE["stream"]), flush=True)


@contextmanager
def logs_on_stderr() -> Iterator[None]:
    """Leave stdout, where Lambda takes logs from, to the output of a command."""
    _WHERE["stream"] = "stderr"
    try:
        yield
    finally:
        _WHERE["stream"] = "stdout"
