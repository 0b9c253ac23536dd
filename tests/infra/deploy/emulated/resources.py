"""The resources of our templates, made and changed through the APIs of moto's server."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.config import Config

from infra.local.aws.stack import Resource, ResourceDeclaration, text

_KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
#: What Lambda is told of a function beside its code.
_CONFIGURATION = (
    *("FunctionName", "Handler", "Role", "Runtime", "Timeout", "MemorySize", "Environment"),
    *("TracingConfig", "LoggingConfig", "VpcConfig"),
)
#: Types that nobody asks for here, with the service and the kind in their ARNs.
_INERT = frozenset(
    {
        "AWS::ApiGateway::Deployment",
        "AWS::ApiGateway::Stage",
        "AWS::CodeDeploy::Application",
        "AWS::CodeDeploy::DeploymentGroup",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::Permission",
        "AWS::Logs::MetricFilter",
        "AWS::S3::BucketPolicy",
        "AWS::SQS::QueuePolicy",
    }
)


class Made:
    """A resource of a stack, as moto's answers name its parts."""

    def __init__(self, declared: ResourceDeclaration, resource: Resource) -> None:
        self.logical_resource_id = declared.logical_id
        self.cf_resource_type = declared.type
        self.physical_resource_id = resource.ref
        self.properties = declared.properties
        self.resource = resource


class Resources:
    """Makes, changes and deletes; `before` is what the stack has under the same name."""

    def __init__(self, region: str, url: str) -> None:
        self._session = boto3.Session(region_name=region, **_KEYS)
        self._url = url
        self._clients: dict[str, Any] = {}

    def create(self, declared: ResourceDeclaration, before: Made | None) -> Made:
        if before and before.properties == declared.properties:
            return before
        if declared.type in _INERT:
            name = f"{declared.name}-inert"
            return Made(declared, Resource(name, {"Arn": f"arn:aws:inert:::{name}"}))
        return Made(declared, _TYPES[declared.type](self, declared, before))

    def delete(self, made: Made) -> None:
        if deletion := _DELETIONS.get(made.cf_resource_type):
            service, call, argument = deletion
            getattr(self.client(service), call)(**{argument: made.physical_resource_id})

    def client(self, service: str) -> Any:
        if service not in self._clients:
            paths = Config(s3={"addressing_style": "path"})
            self._clients[service] = self._session.client(
                service, endpoint_url=self._url, config=paths
            )
        return self._clients[service]

    def content(self, bucket: str, key: str) -> bytes:
        content: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content


def _role(made: Resources, declared: ResourceDeclaration, before: Made | None) -> Resource:
    iam, given = made.client("iam"), declared.properties
    name = given.get("RoleName", f"{declared.name}"[-64:])
    trust = json.dumps(given["AssumeRolePolicyDocument"])
    bound = {one: given[one] for one in ("PermissionsBoundary",) if one in given}
    if before:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    else:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **bound)
    for policy in given.get("Policies", []):
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
    for arn in given.get("ManagedPolicyArns", []):
        if ":aws:policy/" not in arn:
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    return Resource(name, {"Arn": iam.get_role(RoleName=name)["Role"]["Arn"]})


def _policy(made: Resources, declared: ResourceDeclaration, before: Made | None) -> Resource:
    if before:
        return before.resource
    document = json.dumps(declared.properties["PolicyDocument"])
    answer = made.client("iam").create_policy(PolicyName=declared.name, PolicyDocument=document)
    return Resource(answer["Policy"]["Arn"])


def _function(made: Resources, declared: ResourceDeclaration, before: Made | None) -> Resource:
    lambdas, given = made.client("lambda"), declared.properties
    name = given["FunctionName"]
    told = {one: given[one] for one in _CONFIGURATION if one in given}
    if "Environment" in told:
        variables = told["Environment"]["Variables"].items()
        told["Environment"] = {"Variables": {key: text(value) for key, value in variables}}
    told = {one: int(v) if one in {"Timeout", "MemorySize"} else v for one, v in told.items()}
    if before:
        lambdas.update_function_configuration(**told)
        if before.properties["Code"] != given["Code"]:
            lambdas.update_function_code(FunctionName=name, **given["Code"])
    else:
        lambdas.create_function(
            Code=given["Code"], Architectures=given.get("Architectures", ["x86_64"]), **told
        )
    reserved = int(given.get("ReservedConcurrentExecutions", 0))
    if reserved:
        lambdas.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    elif before:
        lambdas.delete_function_concurrency(FunctionName=name)
    arn = lambdas.get_function_configuration(FunctionName=name)["FunctionArn"]
    return Resource(name, {"Arn": arn})


def _version(made: Resources, declared: ResourceDeclaration, before: Made | None) -> Resource:
    if before:
        return before.resource
    function = declared.properties["FunctionName"]
    found = made.client("lambda").publish_version(FunctionName=function)
    return Resource(found["FunctionArn"], {"Version": found["Version"]})


def _alias(made: Resources, declared: ResourceDeclaration, before: Made | None) -> Resource:
    """Lead the alias, which a deployment of CodeDeploy does bit by bit."""
    call = made.client("lambda").update_alias if before else made.client("lambda").create_alias
    wanted = {"FunctionName", "FunctionVersion", "Name"}
    given = {name: text(declared.properties[name]) for name in wanted}
    return Resource(call(**given)["AliasArn"])


def _source(made: Resources, declared: ResourceDeclaration, before: Made | None) -> Resource:
    lambdas, given = made.client("lambda"), dict(declared.properties)
    given["BatchSize"] = int(given["BatchSize"])
    scaling = given.get("ScalingConfig", {})
    given["ScalingConfig"] = {name: int(value) for name, value in scaling.items()}
    given.pop("Tags", None)
    if before:
        del given["EventSourceArn"]
        found = lambdas.update_event_source_mapping(UUID=before.physical_resource_id, **given)
    else:
        found = lambdas.create_event_source_mapping(**given)
    return Resource(found["UUID"])


def _log(made: Resources, declared: ResourceDeclaration, before: Made | None) -> Resource:
    logs, given = made.client("logs"), declared.properties
    name = given["LogGroupName"]
    if not before:
        logs.create_log_group(logGroupName=name)
    logs.put_retention_policy(logGroupName=name, retentionInDays=int(given["RetentionInDays"]))
    (found,) = logs.describe_log_groups(logGroupNamePrefix=name, limit=1)["logGroups"]
    return Resource(name, {"Arn": found["arn"]})


def _alarm(made: Resources, declared: ResourceDeclaration, before: Made | None) -> Resource:
    given = {
        name: int(value) if name in {"Period", "EvaluationPeriods", "DatapointsToAlarm"} else value
        for name, value in declared.properties.items()
    }
    name = str(given.pop("AlarmName", declared.name))
    given["Threshold"] = float(given["Threshold"])
    made.client("cloudwatch").put_metric_alarm(AlarmName=name, **given)
    return Resource(name, {"Arn": f"arn:aws:cloudwatch:::alarm:{name}"})


def _topic(made: Resources, declared: ResourceDeclaration, before: Made | None) -> Resource:
    given = declared.properties
    sns, name = made.client("sns"), given.get("TopicName", declared.name)
    flags = ("FifoTopic", "ContentBasedDeduplication", "KmsMasterKeyId")
    attributes = {one: text(given[one]) for one in flags if one in given}
    arn = sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
    for one in given.get("Subscription", []):
        sns.subscribe(TopicArn=arn, Protocol=one["Protocol"], Endpoint=one["Endpoint"])
    return Resource(arn, {"TopicArn": arn, "TopicName": name})


def _subscription(made: Resources, declared: ResourceDeclaration, before: Made | None) -> Resource:
    sns, given = made.client("sns"), declared.properties
    named = ("RawMessageDelivery", "FilterPolicy", "RedrivePolicy")
    attributes = {
        one: json.dumps(value) if isinstance(value := given[one], dict) else text(value)
        for one in named
        if one in given
    }
    if before:
        arn = before.physical_resource_id
        for one, value in attributes.items():
            sns.set_subscription_attributes(
                SubscriptionArn=arn, AttributeName=one, AttributeValue=value
            )
        return before.resource
    arn = sns.subscribe(
        TopicArn=given["TopicArn"],
        Protocol=given["Protocol"],
        Endpoint=given["Endpoint"],
        Attributes=attributes,
    )["SubscriptionArn"]
    return Resource(arn, {"Arn": arn})


def _queue(made: Resources, declared: ResourceDeclaration, before: Made | None) -> Resource:
    sqs, given = made.client("sqs"), dict(declared.properties)
    name = given.pop("QueueName")
    attributes = {
        one: json.dumps(value) if isinstance(value, dict) else text(value)
        for one, value in given.items()
    }
    if before:
        url = before.physical_resource_id
        attributes.pop("FifoQueue", None)
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    else:
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = found["Attributes"]["QueueArn"]
    return Resource(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})


def _bucket(made: Resources, declared: ResourceDeclaration, before: Made | None) -> Resource:
    s3 = made.client("s3")
    name = declared.properties.get("BucketName", f"{declared.name}-bucket".lower())
    if not before:
        region = {"LocationConstraint": s3.meta.region_name}
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=region)
    return Resource(name, {"Arn": f"arn:aws:s3:::{name}"})


def _schedule_group(
    made: Resources, declared: ResourceDeclaration, before: Made | None
) -> Resource:
    name = declared.properties["Name"]
    arn = made.client("scheduler").create_schedule_group(Name=name)["ScheduleGroupArn"]
    return Resource(name, {"Arn": arn})


def _schedule(made: Resources, declared: ResourceDeclaration, before: Made | None) -> Resource:
    scheduler, given = made.client("scheduler"), dict(declared.properties)
    name = given.pop("Name", declared.name)
    call = scheduler.update_schedule if before else scheduler.create_schedule
    return Resource(name, {"Arn": call(Name=name, **given)["ScheduleArn"]})


def _machine(made: Resources, declared: ResourceDeclaration, before: Made | None) -> Resource:
    states, given = made.client("stepfunctions"), declared.properties
    place = given["DefinitionS3Location"]
    definition = made.content(place["Bucket"], place["Key"]).decode()
    for one, value in given.get("DefinitionSubstitutions", {}).items():
        definition = definition.replace(f"${{{one}}}", text(value))
    name, role = given["StateMachineName"], given["RoleArn"]
    if before:
        arn = before.physical_resource_id
        states.update_state_machine(stateMachineArn=arn, definition=definition, roleArn=role)
    else:
        found = states.create_state_machine(name=name, definition=definition, roleArn=role)
        arn = found["stateMachineArn"]
    return Resource(arn, {"Arn": arn, "Name": name})


def _api(made: Resources, declared: ResourceDeclaration, before: Made | None) -> Resource:
    if before:
        return before.resource
    found = made.client("apigateway").create_rest_api(name=declared.properties["Name"])
    return Resource(found["id"], {"RootResourceId": found["id"], "RestApiId": found["id"]})


_Create = Callable[[Resources, ResourceDeclaration, Made | None], Resource]
_TYPES: Mapping[str, _Create] = {
    "AWS::ApiGateway::RestApi": _api,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::IAM::ManagedPolicy": _policy,
    "AWS::IAM::Role": _role,
    "AWS::Lambda::Alias": _alias,
    "AWS::Lambda::EventSourceMapping": _source,
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::Version": _version,
    "AWS::Logs::LogGroup": _log,
    "AWS::S3::Bucket": _bucket,
    "AWS::SNS::Subscription": _subscription,
    "AWS::SNS::Topic": _topic,
    "AWS::SQS::Queue": _queue,
    "AWS::Scheduler::Schedule": _schedule,
    "AWS::Scheduler::ScheduleGroup": _schedule_group,
    "AWS::StepFunctions::StateMachine": _machine,
}
_DELETIONS: Mapping[str, tuple[str, str, str]] = {
    "AWS::Lambda::Function": ("lambda", "delete_function", "FunctionName"),
    "AWS::SNS::Topic": ("sns", "delete_topic", "TopicArn"),
    "AWS::SQS::Queue": ("sqs", "delete_queue", "QueueUrl"),
    "AWS::Scheduler::Schedule": ("scheduler", "delete_schedule", "Name"),
    "AWS::Scheduler::ScheduleGroup": ("scheduler", "delete_schedule_group", "Name"),
}
