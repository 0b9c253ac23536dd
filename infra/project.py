"""Where the project lies, and what a person gave to its scripts: paths and the .env file."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def from_caller(path: Path) -> Path:
    """Resolve `path` from where the person stands: the scripts change to the project's folder."""
    return (Path(os.environ.get("CALLED_FROM", ".")) / path).resolve()


def saved_settings() -> dict[str, str]:
    """Return what the .env file sets; it is often there and never needed."""
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(ROOT / ".env").items() if value}
