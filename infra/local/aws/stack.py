"""A CloudFormation stack: parameters, conditions, intrinsic functions, and its resources.

moto has a CloudFormation too. It costs 1.5 s to import (it loads 30 services), ignores what it does
not know, and lacks dynamic references, local nested templates and half of the attributes that we
use. This one knows what our templates use, and refuses the rest by name.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from infra.local.aws.errors import TemplateError
from infra.local.aws.template import Template
from shared.events import Json

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_NOTHING = object()


class Resource(NamedTuple):
    """The values of `Ref` and `Fn::GetAtt` of a resource."""

    ref: str
    attributes: Mapping[str, Any] = {}


class ResourceDeclaration(NamedTuple):
    """One resource of a template, its properties evaluated."""

    stack: "Stack"
    logical_id: str
    type: str
    properties: Json

    @property
    def name(self) -> str:
        """The name of a resource that has none in the template."""
        return f"{self.stack.name}-{self.logical_id}"


#: Creates a resource.
Create = Callable[[ResourceDeclaration], Resource]
#: Returns what `{{resolve:…}}` stands for.
Resolve = Callable[[str], str]


class Stack:
    """Evaluates a template and creates its resources in the order in which they need each other."""

    def __init__(
        self,
        name: str,
        template: Template,
        parameters: Mapping[str, Any],
        *,
        pseudo: Mapping[str, str],
        create: Create,
        resolve: Resolve,
    ) -> None:
        self.name = name
        self.template = template
        self.pseudo = pseudo
        self.create = create
        self.resolve = resolve
        self._parameters = _parameter_values(template, parameters)
        self._resources: dict[str, Resource | None] = {}
        self._creating: list[str] = []

    def deploy(self) -> dict[str, Any]:
        """Create every resource whose condition holds and return the outputs."""
        for logical_id in self.template.resources:
            if self._wanted(self.template.resources[logical_id]):
                self.resource(logical_id)
        return {
            name: self.value(output["Value"])
            for name, output in (self.template.body.get("Outputs") or {}).items()
            if self._wanted(output)
        }

    def resource(self, logical_id: str) -> Resource:
        """Return the resource; create it first when it does not exist yet."""
        if (made := self._resources.get(logical_id)) is not None:
            return made
        if logical_id in self._creating:
            raise self._error(f"{' → '.join([*self._creating, logical_id])} is a cycle")
        body = self.template.resources.get(logical_id)
        if body is None:
            raise self._error(f"{logical_id!r} names no parameter and no resource")
        if not self._wanted(body):
            raise self._error(f"{logical_id} is referred to, but its condition is false")
        self._creating.append(logical_id)
        for needed in _as_list(body.get("DependsOn", [])):
            if self._wanted(self.template.resources.get(needed, {})):
                self.resource(needed)
        properties = self._resolved(self.value(body.get("Properties", {})))
        made = self.create(ResourceDeclaration(self, logical_id, body["Type"], properties))
        self._creating.pop()
        self._resources[logical_id] = made
        return made

    def value(self, node: Any) -> Any:
        """Evaluate the intrinsic functions in `node`."""
        if isinstance(node, list):
            items = [self.value(item) for item in node]
            return [item for item in items if item is not _NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((key, argument),) = node.items()
            if key == "Ref":
                return self._ref(argument)
            if key.startswith("Fn::"):
                return self._function(key, argument)
        fields = {key: self.value(value) for key, value in node.items()}
        return {key: value for key, value in fields.items() if value is not _NOTHING}

    def condition(self, name: str) -> bool:
        conditions = self.template.body.get("Conditions") or {}
        if name not in conditions:
            raise self._error(f"condition {name!r} is not declared")
        return self._holds(conditions[name])

    def _function(self, key: str, argument: Any) -> Any:
        functions: dict[str, Callable[[Any], Any]] = {
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._attribute,
            "Fn::If": self._if,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Sub": self._substitute,
            "Fn::ToJsonString": lambda value: json.dumps(self.value(value)),
        }
        if key not in functions:
            raise self._error(
                f"{key} is not known to the local cloud; see infra/local/aws/stack.py"
            )
        try:
            return functions[key](argument)
        except (LookupError, TypeError, ValueError) as err:
            raise self._error(f"{key} cannot take {argument}") from err

    def _if(self, argument: Any) -> Any:
        name, yes, no = argument
        return self.value(yes if self.condition(name) else no)

    def _join(self, argument: Any) -> str:
        separator, parts = argument
        return str(separator.join(text(part) for part in self.value(parts)))

    def _split(self, argument: Any) -> list[str]:
        separator, whole = argument
        return text(self.value(whole)).split(separator)

    def _select(self, argument: Any) -> Any:
        index, items = argument
        return self.value(items)[int(self.value(index))]

    def _find_in_map(self, argument: Any) -> Any:
        name, first, second = (text(self.value(part)) for part in argument)
        return self.template.body["Mappings"][name][first][second]

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        if name == "AWS::StackName":
            return self.name
        for known in (self._parameters, self.pseudo):
            if name in known:
                return known[name]
        return self.resource(name).ref

    def _attribute(self, path: str | list[Any]) -> Any:
        parts = path.split(".") if isinstance(path, str) else path
        name, attribute = parts[0], ".".join(text(self.value(part)) for part in parts[1:])
        attributes = self.resource(name).attributes
        if attribute not in attributes:
            known = ", ".join(sorted(attributes)) or "none"
            raise self._error(f"{name} has no attribute {attribute!r} here; known: {known}")
        return attributes[attribute]

    def _substitute(self, argument: str | list[Any]) -> str:
        template, values = (argument, {}) if isinstance(argument, str) else argument

        def replace(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in values:
                return text(self.value(values[name]))
            return text(self._attribute(name) if "." in name else self._ref(name))

        return _PLACEHOLDER.sub(replace, template)

    def _holds(self, node: Any) -> bool:
        match node:
            case {"Condition": str() as name}:
                return self.condition(name)
            case {"Fn::Equals": [left, right]}:
                return text(self.value(left)) == text(self.value(right))
            case {"Fn::Not": [inner]}:
                return not self._holds(inner)
            case {"Fn::And": list() as inner}:
                return all(self._holds(item) for item in inner)
            case {"Fn::Or": list() as inner}:
                return any(self._holds(item) for item in inner)
        raise self._error(f"a condition of this form is not known to the local cloud: {node}")

    def _wanted(self, body: Json) -> bool:
        return "Condition" not in body or self.condition(body["Condition"])

    def _resolved(self, node: Any) -> Any:
        """Replace the dynamic references in an evaluated value."""
        if isinstance(node, dict):
            return {key: self._resolved(value) for key, value in node.items()}
        if isinstance(node, list):
            return [self._resolved(item) for item in node]
        if isinstance(node, str) and "{{resolve:" in node:
            return self.resolve(node)
        return node

    def _error(self, reason: str) -> TemplateError:
        return TemplateError(f"{self.template.path}: {reason}")


def text(value: Any) -> str:
    """Write a value as CloudFormation does where it expects a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _parameter_values(template: Template, given: Mapping[str, Any]) -> dict[str, Any]:
    declared = template.body.get("Parameters") or {}
    if unknown := sorted(given.keys() - declared.keys()):
        raise TemplateError(f"{template.path} has no parameter {', '.join(unknown)}")
    return {
        name: _parameter_value(template, name, declaration, given.get(name))
        for name, declaration in declared.items()
    }


def _parameter_value(template: Template, name: str, declaration: Json, given: Any) -> Any:
    value = declaration.get("Default") if given is None else given
    kind = declaration.get("Type", "String")
    if value is None:
        raise TemplateError(f"{template.path}: parameter {name} has no default; give it a value")
    allowed = declaration.get("AllowedValues")
    if allowed and text(value) not in [text(item) for item in allowed]:
        raise TemplateError(f"{template.path}: {name}={value}; expected one of {allowed}")
    if kind.startswith("AWS::SSM::"):
        raise TemplateError(f"{template.path}: {name} is read from SSM; give it a value instead")
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [part.strip() for part in text(value).split(",")]
    return value


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
