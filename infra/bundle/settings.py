"""Finds the settings that a function's code reads, and writes those of the deployment into its
bundle. So a version of a function carries its settings, and a rollback brings them back."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from infra.bundle.imports import trace
from infra.configuration.names import OF_DEPLOYMENT
from infra.configuration.secret_settings import SECRET_FIELDS
from infra.project import ROOT
from shared.errors import SettingsError
from shared.settings import BUNDLED, Settings

#: Finds in a source what may name a field of the settings.
_NAMED = re.compile(
    "|".join(["[sS]ettings", *(field for field in Settings._fields if "_" in field)]).encode()
)


@cache
def settings_read(*entries: str, actions: bool = True) -> frozenset[str]:
    """The environment variables of the settings that `entries`, and all they import, read; without
    those of `actions` if these are not what the entries are asked about."""
    modules = trace(ROOT, entries).modules
    asked = {name: modules[name] for name in modules if actions or not _is_action(name)}
    return frozenset(field.upper() for field in fields_read(asked))


def fields_read(modules: Mapping[str, Path]) -> set[str]:
    """Return the fields of the settings that modules read."""
    files = (file for name, file in modules.items() if name != "shared.settings")
    return {field for file in files for field in _fields_in(file.read_bytes())}


def write_settings(
    modules: Mapping[str, Path], deployment: Mapping[str, str], types: str, into: Path
) -> None:
    """Write what the modules of a bundle read of the deployment's settings, which are by variable.

    `types` are the event types that its flows want. Secrets stay in Secrets Manager.
    """
    given = {**deployment, "EVENT_TYPES": types}
    others = OF_DEPLOYMENT - {"EVENT_TYPES"}
    travel = (field for field in fields_read(modules) - SECRET_FIELDS if field.upper() in given)
    values = {
        field: given[field.upper()] for field in sorted(travel) if field.upper() not in others
    }
    (into / BUNDLED).write_text(json.dumps(values, indent=1) + "\n", "utf-8")


def read_deployment(file: Path | None) -> dict[str, str]:
    """Read the deployment's settings, by variable, from the file that ./scripts/deploy wrote."""
    if file is None:
        return {}
    try:
        found = json.loads(file.read_text("utf-8"))
        return {str(name): str(value) for name, value in found.items()}
    except (OSError, ValueError, AttributeError) as err:
        raise SettingsError(f"{file} holds no settings; ./scripts/deploy writes it") from err


def _is_action(module: str) -> bool:
    return module.startswith("shared.actions.")


@cache
def _fields_in(source: bytes) -> frozenset[str]:
    if not _NAMED.search(source):  # most modules; parsing them takes a hundred times as long
        return frozenset()
    return frozenset(_fields(ast.parse(source)))


def _fields(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(
                value=ast.Name("settings")
                | ast.Attribute(attr="settings" | "_settings")
                | ast.Subscript(slice=ast.Name("Settings")),
                attr=field,
            ):
                if field == "tenant_of":
                    yield "tenants"
                elif field == "repository_of":
                    yield "repositories"
                elif field in Settings._fields:
                    yield field
            # As in settings.require("database_url").
            case ast.Constant(str(field)) if field in Settings._fields and "_" in field:
                yield field
