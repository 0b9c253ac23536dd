"""Adds up the connections that a deployment may hold at once: each process has one.

The queues bound the flows (MaximumConcurrency), reserved concurrency bounds the plans and the API.
What waits for its next event keeps its connection, and a process of the version before may too.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from infra.cloudformation import parse
from infra.project import ROOT

Json = dict[str, Any]

_MACHINE = "AWS::Serverless::StateMachine"
#: The migration has a connection, signs in to make a login and to try it, and is looked at.
_MIGRATE = 4
#: Plans that run at once where nothing bounds them; a guess, and it is said.
_PLANS = 4


class Sum(NamedTuple):
    """The most connections of each function, and those of them that nothing bounds."""

    by_function: Mapping[str, int]
    unbounded: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.by_function.values())

    def __str__(self) -> str:
        parts = " + ".join(f"{name} {count}" for name, count in self.by_function.items())
        return f"{self.total} ({parts})"


def read_template(name: str = "template.yaml") -> Json:
    """Return a template as it is written, with CloudFormation's short forms in full."""
    found: Json = parse((ROOT / name).read_text("utf-8"))
    return found


def connections(template: Json, parameters: Mapping[str, str]) -> Sum:
    """Add up for the `template` as it is written, with `parameters` over its defaults."""
    values = {name: str(one.get("Default", "")) for name, one in template["Parameters"].items()}
    values |= parameters
    found: dict[str, int] = {}
    unbounded = []
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] != "AWS::Serverless::Function" or "VpcConfig" not in properties:
            continue
        most = _number(properties.get("ReservedConcurrentExecutions"), values)
        queues = sum(_queues(properties, values))
        if most is None:
            most = queues or 1
            if _is_called(name, template):
                unbounded.append(name)
                most += _PLANS * _at_once(template)
        found[name] = most
    return Sum({**found, "Migrate": _MIGRATE}, tuple(unbounded))  # of infra/schema.yaml


def too_many(found: Sum, most: int, where: str) -> str:
    """Say that the sum is more than the `most` that the database takes; '' when it is not."""
    if found.total <= most:
        return ""
    return (
        f"the functions may hold {found} connections, and {where} leaves them {most}: lower"
        " MAX_CONCURRENCY, give the database more (max_connections), or put a pooler in front"
        " and say in DATABASE_CONNECTIONS how many clients it takes"
    )


def _queues(properties: Json, values: Mapping[str, str]) -> list[int]:
    sources = (properties.get("Events") or {}).values()
    scaling = [
        one["Properties"].get("ScalingConfig", {}) for one in sources if one["Type"] == "SQS"
    ]
    return [_number(one.get("MaximumConcurrency"), values) or 1000 for one in scaling]


def _number(value: Any, values: Mapping[str, str]) -> int | None:
    """Return a number that is written, that a parameter gives, or that depends on it; None when it
    is 0 or not there, which means no limit."""
    if isinstance(value, dict) and "Fn::If" in value:
        value = value["Fn::If"][1]
    if isinstance(value, dict):
        value = values[value["Ref"]]
    return int(value or 0) or None


def _is_called(name: str, template: Json) -> bool:
    """Tell if something other than a queue calls the function: a state machine or the API."""
    properties = template["Resources"][name]["Properties"]
    if any(one["Type"] == "Api" for one in (properties.get("Events") or {}).values()):
        return True
    machines = (one for one in template["Resources"].values() if one["Type"] == _MACHINE)
    return any(f"'{name}" in str(one["Properties"]["DefinitionSubstitutions"]) for one in machines)


def _at_once(template: Json) -> int:
    """Return how many states of one plan run at once: the widest map of the planner."""
    definition = json.loads((ROOT / "infra/planner.asl.json").read_text("utf-8"))
    maps = [one for one in definition["States"].values() if one["Type"] == "Map"]
    return max((int(one["MaxConcurrency"]) for one in maps), default=1)
