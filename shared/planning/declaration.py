"""A flow declares its plans here: their tools, their limits, and its own parts of the loop.

A tool is a function with a docstring. One that reads is handed the agent and returns what it found;
one that writes is handed the event and returns an action, which is then previewed, approved, and
performed exactly once under the flow's policy. Neither does anything else.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field, replace
from inspect import signature
from typing import Any, Literal

from shared.actions import Action, Query
from shared.agent.agent import Agent
from shared.canonical import canonical, digest
from shared.errors import SettingsError
from shared.events import Event, Json
from shared.frozen import frozen
from shared.models.answers.function_schema import (
    bound_arguments,
    function_schema,
    returned_schema,
)
from shared.planning import Features, Goals, Planner, Reflector, Selector, Verifier
from shared.planning.messages import PlanMessage
from shared.planning.own_words import own_words
from shared.planning.planner import plan_with_a_model
from shared.planning.reflector import reflect
from shared.planning.states.tool_choice import features
from shared.planning.store import Situation
from shared.planning.validation import Limits, ToolFacts
from shared.planning.verifier import verify_with_a_model
from shared.planning.waves import ready

#: A tool is offered only to events that have what it needs.
Needs = Literal["", "issue", "thread", "repository"]

_RECEIPT: Json = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "url": {"type": "string"}},
    "required": ["id", "url"],
    "additionalProperties": False,
}


class InvalidArguments(ValueError):
    """Arguments that a tool cannot take; the message says why, without people's text."""


@frozen
class PlanTool:
    """A tool of plans. `action` is the kind of action that it takes, None when it only reads;
    `replaces` makes the query for the file that the action's content replaces."""

    facts: ToolFacts
    function: Callable[..., Any]
    action: type[Action] | None = None
    needs: Needs = ""
    replaces: Callable[[Any], Query] | None = None

    @property
    def name(self) -> str:
        return self.facts.name

    def fits(self, event: Event) -> bool:
        """Return True when the place of the event has what the tool needs."""
        places = {
            "": True,
            "issue": event.issue_target,
            "thread": event.thread_target,
            "repository": event.repository,
        }
        return bool(places[self.needs])

    def read(self, agent: Agent, arguments: Json) -> Any:
        """Return the result as plain JSON; raises InvalidArguments."""
        return json.loads(canonical(self._call(agent, arguments)))

    def intend(self, event: Event, arguments: Json) -> Action:
        """Return the exact action of the tool; raises InvalidArguments."""
        action: Action = self._call(event, arguments)
        if type(action) is not self.action:
            raise InvalidArguments(
                f"{self.name} gave {type(action).__name__}, not the action that it declares"
            )
        return action

    def _call(self, subject: object, arguments: Json) -> Any:
        known = self.facts.parameters["properties"]
        if unknown := next((name for name in arguments if name not in known), ""):
            raise InvalidArguments(f"{self.name} takes no {unknown}")
        try:
            bound = bound_arguments(self.function, arguments, subject)
        except ValueError as err:
            raise InvalidArguments(f"{self.name} cannot take these arguments: {err}") from err
        return self.function(*bound.args, **bound.kwargs)


def reads(*, needs: Needs = "") -> Callable[[Callable[..., Any]], PlanTool]:
    """Make `function(agent, …)` a tool that reads; raises SettingsError without docstring or types.

    Its return value is the step's output; when it is typed, references to it are checked before the
    plan runs. A tool that `needs` an issue or a thread is offered only in one; one that `needs` a
    repository is offered where the place has one.
    """

    def declare(function: Callable[..., Any]) -> PlanTool:
        facts = _facts(function, returns=returned_schema(function))
        return PlanTool(facts, function, needs=needs)

    return declare


def writes(
    action: type[Action],
    *,
    content: Collection[str] = (),
    needs: Needs = "",
    replaces: Callable[[Any], Query] | None = None,
) -> Callable[[Callable[..., Any]], PlanTool]:
    """Make `function(event, …)` a tool that takes one `action`, which it returns.

    `content` names the parameters that are only what is written, such as the text of a comment.
    All others are its target: where it is written, and to whom. A plan may take the content from
    what it read; for such a target it needs a person's consent. When the action's `content`
    replaces a file, `replaces` makes the query for that file, and people are shown the difference.
    Raises SettingsError for a `content` that is no parameter.
    """

    def declare(function: Callable[..., Any]) -> PlanTool:
        facts = _facts(function, returns=_RECEIPT, writes=action.__name__)
        if unknown := sorted(set(content) - facts.parameters["properties"].keys()):
            raise SettingsError(f"tool {facts.name} has no parameter {unknown[0]}; correct content")
        facts = replace(facts, content=frozenset(content))
        return PlanTool(facts, function, action, needs, replaces)

    return declare


def effect_of(action: Action) -> str:
    """Return the digest of exactly this action; approvals and runs are bound to it."""
    return digest([type(action).__name__, action.target.ref, action.arguments])


def _facts(function: Callable[..., Any], *, returns: Json, writes: str = "") -> ToolFacts:
    seen = function_schema(function, own=1)
    defaults = {
        name: parameter.default
        for name, parameter in signature(function).parameters.items()
        if name in seen.parameters["properties"] and parameter.default is not parameter.empty
    }
    return ToolFacts(
        seen.name, seen.description, seen.parameters, returns, writes, defaults=defaults
    )


@frozen
class Plans:
    """The plans of a flow. `say` returns the action that tells the people of a conversation a text,
    `show` the one that shows them a message that changes; without `show` they are told only the
    questions. Both return None where nobody is told.

    A write beyond the conversation that asked waits for consent, unless its tool is `trusted`. Each
    part of the loop is a function that another can stand in for; a `selector` only chooses among
    the steps that can run.
    """

    tools: Sequence[PlanTool]
    say: Callable[[Event, str], Action | None]
    show: Callable[[Event, PlanMessage], Action | None] | None = None
    limits: Limits = field(default_factory=Limits)
    trusted: frozenset[str] = frozenset()
    planner: Planner = plan_with_a_model
    verifier: Verifier = verify_with_a_model
    reflector: Reflector = reflect
    goals: Goals = own_words
    features: Features[Situation] = features
    selector: Selector = ready

    @property
    def known(self) -> Mapping[str, PlanTool]:
        return {tool.name: tool for tool in self.tools}

    def offered(self, event: Event) -> Mapping[str, ToolFacts]:
        """Return the tools that can be used in the place of `event`."""
        return {tool.name: tool.facts for tool in self.tools if tool.fits(event)}

    def absent(self, event: Event) -> Mapping[str, str]:
        """Return the tools that cannot be used in the place of `event`, and why."""
        return {
            tool.name: f"it needs {_lacking(tool.needs, event)}"
            for tool in self.tools
            if not tool.fits(event)
        }


def _lacking(need: Needs, event: Event) -> str:
    if need != "repository":
        return f"{'an issue' if need == 'issue' else 'a Slack thread'}, and this is none"
    if event.source == "api":
        return "a repository, and the request names none"
    return (
        "a repository, and no repository belongs to this channel;"
        " who runs me can give it one with REPOSITORIES"
    )
