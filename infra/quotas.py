"""Measures a deployment against what AWS takes, before anything is built: names, environments,
policies, templates.

It needs the SAM translator, so a deployment calls it in the environment of ./scripts/sam:
`python -m infra.quotas`, with the stack, the prefix and the parameters as JSON.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from infra.local.aws.errors import TemplateError
from infra.local.aws.stack import Resource, ResourceDeclaration, Stack
from infra.local.aws.template import load, read
from infra.project import ROOT, all_templates

Json = dict[str, Any]

#: Bytes of all variables of a function, as JSON.
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
ENVIRONMENT = 4096
#: Characters of a name, by type: the property that holds it, and the most that AWS takes.
#: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html and the like
NAMES: Mapping[str, tuple[str, int]] = {
    "AWS::CloudWatch::Alarm": ("AlarmName", 255),
    "AWS::CloudWatch::Dashboard": ("DashboardName", 255),
    "AWS::CodeDeploy::Application": ("ApplicationName", 100),
    "AWS::EC2::SecurityGroup": ("GroupName", 255),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::Lambda::Function": ("FunctionName", 64),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
    "AWS::RDS::DBCluster": ("DBClusterIdentifier", 63),
    "AWS::S3::Bucket": ("BucketName", 63),
    "AWS::SNS::Topic": ("TopicName", 256),
    "AWS::SQS::Queue": ("QueueName", 80),
    "AWS::SSM::Parameter": ("Name", 1011),
    "AWS::Scheduler::Schedule": ("Name", 64),
    "AWS::Scheduler::ScheduleGroup": ("Name", 64),
    "AWS::SecretsManager::Secret": ("Name", 512),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", 80),
}
#: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
SECTIONS = {"Resources": 500, "Parameters": 200, "Outputs": 200, "Mappings": 200}
TEMPLATE_BYTES, PARAMETER_BYTES, HIERARCHY = 1_000_000, 4096, 2500
#: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
REFERENCES = 60
#: Characters of a role's policies, without spaces.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
POLICIES = 10_240
#: Values of a filter.
#: https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
FILTER_VALUES = 150
#: Of a parameter's name.
#: https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
LEVELS = 15
_MAIN = "template.yaml"
_LESS = "deploy some flows as a stack of their own"
#: What a prefix gets in a name at most, and what AWS adds to the name of a nested stack.
_LONGEST_SECRET, _SUFFIX = "/database/operator", "-1ABCDEFGHIJKL"
#: The longest values that AWS has.
_PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws-us-gov",
    "AWS::Region": "ap-southeast-1",
    "AWS::URLSuffix": "amazonaws.com.cn",
    "AWS::StackId": "arn:aws-us-gov:cloudformation:ap-southeast-1:123456789012:stack/" + "x" * 165,
}
_ARN_IS_REF = ("AWS::SNS::Topic", "AWS::StepFunctions::StateMachine", "AWS::SecretsManager::Secret")


class Quota(NamedTuple):
    """A size of the deployment: `used` of `most`, and what makes it smaller."""

    what: str
    used: int
    most: int
    advice: str

    def __str__(self) -> str:
        return f"{self.what}: {self.used} of {self.most}; {self.advice}"


class _Attributes(dict[str, str]):
    """The attributes of a resource: each is its ARN."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return self["Arn"]


class Measured:
    """All resources of a stack and of those that it nests, as AWS would make them."""

    def __init__(self, template: Path, stack: str, parameters: Mapping[str, str]) -> None:
        self.declared: list[ResourceDeclaration] = []
        self.stacks: list[Stack] = []
        self._evaluate(template, stack, parameters)

    def _evaluate(self, path: Path, name: str, parameters: Mapping[str, str]) -> Json:
        template = load(path, parameters, _PSEUDO["AWS::Region"])
        stack = Stack(
            name,
            template,
            parameters,
            pseudo=_PSEUDO,
            create=self._create,
            resolve=lambda text: text,
        )
        self.stacks.append(stack)
        return stack.deploy()

    def _create(self, declared: ResourceDeclaration) -> Resource:
        self.declared.append(declared)
        if declared.type == "AWS::CloudFormation::Stack":
            return self._nested(declared)
        key, most = NAMES.get(declared.type, ("Name", 64))
        name = str(declared.properties.get(key) or "x" * most)
        service, kind = declared.type.split("::")[1:3]
        partition, region = _PSEUDO["AWS::Partition"], _PSEUDO["AWS::Region"]
        place = f"{service.lower()}:{region}:{_PSEUDO['AWS::AccountId']}"
        arn = f"arn:{partition}:{place}:{kind.lower()}:{name}"
        return Resource(arn if declared.type in _ARN_IS_REF else name, _Attributes(Arn=arn))

    def _nested(self, declared: ResourceDeclaration) -> Resource:
        path = declared.stack.template.path.parent / declared.properties["TemplateURL"]
        given = declared.properties.get("Parameters", {})
        values = {
            name: ",".join(map(str, value)) if isinstance(value, list) else str(value)
            for name, value in given.items()
        }
        outputs = self._evaluate(path, f"{declared.name}{_SUFFIX}"[:128], values)
        named = {f"Outputs.{name}": value for name, value in outputs.items()}
        return Resource(declared.name, named)

    @property
    def quotas(self) -> Iterator[Quota]:
        for stack in self.stacks:
            yield from _of_template(stack)
        total = len(self.declared)
        yield Quota("resources of all stacks", total, HIERARCHY, _LESS)
        for declared in self.declared:
            yield from _of_resource(declared)


def _of_template(stack: Stack) -> Iterator[Quota]:
    file, body = stack.template.path.name, stack.template.body
    for section, most in SECTIONS.items():
        yield Quota(f"{file}: {section}", len(body.get(section) or {}), most, _LESS)
    text = json.dumps(body)
    yield Quota(f"{file}: bytes", len(text.encode()), TEMPLATE_BYTES, _LESS)
    references = text.count("{{resolve:")
    advice = "let functions read secrets when they start"
    yield Quota(f"{file}: dynamic references", references, REFERENCES, advice)


def _of_resource(declared: ResourceDeclaration) -> Iterator[Quota]:
    where, properties = f"{declared.stack.name}, {declared.logical_id}", declared.properties
    key, most = NAMES.get(declared.type, ("", 0))
    if name := properties.get(key):
        advice = "choose a shorter --stack, or a shorter name of the flow"
        yield Quota(f"{where}: characters of the name {name}", len(str(name)), most, advice)
    if declared.type == "AWS::Lambda::Function":
        variables = properties.get("Environment", {}).get("Variables", {})
        size = len(json.dumps({name: str(value) for name, value in variables.items()}))
        advice = "choose a shorter --prefix, and keep settings in the bundle"
        yield Quota(f"{where}: bytes of the environment", size, ENVIRONMENT, advice)
    if declared.type == "AWS::IAM::Role":
        policies = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        size = sum(len(json.dumps(policy, separators=(",", ":"))) for policy in policies)
        advice = "choose a shorter --prefix and --stack"
        yield Quota(f"{where}: characters of the policies", size, POLICIES, advice)
    if declared.type == "AWS::CloudFormation::Stack":
        for name, value in properties.get("Parameters", {}).items():
            size = len(str(value).encode())
            advice = "let the flow take fewer event types or secrets"
            yield Quota(f"{where}: bytes of the parameter {name}", size, PARAMETER_BYTES, advice)
    if declared.type == "AWS::SNS::Subscription":
        values = Counter({key: len(one) for key, one in properties.get("FilterPolicy", {}).items()})
        advice = "let two flows share the event types"
        yield Quota(f"{where}: event types", max(values.values(), default=0), FILTER_VALUES, advice)


def _of_prefix(prefix: str) -> Iterator[Quota]:
    secret = f"{prefix}{_LONGEST_SECRET}"
    yield Quota(f"characters of the secret {secret}", len(secret), 512, "choose a shorter --prefix")
    levels = f"/{prefix.strip('/')}/settings".count("/")
    advice = "choose a --prefix with fewer slashes"
    yield Quota(f"levels of the parameter /{prefix}/settings", levels, LEVELS, advice)


def measured(
    stack: str, prefix: str, parameters: Mapping[str, str], template: Path = ROOT / _MAIN
) -> list[Quota]:
    """Return all sizes of a deployment's stack; raises TemplateError for a template that is none.

    It takes those of the parameters that the template has.
    """
    values = values_of(template, {**parameters, "SecretPrefix": prefix})
    return [*_of_prefix(prefix), *Measured(template, stack, values).quotas]


def values_of(template: Path, given: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """Return a value for each parameter of a template, also for one that has none."""
    declared: Json = read(template).get("Parameters") or {}
    return {
        name: str(given.get(name, one.get("Default", _stand_in(one))))
        for name, one in declared.items()
    }


def stacks(stack: str, root: Path = ROOT) -> dict[str, Path]:
    """Return the template of each stack that a deployment may have, by the stack's name."""
    return {
        stack if name == _MAIN else f"{stack}-{Path(name).stem}": root / name
        for name, is_stack in all_templates(root).items()
        if is_stack
    }


def measured_whole(
    stack: str, prefix: str, parameters: Mapping[str, str], root: Path = ROOT
) -> list[Quota]:
    """Return all sizes of a deployment, with every template that there is below `root`."""
    return [
        quota
        for name, template in stacks(stack, root).items()
        for quota in measured(name, prefix, parameters, template)
    ]


def _stand_in(declared: Json) -> str:
    """Return a value for a parameter that must be given, where nobody gave it."""
    if allowed := declared.get("AllowedValues"):
        return max(map(str, allowed), key=len)
    if declared.get("Type") == "Number":
        return str(declared.get("MaxValue", 1))
    return "x" * int(declared.get("MaxLength", 64))


def main() -> int:
    """Print what AWS would refuse, a line each."""
    try:
        found = measured_whole(**json.load(sys.stdin))
    except TemplateError as err:
        print(err)
        return 1
    problems = list(dict.fromkeys(str(one) for one in found if one.used > one.most))
    print("\n".join(problems), end="\n" if problems else "")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
