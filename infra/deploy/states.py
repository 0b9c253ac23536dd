"""Which state a stack of CloudFormation is in, and what to do where it cannot be changed."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from infra.deploy.stack import DeployError

#: Seconds between two looks, and how many: four hours for network interfaces and databases.
_WAIT = {"Delay": 15, "MaxAttempts": 160}
#: Only planned: no resource is made yet.
_PLANNED = "REVIEW_IN_PROGRESS"
_NEVER_MADE = (
    "its first deployment failed; its events say why:"
    " aws cloudformation describe-stack-events --stack-name {name};"
    " mend that, then delete it and run this again:"
    " aws cloudformation delete-stack --stack-name {name}"
)
#: Where CloudFormation takes no update, and what helps.
#: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
_STUCK: Mapping[str, str] = {
    **dict.fromkeys(("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"), _NEVER_MADE),
    "DELETE_FAILED": "it was being deleted; ./scripts/deploy --delete ends that",
    "UPDATE_ROLLBACK_FAILED": (
        "mend what its events name, then let it go on back:"
        " aws cloudformation continue-update-rollback --stack-name {name}"
    ),
}


def state_of(client: Any, name: str) -> str:
    """Return CloudFormation's word for the state of a stack; empty where there is none."""
    try:
        (row,) = client.describe_stacks(StackName=name)["Stacks"]
    except ClientError as err:
        if "does not exist" not in str(err):
            raise
        return ""
    return str(row["StackStatus"])


def is_made(client: Any, name: str) -> bool:
    """Is there a stack that was more than planned?"""
    return state_of(client, name) not in {"", _PLANNED}


def check_settled(client: Any, name: str) -> None:
    """Raises DeployError while the stack changes."""
    state = state_of(client, name)
    if state.endswith("_IN_PROGRESS") and state != _PLANNED:
        cancel = f", or stop that: aws cloudformation cancel-update-stack --stack-name {name}"
        raise DeployError(
            f"{name} is being changed ({state}); wait{cancel if state.startswith('UPDATE') else ''}"
        )


def check_changeable(client: Any, name: str) -> None:
    """Raises DeployError where the stack is there and takes no update now."""
    check_settled(client, name)
    state = state_of(client, name)
    if advice := _STUCK.get(state):
        raise DeployError(f"{name} is {state}: {advice.format(name=name)}")


def wait(client: Any, name: str, until: str, failed: str) -> None:
    """Wait until a stack is in the state that a waiter of boto3 knows; raises DeployError that says
    `failed` and the first reason of CloudFormation's, and ClientError where it cannot be asked."""
    try:
        client.get_waiter(until).wait(StackName=name, WaiterConfig=_WAIT)
    except WaiterError as err:
        if "Error" in err.last_response:
            raise ClientError(err.last_response, "DescribeStacks") from err
        raise DeployError(f"{name} {failed}: {_reason(client, name) or err}") from err


def delete(client: Any, name: str) -> None:
    """Delete a stack and wait until it is gone; raises DeployError."""
    client.delete_stack(StackName=name)
    wait(
        client, name, "stack_delete_complete", "could not be deleted whole; mend it, and run again"
    )


def _reason(client: Any, name: str) -> str:
    """Return the first failure of the last change that is not another's consequence."""
    try:
        events = client.describe_stack_events(StackName=name)["StackEvents"]
    except ClientError:
        return ""
    first = ""
    for event in events:  # the newest first
        if event["LogicalResourceId"] == name and event["ResourceStatus"] in _BEGINS:
            break
        why = event.get("ResourceStatusReason", "")
        if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in why:
            first = f"{event['LogicalResourceId']}: {why}"
    return first


_BEGINS = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"}
