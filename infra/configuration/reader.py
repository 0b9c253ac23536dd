"""The one reader of what a person configured: the environment over the .env file, checked."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from infra.configuration import names
from infra.configuration.checks import checked
from infra.configuration.dotenv_file import read_file, visible
from infra.project import ROOT
from shared.errors import SettingsError
from shared.settings import Settings

_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")


class Configuration(NamedTuple):
    """What is configured: the whole environment, the settings in it, and what a person should know
    of it, a line each."""

    environment: dict[str, str]
    settings: Settings
    notes: tuple[str, ...]


def configure(
    environment: Mapping[str, str],
    *,
    beneath: Mapping[str, str] | None = None,
    file: Path = ROOT / ".env",
) -> Configuration:
    """Read `environment` over the .env file over `beneath`, and check every setting.

    Raises SettingsError with a line for each that is wrong.
    """
    saved = read_file(file)
    written = saved.values
    problems = [*_unknown(written, file.name)]
    notes = [*saved.notes, *_unread(written, file.name), *_strange(environment)]
    merged = {**(beneath or {}), **written, **environment}
    found = {name: value for name, value in merged.items() if name not in names.OF_DEPLOYMENT}
    found |= {name: visible(found[name]) for name in found.keys() & names.SETTINGS}
    problems += _agree_on_region(found)
    settings = Settings.from_environment(found)
    for field in Settings._fields:
        if found.get(field.upper()):
            try:
                found[field.upper()] = checked(field, settings)
            except SettingsError as err:
                problems.append(str(err))
    if problems:
        raise SettingsError("\n".join(dict.fromkeys(problems)))
    return Configuration(found, Settings.from_environment(found), tuple(notes))


def load(
    environment: Mapping[str, str],
    beneath: Mapping[str, str] | None = None,
    file: Path = ROOT / ".env",
) -> Configuration:
    """Configure this process: print the notes, and let what is in the .env file count for libraries
    and child processes too."""
    found = configure(environment, beneath=beneath, file=file)
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    mine = {name: value for name, value in found.environment.items() if name not in (beneath or {})}
    os.environ.update(mine)
    return found


def require_complete(settings: Settings) -> None:
    """Raise SettingsError when a setting lacks the one that it works with."""
    problems = [*_halves(settings)]
    for field in ("model_small", "model_large"):
        for name in getattr(settings, field).split(","):
            key = f"{name.strip().partition(':')[0]}_api_key"
            url = key.replace("_api_key", "_base_url")
            if key in Settings._fields and not (getattr(settings, key) or getattr(settings, url)):
                problems.append(f"{field.upper()} is {name.strip()!r}; set {key.upper()} too")
    if problems:
        raise SettingsError("\n".join(problems))


def _halves(settings: Settings) -> Iterator[str]:
    pairs = (
        ("github_app_id", "github_app_private_key"),
        ("github_app_private_key", "github_app_id"),
        ("slack_app_token", "slack_bot_token"),
        ("slack_client_id", "slack_client_secret"),
        ("slack_client_secret", "slack_client_id"),
        ("github_client_id", "github_client_secret"),
        ("github_client_secret", "github_client_id"),
        ("batch_bucket", "batch_role_arn"),
        ("batch_role_arn", "batch_bucket"),
        ("subnets", "security_groups"),
        ("security_groups", "subnets"),
    )
    for one, other in pairs:
        if getattr(settings, one) and not getattr(settings, other):
            yield f"{one.upper()} is set, but not {other.upper()}; set both or none"


def _unknown(written: Mapping[str, str], file: str) -> Iterator[str]:
    """Say what in the file cannot be meant as it is written."""
    for name in written:
        if name in names.OF_DEPLOYMENT:
            yield f"{file} has {name}, which the deployment sets; take it out"
        elif name in names.OF_STAGE:
            yield f"{file} has {name}, which belongs into samconfig.toml, for each stage; move it"
        elif names.misspelt(name) or (
            not names.is_known(name) and not names.is_foreign(name) and names.is_meant_for_us(name)
        ):
            yield f"{file} has {_shown(name)}, which is no setting; {names.hint(name)}"


def _unread(written: Mapping[str, str], file: str) -> Iterator[str]:
    for name in written:
        known = names.is_known(name) or names.is_foreign(name) or names.misspelt(name)
        if not (known or names.is_meant_for_us(name)):
            yield f"{file} has {_shown(name)}, which is no setting here"


def _strange(environment: Mapping[str, str]) -> Iterator[str]:
    """Name variables of the environment that look like settings and are none; they may be another
    program's."""
    for name, value in environment.items():
        if value and name in names.OF_DEPLOYMENT:
            yield f"{name} of the environment is left out: the deployment sets it"
        elif value and (nearest := names.misspelt(name)):
            yield f"{_shown(name)} of the environment is no setting; did you mean {nearest}?"


def _agree_on_region(found: dict[str, str]) -> list[str]:
    """Give both names of the region one value: libraries differ in which they read."""
    region = next((found[name] for name in _REGIONS if found.get(name)), "")
    if not region:
        return []
    if not _REGION.fullmatch(region):
        return [f"AWS_REGION is {_shown(region)!r}; expected such as eu-central-1"]
    found.update(dict.fromkeys(_REGIONS, region))
    return []


def _shown(text: str) -> str:
    """Return a short text that steers no terminal."""
    return "".join(one if one.isprintable() else "?" for one in text[:60])
