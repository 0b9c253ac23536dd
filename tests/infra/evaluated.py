"""template.yaml as CloudFormation evaluates it: what its conditions leave, also nested."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from infra.local.aws.stack import Resource, ResourceDeclaration, Stack
from infra.local.aws.template import Template, load, read
from infra.project import ROOT, TEMPLATES

Json = dict[str, Any]
_PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::URLSuffix": "amazonaws.com",
}


class Evaluated(NamedTuple):
    name: str
    type: str
    properties: Json


def _defaults(name: str) -> dict[str, str]:
    declared = read(ROOT / name)["Parameters"]
    return {one: str(value["Default"]) for one, value in declared.items()}


def transformed(**parameters: str) -> dict[str, Json]:
    """The resources of template.yaml after SAM's transform."""
    given = _defaults("template.yaml") | parameters
    return load(ROOT / "template.yaml", given, "us-east-1").resources


def evaluated(**parameters: str) -> list[Evaluated]:
    """Evaluate both stacks of a deployment, and what is nested in them, with these parameters."""
    made: list[Evaluated] = []
    for name in TEMPLATES:
        given = _defaults(name)
        given |= {one: value for one, value in parameters.items() if one in given}
        _stack(Path(name).stem, load(ROOT / name, given, "us-east-1"), given, made).deploy()
    return made


def of_type(made: list[Evaluated], kind: str) -> Iterator[tuple[str, Json]]:
    found = [(one.name, one.properties) for one in made if one.type == kind]
    assert found, kind
    yield from found


def _stack(name: str, template: Template, given: Mapping[str, str], made: list[Evaluated]) -> Stack:
    def create(declared: ResourceDeclaration) -> Resource:
        if declared.type == "AWS::CloudFormation::Stack":
            return _nested(declared, made)
        name = f"{declared.stack.name}/{declared.logical_id}"
        made.append(Evaluated(name, declared.type, declared.properties))
        return Resource(declared.logical_id, _Any())

    return Stack(name, template, given, pseudo=_PSEUDO, create=create, resolve=str)


def _nested(declared: ResourceDeclaration, made: list[Evaluated]) -> Resource:
    path = declared.stack.template.path.parent / declared.properties["TemplateURL"]
    given = {
        name: ",".join(value) if isinstance(value, list) else str(value)
        for name, value in declared.properties["Parameters"].items()
    }
    inner = _stack(declared.logical_id, load(path, given, "us-east-1"), given, made)
    outputs = {f"Outputs.{name}": value for name, value in inner.deploy().items()}
    return Resource(declared.logical_id, _Any(outputs))


class _Any(dict[str, Any]):
    """Attributes of a resource: whichever is asked for."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return name
