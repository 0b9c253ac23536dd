"""Finds the system that the commands talk to: the local one if it runs, else the environment's."""

import json
from pathlib import Path
from typing import NamedTuple

from infra.project import saved_settings
from shared.errors import SettingsError
from shared.settings import Settings


class KnownSystem(NamedTuple):
    """`url` is the front door's, empty when unknown; `local` says that ./scripts/dev runs."""

    url: str
    settings: Settings
    local: bool


def find_system(data: Path, environment: dict[str, str]) -> KnownSystem:
    """Read what ./scripts/dev wrote to `data`; the environment and .env complete or replace it."""
    file = data / "system.json"
    saved = json.loads(file.read_text("utf-8")) if file.exists() else {}
    chosen = saved.get("settings", {}) | saved_settings() | environment
    settings = Settings.from_environment(chosen)
    return KnownSystem(saved.get("url", ""), settings, bool(saved))


def database_url(known: KnownSystem) -> str:
    if not known.settings.database_url:
        raise SettingsError("no database: start ./scripts/dev, or set DATABASE_URL")
    return known.settings.database_url
