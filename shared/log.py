"""Structured logs: one JSON line each, a constant message plus fields, never people's text."""

import json
import sys
import time


def log(message: str, **fields: object) -> None:
    """Write one line. Fields hold ids, counts and names of ours; see SECURITY in DESIGN.md."""
    line = {"at": round(time.time(), 3), "message": message} | fields
    print(json.dumps(line, default=str), file=sys.stdout, flush=True)
