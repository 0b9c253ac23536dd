"""The project's folder, and what a person gave to its scripts: paths and the .env file."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def from_caller(path: Path) -> Path:
    """Resolve `path` from the person's folder: the scripts change to the project's."""
    return (Path(os.environ.get("CALLED_FROM", ".")) / path).resolve()


def saved_settings() -> dict[str, str]:
    """Return the settings of the .env file; empty when there is none."""
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(ROOT / ".env").items() if value}
