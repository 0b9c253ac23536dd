"""Finds the system that the commands talk to: the local one if it runs, else the environment's."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from infra.configuration.reader import load
from shared.errors import SettingsError
from shared.events import Json
from shared.settings import Settings


class KnownSystem(NamedTuple):
    """`url` is the front door's, empty when unknown; `local` says that ./scripts/dev runs."""

    url: str
    settings: Settings
    local: bool


def find_system(data: Path, environment: Mapping[str, str]) -> KnownSystem:
    """Read what ./scripts/dev wrote to `data`; the environment and .env complete or replace it.

    Raises SettingsError when a setting is wrong.
    """
    saved = _saved(data / "system.json")
    found = load(environment, saved.get("settings"))
    return KnownSystem(saved.get("url", ""), found.settings, bool(saved))


def _saved(file: Path) -> Json:
    try:
        saved: Json = json.loads(file.read_text("utf-8"))
        return saved | {"settings": dict(saved["settings"]), "url": str(saved["url"])}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError) as err:
        raise SettingsError(
            f"{file} cannot be read ({type(err).__name__}); start ./scripts/dev again, or correct"
            " --data"
        ) from err


def database_url(known: KnownSystem) -> str:
    if not known.settings.database_url:
        raise SettingsError("no database: start ./scripts/dev, or set DATABASE_URL")
    return known.settings.database_url
