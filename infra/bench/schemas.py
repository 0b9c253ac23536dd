"""The type that `--returns` names: a JSON schema file, or a type of the caller's own."""

import importlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Literal, NotRequired, TypedDict, cast

from shared.errors import SettingsError
from shared.events import Json
from shared.models.answers.annotations import shape_of
from shared.models.answers.shapes import Between

#: Words of a schema that say nothing about which values fit.
_SAID_ONLY = frozenset(
    {"title", "description", "$schema", "$id", "$defs", "definitions", "default", "examples"}
)
_SCALARS: Mapping[str, type] = {"string": str, "integer": int, "number": float, "boolean": bool}
_BOUNDS = {
    "string": ("minLength", "maxLength"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "array": ("minItems", "maxItems"),
}
_make_typed_dict = cast("Callable[..., Any]", TypedDict)


def returned(named: str, path: Path) -> Any:
    """Return the type that `--returns` names; raises SettingsError when no model can be asked for
    it.

    `named` is `module:Type`, or the schema file at `path`; empty is plain text.
    """
    if not named:
        return str
    kind = from_schema(_loaded(path)) if path.is_file() else _imported(named)
    try:
        shape_of(kind)
    except TypeError as err:
        raise SettingsError(f"--returns {named}: {err}") from err
    return kind


def from_schema(schema: Json) -> Any:
    """Return the type whose values fit a JSON schema; raises SettingsError for unsupported
    keywords."""
    return _type(schema, schema, ())


def _loaded(path: Path) -> Json:
    try:
        schema = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as err:
        raise SettingsError(f"--returns {path.name} is no JSON file") from err
    if not isinstance(schema, dict):
        raise SettingsError(f"--returns {path.name} holds no JSON schema")
    return schema


def _imported(named: str) -> Any:
    module, colon, name = named.partition(":")
    if not colon:
        raise SettingsError(f"--returns {named} is neither a file nor module:Type")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as err:
        raise SettingsError(f"--returns {named}: there is no such module or type") from err


def _type(schema: Any, root: Json, seen: tuple[str, ...]) -> Any:
    if not isinstance(schema, dict):
        raise SettingsError("--returns: a part of the schema is no object")
    if "$ref" in schema:
        return _type(*_referred(schema["$ref"], root, seen))
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return _described(Literal[tuple(values)], schema, {"enum", "const", "type"})
    if "anyOf" in schema:
        kind = _only(schema["anyOf"], [p for p in schema["anyOf"] if p != {"type": "null"}])
        return _described(_type(kind, root, seen) | None, schema, {"anyOf"})
    names = schema.get("type")
    if isinstance(names, list):
        name = _only(names, [one for one in names if one != "null"])
        return _type({**schema, "type": name}, root, seen) | None
    if names == "object":
        return _object(schema, root, seen)
    if names == "array":
        items = _type(schema.get("items"), root, seen)
        return _described(GenericAlias(list, (items,)), schema, {"type", "items"})
    if isinstance(names, str) and names in _SCALARS:
        return _described(_SCALARS[names], schema, {"type", "format"})
    raise SettingsError(f"--returns: the schema's type {json.dumps(names)} cannot be asked for")


def _only(all: list[Any], real: list[Any]) -> Any:
    if len(real) != 1 or len(real) == len(all):
        raise SettingsError("--returns: the schema may join a type with null, and with no other")
    return real[0]


def _object(schema: Json, root: Json, seen: tuple[str, ...]) -> Any:
    _refuse_unknown(schema, {"type", "properties", "required", "additionalProperties"})
    if schema.get("additionalProperties"):
        raise SettingsError("--returns: the schema must name all properties of its objects")
    required = schema.get("required", ())
    hints = {
        name: hint if name in required else NotRequired[hint]
        for name, part in schema.get("properties", {}).items()
        for hint in [_type(part, root, seen)]
    }
    return _make_typed_dict("Answer", hints)


def _described(kind: Any, schema: Json, known: set[str]) -> Any:
    """Add the bounds and the description, which the model sees and the answer must meet."""
    bounds = _BOUNDS.get(str(schema.get("type")), ())
    _refuse_unknown(schema, known | set(bounds))
    low, high = (schema.get(bound) for bound in bounds or ("", ""))
    if low is not None or high is not None:
        kind = Annotated[kind, Between(low, high)]
    about = schema.get("description")
    return Annotated[kind, about] if isinstance(about, str) else kind


def _refuse_unknown(schema: Json, known: set[str]) -> None:
    if unknown := schema.keys() - known - _SAID_ONLY:
        raise SettingsError(
            f"--returns: the schema says {', '.join(sorted(unknown))}, which answers are not held "
            "to; leave it out"
        )


def _referred(ref: object, root: Json, seen: tuple[str, ...]) -> tuple[Any, Json, tuple[str, ...]]:
    """Follow `#/$defs/Name`, as pydantic writes it."""
    name = str(ref)
    found: Any = root
    for part in name.removeprefix("#/").split("/"):
        found = found.get(part) if isinstance(found, dict) else None
    if not name.startswith("#/") or found is None or name in seen:
        raise SettingsError(f"--returns: the schema's $ref {name} leads nowhere, or to itself")
    return found, root, (*seen, name)
