"""Compares the code's declarations with template.yaml, names the lines to add, and adds those of a
new flow."""

import ast
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from infra.bundle.imports import trace
from infra.project import ROOT
from shared.agent.flow import Flow
from shared.errors import SettingsError
from shared.settings import Settings

Json = dict[str, Any]


def declared_flows() -> dict[str, Flow]:
    """Return the flows in flows/, by their values of FLOW."""
    found = {}
    for file in sorted((ROOT / "flows").glob("*.py")):
        module = f"flows.{file.stem}"
        for name, value in vars(importlib.import_module(module)).items():
            if isinstance(value, Flow):
                found[f"{module}:{name}"] = value
    return found


@cache
def settings_read(*entries: str, actions: bool = True) -> frozenset[str]:
    """The environment variables of the settings that `entries`, and all they import, read; without
    those of `actions` if these are not what the entries are asked about."""
    found: set[str] = set()
    for name, file in trace(ROOT, entries).modules.items():
        if name != "shared.settings" and (actions or not name.startswith("shared.actions.")):
            found |= _settings_in(file)
    return frozenset(field.upper() for field in found)


@cache
def _settings_in(file: Path) -> frozenset[str]:
    return frozenset(_fields(ast.parse(file.read_bytes())))


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


class Deployed:
    """The flows of template.yaml, before the transform: the lines in it are what people edit."""

    def __init__(self, template: Json, text: str) -> None:
        self.resources: Json = template["Resources"]
        self.text = text
        self.functions: dict[str, Json] = {
            name: resource["Properties"]
            for name, resource in self.resources.items()
            if resource["Type"] == "AWS::Serverless::Function"
        }

    @property
    def flows(self) -> dict[str, str]:
        """Return the function of each flow, by its value of FLOW."""
        named = {name: self.variables(name).get("FLOW") for name in self.functions}
        return {flow: name for name, flow in named.items() if flow}

    def variables(self, function: str) -> Json:
        found: Json = self.functions[function].get("Environment", {}).get("Variables", {})
        return found

    def wakes(self, function: str) -> set[str]:
        """The event types that the queue of `function` takes from the bus."""
        return set(self._parameters(f"{function}Flow").get("EventTypes", "").split(","))

    def publishes(self, function: str) -> bool:
        """May the function wake runs?"""
        return bool(self._parameters(f"{function}Flow").get("Publishes") == "yes")

    @property
    def schedules(self) -> set[str]:
        """The event types that schedules publish."""
        names = [
            self._parameters(name)["Name"]
            for name, resource in self.resources.items()
            if resource.get("Properties", {}).get("TemplateURL") == "infra/schedule.yaml"
        ]
        return {f"schedule.{name}" for name in names}

    @property
    def common(self) -> set[str]:
        """The variables that `*agent` gives to a function."""
        found = re.search(r"^( +)<<: &agent\n((?:\1 +.*\n)+)", self.text, re.MULTILINE)
        return set(re.findall(r"^ +([A-Z_]+):", found[2], re.MULTILINE)) if found else set()

    def line(self, variable: str) -> str:
        """Return the line that gives `variable` to another function, else one to complete."""
        found = re.search(rf"^ +({variable}: .*)$", self.text, re.MULTILINE)
        return found[1] if found else f"{variable}: # its value"

    def _parameters(self, stack: str) -> Json:
        found: Json = self.resources.get(stack, {}).get("Properties", {}).get("Parameters", {})
        return found


def differences(flows: Mapping[str, Flow], deployed: Deployed) -> list[str]:
    """Say, for each flow and for the ingress, what template.yaml lacks or has too much."""
    found = []
    for name, flow in flows.items():
        if name in deployed.flows:
            found += _differences(deployed.flows[name], flow, deployed)
        else:
            lacks = f"template.yaml lacks the flow {name}. Add this above the line of &wanted:"
            found.append(f"{lacks}\n\n{flow_block(name, flow, deployed)}")
    for name in deployed.flows.keys() - flows.keys():
        found.append(f"template.yaml: {deployed.flows[name]} runs {name}, which is no flow")
    found += _unpublished(flows.values(), deployed)
    return found + list(_claimed_twice(flows.values()))


def _claimed_twice(flows: Iterable[Flow]) -> Iterator[str]:
    """Say which mentions two flows claim: one word has one answer."""
    claims: dict[str, str] = {}
    for flow in flows:
        for name in (one for one in flow.types if ".mention." in one):
            if name in claims:
                yield f"flows: {flow.name} and {claims[name]} both claim {name}; take another word"
            claims[name] = flow.name


def _differences(function: str, flow: Flow, deployed: Deployed) -> list[str]:
    found = []
    if deployed.wakes(function) != set(flow.types):
        wanted = f"EventTypes: &{flow.name} {','.join(flow.types)}"
        found.append(f"template.yaml: {function}Flow needs the line\n        {wanted}")
    if _login(flow) not in str(deployed.variables(function)["DATABASE_URL"]):
        found.append(f"template.yaml: {function} needs a DATABASE_URL with {_login(flow)}")
    if flow.is_spread and not deployed.publishes(function):
        found.append(f'template.yaml: {function}Flow needs the line\n        Publishes: "yes"')
    variables = deployed.variables(function).keys()
    for name in sorted(_credentials(flow) - variables):
        found.append(f"template.yaml: {function} needs the line\n          {deployed.line(name)}")
    for name in sorted(variables - _readable(flow)):
        found.append(f"template.yaml: {function} does not need the line\n          {name}: …")
    return found


def _unpublished(flows: Iterable[Flow], deployed: Deployed) -> list[str]:
    wanted = {name for flow in flows for name in flow.types}
    scheduled = {name for name in wanted if name.startswith("schedule.")}
    found = [
        f"template.yaml: no schedule publishes {name}. Add this under Resources, with its time:\n\n"
        + schedule_block(name.partition(".")[2], "rate(1 day)")
        for name in sorted(scheduled - deployed.schedules)
    ]
    joined = deployed.variables("Ingress")["EVENT_TYPES"]["Fn::Join"][1]
    published = {name for types in joined for name in types.split(",")}
    # What is about the memory comes from the flow `upkeep`.
    ours = scheduled | {name for name in wanted if name.startswith("memory.")}
    if published - ours != wanted - ours:
        anchors = ", ".join(f"*{flow.name}" for flow in flows if not set(flow.types) <= ours)
        found.append(
            "template.yaml: what the ingress publishes needs the line\n"
            f'          EVENT_TYPES: &wanted !Join [",", [{anchors}]]'
        )
    return found


def _credentials(flow: Flow) -> frozenset[str]:
    """Return the variables that the adapters of a flow read, and those that every flow needs."""
    adapters = {permission.action.__module__ for permission in flow.may}
    adapters |= {query.__module__ for query in flow.reads}
    spread = {"PLACES", "TENANTS", "TOPIC_ARN"} if flow.is_spread else set()
    always = {"DATABASE_URL", "FLOW", "MAX_ATTEMPTS", "MAX_PAUSE_HOURS"}
    return settings_read(*adapters) | always | spread


def _login(flow: Flow) -> str:
    """Return the key of the secret with the login that a flow signs in to the database with."""
    return ":operator_url" if flow.operator else ":runtime_url"


def _readable(flow: Flow) -> frozenset[str]:
    desks = settings_read(flow.function.__module__, actions=False)
    return settings_read("shared.runtime.function") | desks | _credentials(flow)


def title_of(name: str) -> str:
    """Return the logical id of the function of a flow."""
    return name.title().replace("_", "")


def with_flow(name: str, flow: Flow, expression: str, deployed: Deployed) -> str:
    """Return the text of template.yaml with a new flow: its two blocks, its schedule if it has an
    `expression`, and its event types among those that the ingress publishes.

    Raises SettingsError when the template does not have the places for these.
    """
    blocks = flow_block(name, flow, deployed)
    if expression:
        blocks += "\n" + schedule_block(flow.name, expression)
    text = deployed.text
    published = re.search(r'EVENT_TYPES: &wanted !Join \[",", \[([^\]]*)\]\]', text)
    if not published:
        raise SettingsError("template.yaml has no line `EVENT_TYPES: &wanted !Join …`")
    # A name in that line must stand before it.
    heads = [*re.finditer(r"^  (\w+):$", text[: published.start()], re.MULTILINE)][-2:]
    if not heads:
        raise SettingsError("template.yaml has no Resources before the line with &wanted")
    place = heads[0] if heads[0][1] == f"{heads[-1][1]}Flow" else heads[-1]
    if any(not name.startswith("schedule.") for name in flow.types):
        end = published.end(1)
        text = f"{text[:end]}, *{flow.name}{text[end:]}"
    return f"{text[: place.start()]}{blocks}\n{text[place.start() :]}"


def schedule_block(name: str, expression: str) -> str:
    """The lines that let a schedule publish `schedule.<name>`, ready to paste."""
    return f"""\
  {title_of(name.replace("-", "_"))}Schedule:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: infra/schedule.yaml
      Parameters: {{Name: {name}, Expression: "{expression}", Topic: !Ref Bus}}
"""


def flow_block(name: str, flow: Flow, deployed: Deployed) -> str:
    """The lines that deploy a flow, ready to paste."""
    title = title_of(flow.name)
    own = sorted(_credentials(flow) - deployed.common - {"FLOW"})
    credentials = "".join(f"          {deployed.line(variable)}\n" for variable in own)
    lower = flow.name.replace("_", "-")
    publishes = '        Publishes: "yes"\n' if flow.is_spread else ""
    queue = f"<<: *one_at_a_time, Queue: !GetAtt {title}Flow.Outputs.Queue"
    alarms = ", ".join(
        f"!GetAtt {title}Flow.Outputs.{one}" for one in ("ErrorsAlarm", "GivenUpAlarm")
    )
    return f"""\
  {title}:
    Type: AWS::Serverless::Function
    Metadata: {{BuildMethod: makefile}}
    Properties:
      FunctionName: !Sub ${{AWS::StackName}}-{lower}
      Handler: shared.runtime.function.handler
      Role: !GetAtt {title}Flow.Outputs.Role
      DeploymentPreference: {{Alarms: [{alarms}]}}
      Timeout: 150
      Environment:
        Variables:
          FLOW: {name}
          <<: *agent
{credentials}      Events:
        Queue: {{Type: SQS, Properties: {{{queue}}}}}

  {title}Flow:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: infra/flow.yaml
      Parameters:
        Name: !Sub ${{AWS::StackName}}-{lower}
        EventTypes: &{flow.name} {",".join(flow.types)}
{publishes}        <<: *flow
"""
