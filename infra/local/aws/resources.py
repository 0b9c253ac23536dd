"""Creates each type of CloudFormation resource in the local account.

To support another type, write a function for it and add it to `_TYPES`.
"""

import json
import secrets
import string
from collections.abc import Callable, Mapping
from typing import Any

from infra.local.aws import template
from infra.local.aws.account import Account
from infra.local.aws.environments import FunctionSpec
from infra.local.aws.errors import TemplateError
from infra.local.aws.functions import name_in
from infra.local.aws.gateway import routes_of
from infra.local.aws.moto_repairs import DurableQueue
from infra.local.aws.queues import EventSource
from infra.local.aws.schedules import schedule_of
from infra.local.aws.stack import Resource, ResourceDeclaration, Stack, text
from infra.local.aws.state_machines import StateMachine
from shared.events import Json

#: The most environments of a function, unless the template says. AWS: 1000 a region.
_CONCURRENCY = 10
#: The most batches of one queue at once: a laptop has less memory than a region.
_BATCHES = 4
#: What a function publishes here.
_VERSION = "1"


def create(account: Account, declared: ResourceDeclaration) -> Resource:
    """Create a declared resource; raises TemplateError for an unknown type."""
    if declared.type in _INERT or declared.type.startswith("Custom::"):
        return _inert(account, declared)
    if declared.type not in _TYPES:
        raise TemplateError(
            f"{declared.logical_id}: {declared.type} is not known to the local cloud; "
            "add it to infra/local/aws/resources.py"
        )
    return _TYPES[declared.type](account, declared)


def _inert(account: Account, declared: ResourceDeclaration) -> Resource:
    """Stand in for types that change nothing locally: permissions, alarms, logs, deployments."""
    _, service, kind = f"{declared.type}::".split("::")[:3]
    names = (declared.properties.get(key) for key in (f"{kind}Name", "Name"))
    name = next((text(name) for name in names if name), declared.name)
    return Resource(name, {"Arn": account.arn(service.lower(), f"{kind.lower()}/{name}")})


def _stack(account: Account, declared: ResourceDeclaration) -> Resource:
    parent = declared.stack
    location = declared.properties["TemplateURL"]
    if "://" in location:
        raise TemplateError(f"{declared.logical_id}: {location} is remote; name a local template")
    given = declared.properties.get("Parameters", {})
    parameters = {name: _parameter(value) for name, value in given.items()}
    nested = Stack(
        declared.name,
        template.load(
            parent.template.path.parent / location,
            parameters,
            account.region,
        ),
        parameters,
        pseudo=parent.pseudo,
        create=parent.create,
        resolve=parent.resolve,
    )
    outputs = nested.deploy()
    return Resource(declared.name, {f"Outputs.{name}": value for name, value in outputs.items()})


def _parameter(value: Any) -> str:
    return ",".join(map(text, value)) if isinstance(value, list) else text(value)


def _queue(account: Account, declared: ResourceDeclaration) -> Resource:
    attributes = dict(declared.properties)
    attributes.pop("Tags", None)
    suffix = ".fifo" if text(attributes.get("FifoQueue", False)) == "true" else ""
    name = attributes.pop("QueueName", f"{declared.name}{suffix}")
    queue = DurableQueue(name, account.region, account.id, account.store, attributes)
    account.sqs.queues[name] = queue
    account.queues[name] = queue
    url = f"{account.url}/{queue.account_id}/{name}"
    return Resource(url, {"Arn": queue.queue_arn, "QueueName": name, "QueueUrl": url})


def _topic(account: Account, declared: ResourceDeclaration) -> Resource:
    attributes = dict(declared.properties)
    attributes.pop("Tags", None)
    subscriptions = attributes.pop("Subscription", [])
    fifo = text(attributes.pop("FifoTopic", False)) == "true"
    name = attributes.pop("TopicName", f"{declared.name}{'.fifo' if fifo else ''}")
    deduplicates = text(attributes.pop("ContentBasedDeduplication", False)) == "true"
    flags = {"FifoTopic": fifo, "ContentBasedDeduplication": deduplicates}
    topic = account.sns.create_topic(name, {**attributes, **flags})
    for subscription in subscriptions:
        if subscription["Protocol"] == "sqs":
            account.sns.subscribe(topic.arn, subscription["Endpoint"], "sqs")
    return Resource(topic.arn, {"TopicArn": topic.arn, "TopicName": name})


def _subscription(account: Account, declared: ResourceDeclaration) -> Resource:
    properties = declared.properties
    sns = account.sns
    if properties["Protocol"] != "sqs":  # nobody gets mail from this machine
        return _inert(account, declared)
    made = sns.subscribe(properties["TopicArn"], properties["Endpoint"], "sqs")
    # The scope comes first: moto validates the policy against it.
    for name in ("FilterPolicyScope", "FilterPolicy", "RedrivePolicy"):
        if name in properties:
            value = properties[name]
            written = value if isinstance(value, str) else json.dumps(value)
            sns.set_subscription_attributes(made.arn, name, written)
    if text(properties.get("RawMessageDelivery", False)) == "true":
        sns.set_subscription_attributes(made.arn, "RawMessageDelivery", "true")
    return Resource(made.arn, {"Arn": made.arn})


def _bucket(account: Account, declared: ResourceDeclaration) -> Resource:
    # Names of buckets are global, also in moto.
    name = declared.properties.get("BucketName", f"{declared.name}-{account.id}".lower())
    account.s3.create_bucket(name, account.region)
    account.s3.restore(name)
    domain = f"{name}.s3.amazonaws.com"
    return Resource(name, {"Arn": f"arn:aws:s3:::{name}", "DomainName": domain})


def _secret(account: Account, declared: ResourceDeclaration) -> Resource:
    properties = declared.properties
    value = properties.get("SecretString", "")
    if generate := properties.get("GenerateSecretString"):
        letters = string.ascii_letters + string.digits
        length = int(generate.get("PasswordLength", 32))
        value = "".join(secrets.choice(letters) for _ in range(length))
        if key := generate.get("GenerateStringKey"):
            template_text = generate.get("SecretStringTemplate", "{}")
            value = json.dumps({**json.loads(template_text), key: value})
    made = account.secrets.create_secret(
        name=properties.get("Name", declared.name),
        secret_string=value,
        secret_binary=None,
        description=properties.get("Description"),
        tags=None,
        kms_key_id=None,
        client_request_token=None,
        replica_regions=[],
        force_overwrite=False,
    )
    arn = json.loads(made)["ARN"]
    return Resource(arn, {"Id": arn})


def _role(account: Account, declared: ResourceDeclaration) -> Resource:
    name = declared.properties.get("RoleName", declared.name)
    arn = f"arn:aws:iam::{account.id}:role/{name}"
    account.rights.add_role(arn, declared.properties.get("Policies", []))
    return Resource(name, {"Arn": arn})


def _function(account: Account, declared: ResourceDeclaration) -> Resource:
    properties = declared.properties
    name = properties.get("FunctionName", declared.name)
    id = _id(account, declared)
    arn = account.arn("lambda", f"function:{name}")
    built = account.code.get(id)
    code = built or declared.stack.template.code.get(declared.logical_id)
    if code is None or not code.is_dir():
        raise TemplateError(f"{id}: its code is no directory here: {code}; correct its CodeUri")
    declared_variables = properties.get("Environment", {}).get("Variables", {})
    variables = {
        key: account.variables.get(key, text(value)) for key, value in declared_variables.items()
    }
    account.functions[id] = FunctionSpec(
        id=id,
        name=name,
        arn=arn,
        handler=account.handlers.get(id, properties["Handler"]),
        code=code,
        isolated=built is not None,
        variables={
            **account.function_variables(id, text(properties.get("Role", ""))),
            **account.settings,
            **variables,
        },
        timeout=float(properties.get("Timeout", 3)),
        memory=int(properties.get("MemorySize", 128)),
        concurrency=int(properties.get("ReservedConcurrentExecutions", _CONCURRENCY)),
    )
    return Resource(name, {"Arn": arn})


def _id(account: Account, declared: ResourceDeclaration) -> str:
    """Return the logical id, behind that of the nested stack that declares it."""
    return declared.name.removeprefix(f"{account.stack_name}-")


def _version(account: Account, declared: ResourceDeclaration) -> Resource:
    """Publish the only version: what a template is made of does not change here."""
    function = _named(account, declared.properties["FunctionName"])
    account.functions[function.id] = function._replace(version=_VERSION)
    return Resource(f"{function.arn}:{_VERSION}", {"Version": _VERSION})


def _alias(account: Account, declared: ResourceDeclaration) -> Resource:
    """Name the version. Nothing shifts gradually here, and no alarm leads it back."""
    properties = declared.properties
    function = _named(account, properties["FunctionName"])
    if (version := properties["FunctionVersion"]) not in ("$LATEST", function.version):
        raise TemplateError(f"{declared.logical_id}: {function.id} has no version {version}")
    return Resource(f"{function.arn}:{properties['Name']}", {})


def _named(account: Account, reference: Any) -> FunctionSpec:
    """Find the function that a name or an ARN refers to."""
    name = name_in(text(reference))
    return next(spec for spec in account.functions.values() if spec.name == name)


def _event_source(account: Account, declared: ResourceDeclaration) -> Resource:
    properties = declared.properties
    queue = account.queues.get(properties["EventSourceArn"].split(":")[-1])
    if queue is None:
        raise TemplateError(f"{declared.logical_id}: only queues of the template trigger functions")
    function = _named(account, properties["FunctionName"])
    if queue.visibility_timeout < function.timeout:  # AWS refuses that too
        raise TemplateError(
            f"{queue.name}: visibility time-out of {queue.visibility_timeout} s is shorter than "
            f"the {function.timeout:.0f} s of {function.id}; make it longer"
        )
    if "FilterCriteria" in properties:
        raise TemplateError(f"{declared.logical_id}: filter in the subscription, not by criteria")
    if text(properties.get("Enabled", True)) == "true":
        scaling = properties.get("ScalingConfig", {})
        source = EventSource(
            queue,
            function.id,
            int(properties.get("BatchSize", 10)),
            "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
            min(int(scaling.get("MaximumConcurrency", _BATCHES)), function.concurrency, _BATCHES),
        )
        account.sources.append(source)
    return Resource(declared.name, {"Id": declared.name})


def _schedule(account: Account, declared: ResourceDeclaration) -> Resource:
    name = declared.properties.get("Name", declared.name)
    arn = account.arn("scheduler", f"schedule/default/{name}")
    id = _id(account, declared)
    account.schedules.append(schedule_of(id, name, arn, declared.properties))
    return Resource(name, {"Arn": arn})


def _schedule_group(account: Account, declared: ResourceDeclaration) -> Resource:
    name = text(declared.properties.get("Name", declared.name))
    account.once.groups.add(name)
    return Resource(name, {"Arn": account.arn("scheduler", f"schedule-group/{name}")})


def _state_machine(account: Account, declared: ResourceDeclaration) -> Resource:
    properties = declared.properties
    name = properties.get("StateMachineName", declared.name)
    definition = str(properties["DefinitionString"])
    for key, value in properties.get("DefinitionSubstitutions", {}).items():
        definition = definition.replace(f"${{{key}}}", text(value))
    arn = account.arn("states", f"stateMachine:{name}")
    account.machines.add(StateMachine(name, arn, definition))
    return Resource(arn, {"Arn": arn, "Name": name})


def _rest_api(account: Account, declared: ResourceDeclaration) -> Resource:
    body: Json = dict(declared.properties.get("Body", {}))
    if kinds := declared.properties.get("BinaryMediaTypes"):
        body["x-amazon-apigateway-binary-media-types"] = kinds
    account.routes.extend(routes_of(body, name_in))
    return Resource("local", {"RootResourceId": "local", "RestApiId": "local"})


_TYPES: Mapping[str, Callable[[Account, ResourceDeclaration], Resource]] = {
    "AWS::ApiGateway::RestApi": _rest_api,
    "AWS::CloudFormation::Stack": _stack,
    "AWS::IAM::Role": _role,
    "AWS::Lambda::Alias": _alias,
    "AWS::Lambda::EventSourceMapping": _event_source,
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::Version": _version,
    "AWS::S3::Bucket": _bucket,
    "AWS::SNS::Subscription": _subscription,
    "AWS::SNS::Topic": _topic,
    "AWS::SQS::Queue": _queue,
    "AWS::Scheduler::Schedule": _schedule,
    "AWS::Scheduler::ScheduleGroup": _schedule_group,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::StepFunctions::StateMachine": _state_machine,
}

#: Types that change nothing on this machine.
_INERT = frozenset(
    {
        "AWS::ApiGateway::Account",
        "AWS::ApiGateway::Deployment",
        "AWS::ApiGateway::GatewayResponse",
        "AWS::ApiGateway::Stage",
        "AWS::Budgets::Budget",
        "AWS::CloudFormation::CustomResource",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Logs::MetricFilter",
        "AWS::CloudWatch::Dashboard",
        "AWS::CodeDeploy::Application",
        "AWS::CodeDeploy::DeploymentGroup",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::KMS::Alias",
        "AWS::KMS::Key",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
    }
)
