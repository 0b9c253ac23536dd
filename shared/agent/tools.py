"""Tools: plain functions that a model may call. The docstring is what the model reads."""

from collections.abc import Callable
from typing import NamedTuple

from shared.errors import AgentFlowsError
from shared.events import Json
from shared.models import ToolSpec
from shared.models.answers.function_schema import bound_arguments, function_schema


class Tool(NamedTuple):
    """A function with what a model needs to call it. One that `proposes` tells nothing of the
    world: an answer may repeat its call, and needs sources for all else."""

    spec: ToolSpec
    function: Callable[..., object]
    proposes: bool = False

    @property
    def name(self) -> str:
        return self.spec.name

    def call(self, arguments: Json) -> str:
        """Call the function with the model's arguments; a complaint about them comes back as
        text."""
        try:
            bound = bound_arguments(self.function, arguments)
        except ValueError as err:
            return f"error: {self.name} cannot take these arguments: {err}"
        try:
            return str(self.function(*bound.args, **bound.kwargs))
        except AgentFlowsError as err:
            if err.retryable:
                raise
            return f"error: {err}"


def tool(function: Callable[..., object], *, proposes: bool = False) -> Tool:
    """Make a tool of `function`; raises SettingsError when it lacks a docstring or a type."""
    return Tool(function_schema(function), function, proposes)
