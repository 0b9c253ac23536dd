"""template.yaml deploys what the code declares, lints clean, and hands out no more than needed."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from infra.bundle.build import TemplateText
from infra.bundle.settings import settings_read
from infra.configuration.names import OF_DEPLOYMENT
from infra.configuration.secret_settings import secrets_of
from infra.deploy.declared import Deployed, declared_flows, differences
from infra.local.aws.template import load, read
from infra.project import ROOT, TEMPLATES, all_templates
from shared.actions.github.actions import AddLabels, Comment
from shared.actions.slack.actions import Reply
from shared.actions.timers import SetTimer
from shared.agent.flow import Flow
from shared.aws.looks import KINDS
from shared.aws.queue import LONGEST
from shared.aws.scheduler import Scheduler
from shared.events import Event
from shared.runtime.worker import MAX_AGE

NESTED = [name for name, is_stack in all_templates().items() if not is_stack]
Json = dict[str, Any]


@pytest.fixture(scope="module")
def written() -> Json:
    """template.yaml as it is written."""
    return read(ROOT / "template.yaml")


@pytest.fixture(scope="module")
def transformed(written: Json) -> dict[str, Json]:
    """The resources that template.yaml comes to in CloudFormation, by logical id."""
    parameters = {name: str(value["Default"]) for name, value in written["Parameters"].items()}
    return load(ROOT / "template.yaml", parameters, "us-east-1").resources


@pytest.fixture(scope="module")
def flow_stack() -> Json:
    return read(ROOT / "infra/flow.yaml")


@pytest.fixture
def deployed(written: Json) -> Deployed:
    return Deployed(written, (ROOT / "template.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def schema() -> Deployed:
    """The stack of the function that migrates."""
    file = ROOT / "infra/schema.yaml"
    return Deployed(read(file), file.read_text("utf-8"))


@pytest.fixture
def both(deployed: Deployed, schema: Deployed) -> Deployed:
    """Both stacks as if they were one."""
    body = {"Resources": {**deployed.resources, **schema.resources}}
    return Deployed(body, deployed.text + schema.text)


@pytest.fixture
def flows(deployed: Deployed) -> dict[str, Flow]:
    """The flows that template.yaml deploys: one that it lacks fails one test and no other."""
    return {name: flow for name, flow in declared_flows().items() if name in deployed.flows}


def of_type(resources: dict[str, Json], kind: str) -> dict[str, Json]:
    return {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource["Type"] == kind
    }


# The code and the deployment


def test_every_declared_flow_is_deployed_as_it_is_declared(deployed: Deployed) -> None:
    found = differences(declared_flows(), deployed)
    assert not found, "\n\n" + "\n".join(found)


def test_a_flow_that_is_not_deployed_fails_with_the_block_to_add(
    deployed: Deployed, flows: dict[str, Flow]
) -> None:
    may = (Comment.at_most(1),)
    flows["flows.not_here:not_here"] = _flow("not_here", "github.nothing.happened", may=may)
    (lacks,) = differences(flows, deployed)
    assert lacks.count("FLOW:") == 1
    assert "  NotHere:\n    Type: AWS::Serverless::Function" in lacks
    assert "          FLOW: flows.not_here:not_here\n          SECRETS: !Sub" in lacks
    assert "${SecretPrefix}/database/runtime,${SecretPrefix}/models,${SecretPrefix}/github" in lacks
    assert "${S}/github-??????" in lacks
    assert "/slack" not in lacks
    assert "        EventTypes: github.nothing.happened\n" in lacks


def test_another_event_type_or_action_fails_with_the_line_to_change(
    deployed: Deployed, flows: dict[str, Flow]
) -> None:
    may = (*flows["flows.triage:triage"].may, Reply.at_most(1))
    flows["flows.triage:triage"] = _flow("triage", "github.nothing.happened", may=may)
    types, rights, names, arns, path = differences(flows, deployed)
    assert rights == "template.yaml: TriageFlow needs the line\n        Tokens: write"
    assert path == f"template.yaml: Triage needs the line\n          TOKEN_PATH: {TOKENS}"
    assert types.endswith("TriageFlow needs the line\n        EventTypes: github.nothing.happened")
    assert names.startswith("template.yaml: Triage needs the line\n          SECRETS: !Sub")
    assert "${SecretPrefix}/slack" in names
    assert arns.startswith("template.yaml: TriageFlow needs the line\n        Secrets: !Sub")
    assert "${S}/slack-??????" in arns


def test_a_secret_that_no_action_needs_is_too_much(
    deployed: Deployed, flows: dict[str, Flow]
) -> None:
    flows["flows.chat:chat"] = _flow("chat", *flows["flows.chat:chat"].types, may=())
    names, arns, path = differences(flows, deployed)
    assert "Chat needs the line" in names and "Chat does not need the line" in path
    assert "/slack" not in names + arns


def test_an_event_of_the_clock_needs_a_schedule(deployed: Deployed, flows: dict[str, Flow]) -> None:
    flows["flows.background.retention:retention"] = _flow("retention", "schedule.not_here")
    assert any(
        "no schedule publishes schedule.not_here" in line for line in differences(flows, deployed)
    )


def test_a_flow_that_spreads_over_places_may_publish_and_knows_them(deployed: Deployed) -> None:
    flows = declared_flows()
    may = (AddLabels.on("acme/shop", "acme/site", limit=3),)
    flows["flows.quiet:quiet"] = _flow("quiet", "schedule.nightly", may=may)
    [lacks] = differences(flows, deployed)
    assert "        EventTypes: schedule.nightly\n" in lacks
    assert '        Publishes: "yes"\n        <<: *flow' in lacks
    assert "          TOPIC_ARN: !Ref Bus\n" in lacks
    retention = flows["flows.background.retention:retention"]
    flows["flows.background.retention:retention"] = replace(retention, may=may)
    del flows["flows.quiet:quiet"]
    found = "\n".join(differences(flows, deployed))
    assert 'RetentionFlow needs the line\n        Publishes: "yes"' in found


def test_a_flow_with_timers_takes_them_itself_and_may_cancel_them(
    deployed: Deployed, flows: dict[str, Flow]
) -> None:
    types = ("github.issues.opened", "timer.remind")
    flows["flows.quiet:quiet"] = _flow("quiet", *types, may=(SetTimer.at_most(1),))
    lacks, *others = differences(flows, deployed)
    assert "        EventTypes: github.issues.opened,timer.remind\n" in lacks
    assert '        Timers: "yes"\n        <<: *flow' in lacks
    assert others == []


@pytest.mark.parametrize(
    ("function", "entry"),
    [
        ("Ingress", "shared.web.ingress"),
        ("Runs", "shared.web.runs_endpoint"),
        ("Rotation", "infra.rotation"),
        ("Redelivery", "shared.github_app.function"),
    ],
)
def test_a_function_without_a_flow_gets_exactly_what_it_reads(
    deployed: Deployed, function: str, entry: str
) -> None:
    handed = settings_read(entry) & OF_DEPLOYMENT - {"EVENT_TYPES"}
    assert set(deployed.variables(function)) == handed | {"SECRETS"}


@pytest.mark.parametrize(
    ("function", "entry", "login"),
    [
        ("Ingress", "shared.web.ingress", []),
        ("Runs", "shared.web.runs_endpoint", ["database/reader"]),
        ("SignIn", "shared.web.oauth.function", ["database/runtime"]),
        ("Migrate", "infra.migrations.function", ["database/owner"]),
        ("Redelivery", "shared.github_app.function", []),
    ],
)
def test_a_function_without_a_flow_may_read_exactly_the_secrets_that_it_needs(
    both: Deployed, function: str, entry: str, login: list[str]
) -> None:
    needed = {*login, *secrets_of(name.lower() for name in settings_read(entry))}
    later = both.variables(function).get("LATER_SECRETS", {}).get("Fn::Sub", "")
    assert {*both.secrets(function)} == needed - {later.removeprefix("${SecretPrefix}/")}
    others = both.variables(function).get("LOGIN_SECRETS", {}).get("Fn::Sub", "")
    needed |= {name.removeprefix("${SecretPrefix}/") for name in others.split(",") if name}
    (allowed,) = [
        statement["Resource"]
        for statement in _statements({"role": both.resources[f"{function}Role"]})
        if statement["Action"] == "secretsmanager:GetSecretValue"
    ]
    assert {arn["Fn::Sub"][0] for arn in allowed} == {f"${{S}}/{name}-??????" for name in needed}


def test_every_variable_is_one_that_only_the_deployment_knows(
    deployed: Deployed, schema: Deployed
) -> None:
    for stack in (deployed, schema):
        for function in stack.functions:
            known = OF_DEPLOYMENT | {"FRONT_DOOR_URL"}  # a setting, or the API's own address
            assert set(stack.variables(function)) <= known - {"EVENT_TYPES"}, function


def test_the_parameters_of_both_stacks_are_alike(written: Json) -> None:
    for name, parameter in read(ROOT / "infra/schema.yaml")["Parameters"].items():
        assert parameter == written["Parameters"][name], name


def test_what_migrates_is_invoked_once_and_not_again_by_lambda(schema: Deployed) -> None:
    invoked = schema.functions["Migrate"]["EventInvokeConfig"]
    assert invoked["MaximumRetryAttempts"] == 0


def test_a_build_reads_of_the_templates_what_yaml_says(
    written: Json, deployed: Deployed, schema: Deployed
) -> None:
    template = TemplateText(ROOT)
    types = {name: value["Type"] for name, value in written["Parameters"].items()}
    assert template.parameters == types
    for stack in (deployed, schema):
        for name, properties in stack.functions.items():
            flow = stack.variables(name).get("FLOW", "")
            parts = tuple(stack.resources[name].get("Metadata", {}).get("Parts", ()))
            assert template.function(name) == (properties["Handler"], flow, parts)
    for name in ("Runtime", "Architecture"):
        assert template.default(name) == written["Parameters"][name]["Default"]


def test_the_default_runtime_is_the_oldest_python_of_the_project(written: Json) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=")
    assert written["Parameters"]["Runtime"]["Default"] == f"python{oldest}"


# Nothing is lost


def test_every_flow_takes_one_event_at_a_time_and_reports_failures(
    transformed: dict[str, Json], deployed: Deployed
) -> None:
    sources = of_type(transformed, "AWS::Lambda::EventSourceMapping")
    for function in deployed.flows.values():
        source = sources[f"{function}Queue"]
        assert source["FunctionName"] == {"Ref": f"{function}Aliaslive"}
        assert source["EventSourceArn"] == {"Fn::GetAtt": [f"{function}Flow", "Outputs.Queue"]}
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["BatchSize"] == 1


def test_an_event_becomes_visible_again_only_after_its_function_has_ended(
    written: Json, deployed: Deployed
) -> None:
    visible_after = written["Parameters"]["VisibilityTimeout"]["Default"]
    for function in deployed.flows.values():
        assert deployed.functions[function]["Timeout"] <= visible_after, function


def test_what_a_flow_gives_up_lies_in_its_own_dead_letter_queue_under_an_alarm(
    flow_stack: Json,
) -> None:
    resources = flow_stack["Resources"]
    queue, subscription = (resources[name]["Properties"] for name in ("Queue", "Subscription"))
    dead_letters = {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == dead_letters
    # It counts every receive, also of what only waits: our own count decides.
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 1000
    assert subscription["RedrivePolicy"]["deadLetterTargetArn"] == dead_letters
    alarm = resources["DeadLettersAlarm"]["Properties"]
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert alarm["Dimensions"][0]["Value"] == {"Fn::GetAtt": ["DeadLetters", "QueueName"]}
    assert alarm["Threshold"] == 1


def test_a_run_that_is_given_up_raises_an_alarm(flow_stack: Json) -> None:
    resources = flow_stack["Resources"]
    counted = resources["GivenUp"]["Properties"]
    assert counted["LogGroupName"] == {"Ref": "Log"}
    said = re.search(r'"(.+)"', counted["FilterPattern"])
    source = (ROOT / "shared/runtime/lifecycle.py").read_text("utf-8")
    assert said and f'"{said[1]}"' in source
    alarm, (metric,) = (
        resources["GivenUpAlarm"]["Properties"],
        counted["MetricTransformations"],
    )
    assert alarm["Namespace"] == metric["MetricNamespace"]
    assert alarm["MetricName"] == metric["MetricName"]
    assert alarm["Threshold"] == 1


def test_a_payload_outlives_the_messages_that_point_to_it(
    transformed: dict[str, Json], flow_stack: Json
) -> None:
    queues = of_type(flow_stack["Resources"], "AWS::SQS::Queue").values()
    seconds = sum(queue["MessageRetentionPeriod"] for queue in queues)
    rules = transformed["Payloads"]["Properties"]["LifecycleConfiguration"]["Rules"]
    days = {rule.get("Prefix", ""): rule["ExpirationInDays"] for rule in rules}
    assert days == {"": 29, "maps/": 1}  # results of maps belong to one attempt
    assert seconds < 29 * 24 * 3600


def test_what_waits_is_given_up_before_its_queue_drops_it(flow_stack: Json) -> None:
    kept = flow_stack["Resources"]["Queue"]["Properties"]["MessageRetentionPeriod"]
    assert kept == 14 * 24 * 3600
    assert kept > MAX_AGE + LONGEST
    assert LONGEST < 12 * 3600


def test_the_bus_is_ordered_and_deduplicates_by_delivery(transformed: dict[str, Json]) -> None:
    bus = transformed["Bus"]["Properties"]
    assert bus["FifoTopic"] is True
    assert bus["ContentBasedDeduplication"] is False


# Least privilege

#: The only wildcards, and why: objects have keys, a setting chooses the model and its region, jobs
#: get their ids from Bedrock, and a list of jobs knows no narrower resource.
PARAMETER = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter"
TOKENS = '!Sub "/${SecretPrefix}/slack-tokens"'
WILDCARDS = {
    f"{PARAMETER}${{TokenPath}}/*",
    f"{PARAMETER}/${{SecretPrefix}}/slack-tokens/*",
    "${Payloads.Arn}/*",
    "arn:${AWS::Partition}:s3:::${PayloadBucket}/*",
    "arn:${AWS::Partition}:s3:::${PayloadBucket}/maps/*",
    "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule/${TimerGroup}/*",
    "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${Uncovers}-*.fifo",
    "arn:${AWS::Partition}:s3:::${BatchBucket}/batches/*",
    "arn:${AWS::Partition}:bedrock:${AWS::Region}:${AWS::AccountId}:model-invocation-job/*",
    "*",
    "arn:${AWS::Partition}:bedrock:*::foundation-model/*",
    "arn:${AWS::Partition}:bedrock:${AWS::Region}:${AWS::AccountId}:inference-profile/*",
    "arn:${AWS::Partition}:bedrock:${AWS::Region}:${AWS::AccountId}:application-inference-profile/*",
    "arn:${AWS::Partition}:bedrock:${AWS::Region}:${AWS::AccountId}:provisioned-model/*",
}


def _statements(resources: dict[str, Json]) -> Iterator[Json]:
    for role in of_type(resources, "AWS::IAM::Role").values():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield statement["Fn::If"][1] if "Fn::If" in statement else statement


#: The interfaces in the subnets, if there are any; Lambda makes them, and no code of ours may.
PRIVATE_NETWORK = {"Fn::If": ["IsPrivate", [{"Ref": "Network"}], {"Ref": "AWS::NoValue"}]}


def test_what_touches_the_database_runs_in_the_private_subnets_and_nothing_else(
    transformed: dict[str, Json], deployed: Deployed, flow_stack: Json
) -> None:
    nested = {
        name
        for name, at in transformed.items()
        if "Network" in at.get("Properties", {}).get("Parameters", {})
    }
    assert flow_stack["Resources"]["Role"]["Properties"]["ManagedPolicyArns"] == PRIVATE_NETWORK
    for name, properties in of_type(transformed, "AWS::Lambda::Function").items():
        touches = "/database/" in str(deployed.variables(name).get("SECRETS"))
        assert ("VpcConfig" in properties) == touches, name
        role = properties["Role"]["Fn::GetAtt"][0]
        has_rights = role in nested or "ManagedPolicyArns" in transformed[role]["Properties"]
        assert has_rights == touches, name
    assert "VpcConfig" not in deployed.functions["Ingress"]


def test_no_code_of_a_function_may_use_the_rights_to_its_network(
    transformed: dict[str, Json],
) -> None:
    allow, deny = transformed["Network"]["Properties"]["PolicyDocument"]["Statement"]
    assert (allow["Effect"], deny["Effect"]) == ("Allow", "Deny")
    assert deny["Action"] == allow["Action"]
    assert "lambda:SourceFunctionArn" in deny["Condition"]["ArnLike"]


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_no_role_has_a_wildcard_without_a_reason(transformed: dict[str, Json]) -> None:
    nested = [read(ROOT / name)["Resources"] for name in [*NESTED, "infra/schema.yaml"]]
    seen = set()
    for resources in (transformed, *nested):
        for statement in _statements(resources):
            assert not any("*" in action for action in _many(statement["Action"])), statement
            for resource in _many(statement["Resource"]):
                text = resource.get("Fn::Sub", "") if isinstance(resource, dict) else resource
                text = text if isinstance(text, str) else text[0]
                if "*" in text:
                    seen.add(text)
    assert seen == WILDCARDS


def test_every_function_has_a_role_of_its_own(transformed: dict[str, Json]) -> None:
    functions = of_type(transformed, "AWS::Lambda::Function")
    roles = {json.dumps(properties["Role"]) for properties in functions.values()}
    assert len(roles) == len(functions)
    managed = {
        name: role["ManagedPolicyArns"]
        for name, role in of_type(transformed, "AWS::IAM::Role").items()
        if role.get("ManagedPolicyArns", PRIVATE_NETWORK) != PRIVATE_NETWORK
    }
    assert managed.keys() == {"RolloutRole"}  # what CodeDeploy calls is for AWS to say


def test_the_ingress_may_publish_and_put_objects_and_log_and_read_its_secret_and_no_more(
    transformed: dict[str, Json],
) -> None:
    statements = list(_statements({"IngressRole": transformed["IngressRole"]}))
    allowed = [(_many(statement["Action"]), statement["Resource"]) for statement in statements]
    secret = ["secretsmanager:GetSecretValue"]
    assert [one for one in allowed if one[0] != secret] == [
        (["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": ["IngressLog", "Arn"]}),
        (["ssm:GetParameter"], {"Fn::Sub": f"{PARAMETER}/${{SecretPrefix}}/slack-tokens/*"}),
        (["sns:Publish"], {"Ref": "Bus"}),
        (["s3:PutObject"], {"Fn::Sub": "${Payloads.Arn}/*"}),
        # With a key of one's own, and while traces are on.
        (["kms:Decrypt", "kms:GenerateDataKey"], {"Ref": "KmsKeyArn"}),
        (["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*"),
    ]


def test_only_the_bus_may_fill_a_queue(flow_stack: Json) -> None:
    policy = flow_stack["Resources"]["QueuePolicy"]["Properties"]["PolicyDocument"]
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "Topic"}}}


def test_payloads_are_private_encrypted_and_travel_encrypted(transformed: dict[str, Json]) -> None:
    bucket = transformed["Payloads"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert "AES256" in json.dumps(bucket["BucketEncryption"])
    (statement,) = transformed["PayloadsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_no_secret_stands_in_the_template_or_passes_through_cloudformation() -> None:
    """A reference would show the secret to whoever may see the function's configuration."""
    for name in (*TEMPLATES, *NESTED):
        assert "{{resolve:" not in (ROOT / name).read_text("utf-8")


# Schedules


def test_no_schedule_wakes_the_database_more_than_once_a_day(deployed: Deployed) -> None:
    """All else is set by who leaves work: see shared/aws/looks.py."""
    ours = {"schedule.nightly"} | {f"schedule.{kind}" for kind in KINDS}
    shipped = {name for flow in declared_flows().values() for name in flow.types} & ours
    assert shipped == ours
    assert deployed.schedules & ours == {"schedule.nightly"}
    nightly = deployed.resources["Nightly"]["Properties"]["Parameters"]["Expression"]
    assert nightly.startswith("cron(17 3 ")
    for flow in declared_flows().values():
        if {*flow.types} & (ours - {"schedule.nightly"}):
            assert "schedule.nightly" in flow.types, f"{flow.name}: what was lost is found at night"


def test_functions_find_the_group_of_timers_and_publish_in_a_role_that_only_publishes(
    transformed: dict[str, Json], flow_stack: Json
) -> None:
    group = transformed["TimerGroup"]["Properties"]["Name"]
    topic = transformed["Bus"]["Properties"]["TopicName"]
    assert group == {"Ref": "AWS::StackName"}
    assert topic == {"Fn::Sub": "${AWS::StackName}-events.fifo"}
    arn = "arn:aws:sns:eu-west-1:123456789012:my-stack-events.fifo"
    assert Scheduler("arn:aws:iam::123456789012:role/x", arn).group == "my-stack"
    role = transformed["TimerRole"]["Properties"]
    publishes, uses_key = _statements({"TimerRole": transformed["TimerRole"]})
    assert publishes == {"Effect": "Allow", "Action": "sns:Publish", "Resource": {"Ref": "Bus"}}
    assert uses_key["Resource"] == {"Ref": "KmsKeyArn"}
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"]["ArnEquals"] == {
        "aws:SourceArn": {"Fn::GetAtt": ["TimerGroup", "Arn"]}
    }
    passed = [
        one for one in _statements(flow_stack["Resources"]) if one["Action"] == "iam:PassRole"
    ]
    assert {"Ref": "TimerRole"} in [one["Resource"] for one in passed]


def test_a_schedule_publishes_an_event_that_the_flows_can_read() -> None:
    resources = read(ROOT / "infra/schedule.yaml")["Resources"]
    target = resources["Schedule"]["Properties"]["Target"]
    assert target["Arn"] == {"Fn::Sub": "arn:${AWS::Partition}:scheduler:::aws-sdk:sns:publish"}
    text = target["Input"]["Fn::Sub"].replace("${Name}", "nightly").replace("${Topic}", "arn:topic")
    call = json.loads(text.replace("<aws.scheduler.scheduled-time>", "2026-11-21T03:17:00Z"))
    event = Event.from_json(call["Message"])
    assert event.type == call["MessageAttributes"]["type"]["StringValue"] == "schedule.nightly"
    assert event.id == call["MessageDeduplicationId"] == "schedule.nightly:2026-11-21T03:17:00Z"
    assert event.conversation == call["MessageGroupId"]
    assert event.source == "schedule"
    assert not event.actor.is_bot
    assert set(json.loads(call["Message"])) == set(Event._fields) - set(Event._field_defaults)


def _flow(name: str, *types: str, may: tuple[Any, ...] = ()) -> Flow:
    return Flow(name, types, may, False, frozenset(), lambda event, agent: None)
