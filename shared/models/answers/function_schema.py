"""Reads a Python function as a tool: its name, its docstring, the JSON schema of its parameters."""

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from shared.errors import SettingsError
from shared.events import Json
from shared.models import ToolSpec
from shared.models.answers import typed

_Function = Callable[..., Any]


def function_schema(function: _Function, *, own: int = 0) -> ToolSpec:
    """Return the tool that a model sees; raises SettingsError without a docstring or a type.

    The first `own` parameters are ours to give; the model does not see them.
    """
    name = function.__name__
    if not function.__doc__:
        raise SettingsError(f"tool {name} has no docstring; write one for the model")
    hints = _hints(function)
    parameters = list(inspect.signature(function).parameters.values())[own:]
    if missing := [p.name for p in parameters if p.name not in hints]:
        raise SettingsError(f"tool {name} has no type for {', '.join(missing)}")
    schema = {
        "type": "object",
        "properties": {p.name: _schema(hints[p.name]) for p in parameters},
        "required": [p.name for p in parameters if p.default is p.empty],
        "additionalProperties": False,
    }
    return ToolSpec(name, inspect.cleandoc(function.__doc__), schema)


def returned_schema(function: _Function) -> Json:
    """Return the JSON schema of the function's result, {} when its type says nothing."""
    return _schema(_hints(function).get("return", Any))


def bound_arguments(function: _Function, arguments: Json, *own: object) -> inspect.BoundArguments:
    """Return `own` and the model's `arguments`, converted to their types, bound to the parameters.

    Raises ValueError when they do not fit. Arguments that the function does not name are ignored.
    """
    signature = inspect.signature(function)
    names = list(signature.parameters)[len(own) :]
    hints = _hints(function)
    try:
        values = {
            name: _converted(hints[name], arguments[name]) for name in names if name in arguments
        }
        return signature.bind(*own, **values)
    except TypeError as err:
        raise ValueError(str(err)) from err


def _hints(function: _Function) -> dict[str, Any]:
    return get_type_hints(function, include_extras=True)


def _schema(kind: Any) -> Json:
    """Return the schema of a type, which is empty when the type allows anything."""
    return {} if kind in (Any, object) else typed.schema_of(kind)


def _converted(kind: Any, value: Any) -> Any:
    return value if kind in (Any, object) else typed.convert(kind, value)
