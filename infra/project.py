"""Where the project lies, and what a path means that a person gave to one of its scripts."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def from_caller(path: Path) -> Path:
    """Resolve `path` from where the person stands: the scripts change to the project's folder."""
    return (Path(os.environ.get("CALLED_FROM", ".")) / path).resolve()
