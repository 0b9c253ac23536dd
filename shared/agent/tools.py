"""Tools: plain functions that a model may call. The docstring is what the model reads."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, get_type_hints

from shared.errors import AgentFlowsError, SettingsError
from shared.models import Json, ToolSpec
from shared.models.answers import typed


class Tool(NamedTuple):
    """A function with what a model needs to call it."""

    spec: ToolSpec
    function: Callable[..., object]

    @property
    def name(self) -> str:
        return self.spec.name

    def call(self, arguments: Json) -> str:
        """Call the function with the model's arguments; what is wrong with them comes back as
        text."""
        hints = _hints(self.function)
        try:
            values = {
                name: typed.convert(hints[name], arguments[name])
                for name in hints
                if name in arguments
            }
            bound = inspect.signature(self.function).bind(**values)
        except (ValueError, TypeError) as err:
            return f"error: {self.name} cannot take these arguments: {err}"
        try:
            return str(self.function(*bound.args, **bound.kwargs))
        except AgentFlowsError as err:
            if err.retryable:
                raise
            return f"error: {err}"


def tool(function: Callable[..., object]) -> Tool:
    """Make a tool of `function`; raises SettingsError when it lacks a docstring or a type."""
    name = function.__name__
    if not function.__doc__:
        raise SettingsError(f"tool {name} has no docstring; write one for the model")
    hints = _hints(function)
    parameters = inspect.signature(function).parameters
    missing = [parameter for parameter in parameters if parameter not in hints]
    if missing:
        raise SettingsError(f"tool {name} has no type for {', '.join(missing)}")
    schema = {
        "type": "object",
        "properties": {parameter: typed.schema_of(hints[parameter]) for parameter in parameters},
        "required": [p.name for p in parameters.values() if p.default is p.empty],
        "additionalProperties": False,
    }
    return Tool(ToolSpec(name, inspect.cleandoc(function.__doc__), schema), function)


def _hints(function: Callable[..., object]) -> dict[str, Any]:
    hints = get_type_hints(function, include_extras=True)
    hints.pop("return", None)
    return hints
