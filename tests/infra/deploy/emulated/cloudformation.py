"""CloudFormation in moto's server (emulated): with SAM's transform, nested stacks that change in
place, and versions and aliases of functions. Resources are made through moto's own APIs.

moto's CloudFormation has none of these, makes nested stacks anew at each change, and knows neither
schedules nor aliases. What evaluates templates is the local AWS's (infra/local/aws/stack.py).
"""
# moto's classes have no types that mypy reads here, so they are Any to it.
# mypy: disallow-subclassing-any=False

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import (
    ChangeSet,
    CloudFormationBackend,
    Stack,
)
from moto.cloudformation.utils import generate_changeset_id, generate_stack_id

from infra.cloudformation import parse
from infra.local.aws.errors import TemplateError
from infra.local.aws.stack import Resource, ResourceDeclaration, text
from infra.local.aws.stack import Stack as Evaluated
from infra.local.aws.template import Template, transform
from shared.events import Json
from tests.infra.deploy.emulated.resources import Made, Resources

ACCOUNT = "123456789012"


class DeployedStack(Stack):
    """A stack: its template as it was given, its parameters, and what it is made of."""

    def __init__(self, backend: "CloudFormation", name: str, tags: Mapping[str, str]) -> None:
        self._backend = backend
        self.made: dict[str, Made] = {}
        self._outputs: list[dict[str, str]] = []
        self._given: dict[str, str] = {}
        id = generate_stack_id(name, backend.region_name, ACCOUNT)
        super().__init__(id, name, {}, {}, ACCOUNT, backend.region_name, tags=dict(tags))
        self.template = ""

    def change(self, template: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Make the stack what the template says; return its outputs. Raises TemplateError and
        botocore's errors, with which the stack is rolled back (what is made stays, here)."""
        verb = "UPDATE" if self.template else "CREATE"
        self._event(f"{verb}_IN_PROGRESS", "User Initiated")
        try:
            outputs = self._changed(template, {k: text(v) for k, v in parameters.items()})
        except (TemplateError, BotoCoreError, ClientError) as err:
            self._event(f"{verb}_FAILED", str(err))
            self._event("UPDATE_ROLLBACK_COMPLETE" if self.template else "ROLLBACK_COMPLETE")
            raise
        self.template = template
        self._event(f"{verb}_COMPLETE")
        return outputs

    def _event(self, status: str, reason: str | None = None) -> None:
        self._add_stack_event(status, resource_status_reason=reason)
        self.status = status

    def _changed(self, template: str, given: Mapping[str, str]) -> dict[str, Any]:
        body = read(self.name, template, given, self.region_name)
        kept: dict[str, Made] = {}

        def create(declared: ResourceDeclaration) -> Resource:
            made = self._backend.create(declared, self.made.get(declared.logical_id))
            kept[declared.logical_id] = made
            return made.resource

        known = self._backend.pseudo
        evaluated = Evaluated(
            self.name,
            Template(Path(self.name), body, {}),
            given,
            pseudo={**known, "AWS::StackId": self.stack_id},
            create=create,
            resolve=str,
        )
        outputs = evaluated.deploy()
        for gone in [*(self.made.keys() - kept.keys())]:
            self._backend.delete(self.made.pop(gone))
        self.made = kept
        self._given = parameters_of(body, given)
        self._outputs = [{"OutputKey": k, "OutputValue": text(v)} for k, v in outputs.items()]
        return outputs

    def delete(self) -> None:
        for made in [*self.made.values()][::-1]:
            self._backend.delete(made)
        self.made = {}
        self._event("DELETE_COMPLETE")

    @property
    def outputs(self) -> list[dict[str, str]]:
        return self._outputs

    @property
    def parameter_list(self) -> list[dict[str, str]]:
        return [
            {"ParameterKey": name, "ParameterValue": value} for name, value in self._given.items()
        ]

    @property
    def stack_parameters(self) -> dict[str, str]:
        return self._given

    @property
    def stack_resources(self) -> list[Made]:
        return [*self.made.values()]


class Plan(ChangeSet):
    """A change set: which resources come, change and go."""

    stack: DeployedStack

    def _parse_template(self) -> None:
        self.template_dict = read(self.stack.name, self.template, self.parameters, "us-east-1")

    def diff(self) -> list[Any]:
        return []

    @property
    def is_empty(self) -> bool:
        given = parameters_of(self.template_dict, self.parameters)
        same = self.stack.template == self.template and self.stack.stack_parameters == given
        return bool(self.stack.template) and same


class CloudFormation(CloudFormationBackend):
    """The stacks of one region."""

    def __init__(self, region: str, url: str) -> None:
        super().__init__(region, ACCOUNT)
        self._resources = Resources(region, url)
        self.pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::Region": region,
            "AWS::URLSuffix": "amazonaws.com",
        }

    def create(self, declared: ResourceDeclaration, before: Made | None) -> Made:
        if declared.type == "AWS::CloudFormation::Stack":
            return self._nested(declared)
        return self._resources.create(declared, before)

    def delete(self, made: Made) -> None:
        if made.cf_resource_type == "AWS::CloudFormation::Stack":
            self.delete_stack(made.physical_resource_id)
        else:
            self._resources.delete(made)

    def _nested(self, declared: ResourceDeclaration) -> Made:
        place = urlsplit(declared.properties["TemplateURL"]).path.removeprefix("/")
        given = declared.properties.get("Parameters", {})
        values = {
            name: ",".join(map(text, value)) if isinstance(value, list) else text(value)
            for name, value in given.items()
        }
        known = [one for one in self.stacks.values() if one.name == declared.name]
        stack = known[0] if known else self._new(declared.name, {})
        outputs = stack.change(self._resources.content(*place.split("/", 1)).decode(), values)
        attributes = {f"Outputs.{name}": value for name, value in outputs.items()}
        return Made(declared, Resource(stack.stack_id, attributes))

    def _new(self, name: str, tags: Mapping[str, str]) -> DeployedStack:
        stack = DeployedStack(self, name, tags)
        self.stacks[stack.stack_id] = stack
        return stack

    def create_stack(
        self, name: str, template: str, parameters: Mapping[str, str], **more: Any
    ) -> Any:
        stack = self._new(name, more.get("tags") or {})
        stack.change(template, parameters)
        return stack

    def update_stack(
        self, name: str, template: str, role_arn: Any, parameters: list[Json], tags: Any
    ) -> Any:
        stack = self.get_stack(name)
        given = {
            one["ParameterKey"]: stack.stack_parameters[one["ParameterKey"]]
            if one.get("UsePreviousValue")
            else one["ParameterValue"]
            for one in parameters
        }
        stack.change(template, given)
        return stack

    def create_change_set(
        self,
        stack_name: str,
        change_set_name: str,
        template: str,
        parameters: Mapping[str, str],
        **more: Any,
    ) -> tuple[str, str]:
        kind = more["change_set_type"]
        if kind == "UPDATE":
            stack = self.get_stack(stack_name)
        else:
            stack = self._new(stack_name, more.get("tags") or {})
            stack._event("REVIEW_IN_PROGRESS", "User Initiated")
        id = generate_changeset_id(change_set_name, self.region_name, ACCOUNT)
        try:
            plan = Plan(kind, id, change_set_name, stack, template, parameters, "")
        except TemplateError as err:
            raise ValidationError(stack_name, str(err)) from err
        plan.status, plan.execution_status = "CREATE_COMPLETE", "AVAILABLE"
        if plan.is_empty:
            plan.status, plan.execution_status = "FAILED", "UNAVAILABLE"
            plan.status_reason = "The submitted information didn't contain changes."
        self.change_sets[id] = plan
        return id, stack.stack_id

    def execute_change_set(self, change_set_name: str, stack_name: str | None = None) -> None:
        plan = self.describe_change_set(change_set_name)
        plan.execution_status = "EXECUTE_COMPLETE"
        try:
            plan.stack.change(plan.template, plan.parameters)
        except (TemplateError, BotoCoreError, ClientError):
            return  # its events say why


def read(name: str, template: str, given: Mapping[str, Any], region: str) -> Json:
    """Parse a template, and transform SAM's; raises TemplateError, as for a parameter that it does
    not have."""
    body: Json = parse(template)
    if unknown := sorted(given.keys() - body.get("Parameters", {}).keys()):
        raise TemplateError(f"Parameters: {unknown} do not exist in the template")
    if "AWS::Serverless-2016-10-31" in str(body.get("Transform", "")):
        body = transform(Path(name), body, given, region)
    return body


def parameters_of(body: Json, given: Mapping[str, Any]) -> dict[str, str]:
    declared = body.get("Parameters", {})
    return {name: text(given.get(name, one.get("Default", ""))) for name, one in declared.items()}
