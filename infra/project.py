"""The project's folder, and paths that a person gave to its scripts."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: The templates with functions, each a stack of its own. The second one's stack is deployed first.
TEMPLATES = ("template.yaml", "infra/schema.yaml")


def from_caller(path: Path) -> Path:
    """Resolve `path` from the person's folder: the scripts change to the project's."""
    return (Path(os.environ.get("CALLED_FROM", ".")) / path).resolve()
