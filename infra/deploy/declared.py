"""Compares the code's declarations with template.yaml, names the lines to add, and adds those of a
new flow."""

import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.bundle.settings import settings_read
from infra.configuration.names import OF_DEPLOYMENT
from infra.configuration.secret_settings import secrets_of
from infra.project import flow_modules
from shared.actions.timers import SetTimer
from shared.agent.flow import Flow
from shared.aws.looks import KINDS
from shared.errors import SettingsError

Json = dict[str, Any]

#: The variables that a flow's function may have; those of the bundle are settings.
_VARIABLES = OF_DEPLOYMENT - {"EVENT_TYPES", "LATER_SECRETS", "LOGIN_SECRETS"} | {"FRONT_DOOR_URL"}
#: New flows stand above this line.
_FRONT_DOOR = "  # ── The front door"


def declared_flows() -> dict[str, Flow]:
    """Return the flows in flows/, by their values of FLOW."""
    found = {}
    for module in flow_modules().values():
        for name, value in vars(importlib.import_module(module)).items():
            if isinstance(value, Flow):
                found[f"{module}:{name}"] = value
    return found


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

    def grants(self, function: str, line: str) -> bool:
        """Does the stack of the flow have this line, such as `Publishes: "yes"`?"""
        name, _, value = line.partition(": ")
        return bool(self._parameters(f"{function}Flow").get(name) == value.strip('"'))

    @property
    def schedules(self) -> set[str]:
        """The event types that schedules publish."""
        names = [
            self._parameters(name)["Name"]
            for name, resource in self.resources.items()
            if resource.get("Properties", {}).get("TemplateURL") == "infra/schedule.yaml"
        ]
        return {f"schedule.{name}" for name in names}

    def secrets(self, function: str) -> list[str]:
        """The secrets that the function reads when it starts."""
        named = str(self.variables(function).get("SECRETS", {}).get("Fn::Sub", ""))
        return [name.removeprefix("${SecretPrefix}/") for name in named.split(",")]

    def may_read(self, function: str) -> list[str]:
        """The secrets that the role of a flow's function may read."""
        arns = self._parameters(f"{function}Flow").get("Secrets", {}).get("Fn::Sub", [""])[0]
        return [one.removeprefix("${S}/").removesuffix("-??????") for one in arns.split(",")]

    def line(self, variable: str) -> str:
        """Return the line that gives `variable` to another function, else one to complete."""
        found = re.search(rf"^ +({variable}: .*)$", self.text, re.MULTILINE)
        return found[1] if found else f"{variable}: # its value"

    def _parameters(self, stack: str) -> Json:
        found: Json = self.resources.get(stack, {}).get("Properties", {}).get("Parameters", {})
        return found


def differences(flows: Mapping[str, Flow], deployed: Deployed) -> list[str]:
    """Say, for each flow, what template.yaml lacks or has too much."""
    found = []
    for name, flow in flows.items():
        if name in deployed.flows:
            found += _differences(deployed.flows[name], flow, deployed)
        else:
            lacks = f"template.yaml lacks the flow {name}. Add this above the front door:"
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
    of_function, of_flow = f"template.yaml: {function}", f"template.yaml: {function}Flow"
    found = []
    if deployed.wakes(function) != set(flow.types):
        wanted = f"EventTypes: {','.join(flow.types)}"
        found.append(f"{of_flow} needs the line\n        {wanted}")
    for line in _rights(flow):
        if not deployed.grants(function, line):
            found.append(f"{of_flow} needs the line\n        {line}")
    given = deployed.secrets(function)
    wanted_secrets = _secrets(flow, models="models" in given)
    if {*given} != {*wanted_secrets}:
        found.append(f"{of_function} needs the line\n          {_secrets_line(wanted_secrets)}")
    if {*deployed.may_read(function)} != {*wanted_secrets}:
        found.append(f"{of_flow} needs the line\n        {_arns_line(wanted_secrets)}")
    variables = deployed.variables(function).keys()
    for name in sorted(_needed(flow) - variables):
        found.append(f"{of_function} needs the line\n          {deployed.line(name)}")
    for name in sorted(variables - _readable(flow)):
        found.append(f"{of_function} does not need the line\n          {name}: …")
    return found


def _rights(flow: Flow) -> list[str]:
    """Return the lines that give a flow's stack the rights that few flows need."""
    sets_timers = any(permission.action is SetTimer for permission in flow.may)
    wanted = {'Publishes: "yes"': flow.is_spread, 'Timers: "yes"': sets_timers}
    wanted["Tokens: write"] = "TOKEN_PATH" in _needed(flow)
    return [line for line, is_needed in wanted.items() if is_needed]


def _unpublished(flows: Iterable[Flow], deployed: Deployed) -> list[str]:
    wanted = {name for flow in flows for name in flow.types}
    scheduled = {name for name in wanted if name.startswith("schedule.")}
    looks = {f"schedule.{kind}" for kind in KINDS}  # functions set these
    found = [
        f"template.yaml: no schedule publishes {name}. Add this under Resources, with its time:\n\n"
        + schedule_block(name.partition(".")[2], "rate(1 day)")
        for name in sorted(scheduled - deployed.schedules - looks)
    ]
    return found


def _needed(flow: Flow) -> frozenset[str]:
    """Return the variables that a flow's function must have."""
    always = {"FLOW", "SECRETS", "PAYLOAD_BUCKET", "TOPIC_ARN", "TIMER_ROLE_ARN"}
    return _VARIABLES & _of_adapters(flow) | always


def _readable(flow: Flow) -> frozenset[str]:
    desks = settings_read(flow.function.__module__, actions=False)
    return _VARIABLES & (settings_read("shared.runtime.function") | desks) | _needed(flow)


def _of_adapters(flow: Flow) -> frozenset[str]:
    """Return the variables that the adapters of a flow read."""
    adapters = {permission.action.__module__ for permission in flow.may}
    adapters |= {query.__module__ for query in flow.reads}
    return settings_read(*adapters)


def _secrets(flow: Flow, *, models: bool = True) -> list[str]:
    """Return the secrets that a flow's function reads; whether it calls models is its choice."""
    login = "database/operator" if flow.operator else "database/runtime"
    platforms = secrets_of(name.lower() for name in _of_adapters(flow))
    return [login, *["models"] * models, *(name for name in platforms if name != "models")]


def _secrets_line(names: Iterable[str]) -> str:
    return f'SECRETS: !Sub "{",".join(f"${{SecretPrefix}}/{name}" for name in names)}"'


def _arns_line(names: Iterable[str]) -> str:
    arns = ",".join(f"${{S}}/{name}-??????" for name in names)
    return f'Secrets: !Sub ["{arns}", {{S: *secrets}}]'


def title_of(name: str) -> str:
    """Return the logical id of the function of a flow."""
    return name.title().replace("_", "")


def with_flow(name: str, flow: Flow, expression: str, deployed: Deployed) -> str:
    """Return the text of template.yaml with a new flow: its two blocks, and its schedule if
    it has an `expression`.

    Raises SettingsError when the template does not have the place for these.
    """
    blocks = flow_block(name, flow, deployed)
    if expression:
        blocks += "\n" + schedule_block(flow.name, expression)
    text = deployed.text
    before, line, after = text.partition(_FRONT_DOOR)
    if not line:
        raise SettingsError(f"template.yaml has no line `{_FRONT_DOOR.strip()}`")
    return f"{before}{blocks}\n{line}{after}"


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
    own = sorted(_needed(flow) - {"FLOW", "SECRETS"})
    variables = "".join(f"          {deployed.line(name)}\n" for name in own)
    secrets = _secrets(flow)
    lower = flow.name.replace("_", "-")
    rights = "".join(f"        {line}\n" for line in _rights(flow))
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
      VpcConfig: *private
      Environment:
        Variables:
          FLOW: {name}
          {_secrets_line(secrets)}
{variables}      Events:
        Queue: {{Type: SQS, Properties: {{{queue}}}}}

  {title}Flow:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: infra/flow.yaml
      Parameters:
        Name: !Sub ${{AWS::StackName}}-{lower}
        EventTypes: {",".join(flow.types)}
        {_arns_line(secrets)}
{rights}        <<: *flow
"""
